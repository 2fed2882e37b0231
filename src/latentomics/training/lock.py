"""One writer a run folder.

In: a folder. Out: a lock that the operating system gives back when its process ends, however it
ends, and a note beside it that says who holds it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentomics.core import RequestError, write_atomic

LOCK = ".lock"
OWNER = ".owner.json"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a run folder for writing; a lock whose process is gone counts as free.

    Raises
    ------
    RequestError
        When another process holds it, with its host and process id, when it is a file, or when it
        cannot be written.
    """
    from filelock import FileLock, Timeout

    if folder.exists() and not folder.is_dir():
        raise RequestError("the run folder is a file", str(folder), "choose another folder")
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise RequestError(
            f"another run writes here: {_owner(folder)}",
            str(folder),
            "wait until it ends, stop it there and go on with --resume, or choose another folder",
        ) from None
    except OSError as error:
        raise RequestError(
            f"the run folder cannot be written: {error.strerror}",
            str(folder),
            "correct its permissions, or choose another folder",
        ) from None
    try:
        note = {"host": socket.gethostname(), "process": os.getpid()}
        write_atomic(folder / OWNER, json.dumps(note))
        yield
    finally:
        (folder / OWNER).unlink(missing_ok=True)
        lock.release()


def refuse_held(folder: Path) -> None:
    """Refuse what ``lock_folder`` would refuse now; no folder and no file is made.

    Raises
    ------
    RequestError
        See ``lock_folder``.
    """
    if folder.is_file() or (folder / LOCK).is_file():
        with lock_folder(folder):
            pass


def _owner(folder: Path) -> str:
    try:
        note = json.loads((folder / OWNER).read_text())
        return f"process {note['process']} on {note['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its process has not said which it is"
