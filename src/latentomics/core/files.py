"""Files that are whole or absent, and hashes that say what is in them."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path


def write_atomic(
    path: Path, write: Callable[[Path], None] | bytes | str, *, durable: bool = True
) -> None:
    """Write a file so that a reader sees the old one or the whole new one, never a part.

    Parameters
    ----------
    path : Path
        Where the file ends up; its folder must exist.
    write : callable, bytes or str
        The content, or a function that writes it to the temporary path it is given.
    durable : bool
        Wait until the disk has it (some 5 ms); False for what can be made again.

    Raises
    ------
    OSError
        Of the kind that the system found (no space, no permission), always with the path.
    """
    try:
        _write_part(path, write, durable)
    except OSError as error:
        what = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, what, str(path)) from error


def _write_part(path: Path, write: Callable[[Path], None] | bytes | str, durable: bool) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        if callable(write):
            write(part)
        else:
            part.write_bytes(write.encode() if isinstance(write, str) else write)
        if durable:
            with part.open("rb+") as opened:
                os.fsync(opened.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def content_hash(content: object) -> str:
    """Return a sha256 of plain data (records, mappings, sequences, numbers, strings, paths).

    Raises
    ------
    TypeError
        When the content holds something whose value does not define its bytes.
    """
    text = json.dumps(plain(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(content: object) -> object:
    """Turn records into what JSON knows; anything without an obvious form is a ``TypeError``."""
    if content is None or isinstance(content, (bool, int, float, str)):
        return content
    if isinstance(content, Enum):
        return plain(content.value)
    if isinstance(content, Path):
        return str(content)
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return {f.name: plain(getattr(content, f.name)) for f in dataclasses.fields(content)}
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(item) for item in content]
    if hasattr(content, "model_dump"):
        return plain(content.model_dump(mode="json"))
    if hasattr(content, "item") and getattr(content, "ndim", None) == 0:
        return plain(content.item())
    raise TypeError(f"no stable form of a {type(content).__name__}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
