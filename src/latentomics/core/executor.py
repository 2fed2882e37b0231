"""One function over many cases, each in a process that may crash, hang or eat memory alone.

In: a function of one item, the items, limits in seconds and bytes. Out: one ``Outcome`` an item, in
input order, with a value or a ``CaseError``. Only a few items are in flight at any time, so the
items may be a generator and the values need not fit in memory together (PROMISES I8, M2). The
limits of a user are the environment variables ``LATENTOMICS_CASE_SECONDS`` and
``LATENTOMICS_CASE_MEMORY``.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from latentomics.core.errors import CaseError, RequestError

Item = TypeVar("Item")
T = TypeVar("T")

IN_FLIGHT = 8  # items a worker that are computed ahead of the one that is read
SECONDS, MEMORY = "LATENTOMICS_CASE_SECONDS", "LATENTOMICS_CASE_MEMORY"
TIMEOUT_S = 120.0  # reading the largest CT takes some seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What became of one item: its value, or the error that costs this item only."""

    key: str
    value: T | None
    error: CaseError | None


def map_cases(
    function: Callable[[Item], T],
    items: Iterable[Item],
    *,
    name: Callable[[Item], str] = str,
    workers: int | None = None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    on_done: Callable[[Outcome[T]], None] | None = None,
) -> Iterator[Outcome[T]]:
    """Apply a function to every item and yield the outcomes in input order.

    Parameters
    ----------
    function : callable
        Picklable (a module-level function or a ``functools.partial`` of one).
    items : iterable
        Picklable items; read as they are needed.
    name : callable
        What an item is called in its outcome and in errors.
    workers : int, optional
        Processes; one or fewer runs in this process, without limits. Default: one a usable core,
        but at least two, so that a crash never costs more than its case.
    timeout_s : float, optional
        Seconds after which an item is given up, 120 by default; the environment has precedence.
    memory_bytes : int, optional
        What an item may take on top of what its process starts with (on Linux), by default what is
        free when the processes start; the environment has precedence.
    on_done : callable, optional
        Called with each outcome just before it is yielded.

    Raises
    ------
    RequestError
        When a limit in the environment is no number above zero.
    Exception
        Whatever ``function`` raises besides ``CaseError`` and ``MemoryError``: a defect of ours.
    """
    count = max(2, usable_cores()) if workers is None else workers
    outcomes: Iterator[Outcome[T]]
    if count <= 1:
        outcomes = (_attempt(function, item, name(item)) for item in items)
    else:
        seconds = _limit(SECONDS, "seconds") or timeout_s or TIMEOUT_S
        most = int(_limit(MEMORY, "bytes") or memory_bytes or _free_bytes())
        outcomes = _in_processes(function, items, name, count, seconds, most)
    for outcome in outcomes:
        if on_done is not None:
            on_done(outcome)
        yield outcome


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limit(variable: str, unit: str) -> float | None:
    """Return a limit that the environment states, None where it states none."""
    words = os.environ.get(variable, "").strip()
    if not words:
        return None
    try:
        limit = float(words)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise RequestError(
            f"{words!r} is no limit in {unit}", variable, "set a number above zero, or unset it"
        )
    return limit


def _free_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _attempt(function: Callable[[Item], T], item: Item, key: str) -> Outcome[T]:
    try:
        return Outcome(key=key, value=function(item), error=None)
    except CaseError as error:
        return Outcome(key=key, value=None, error=error)
    except MemoryError:
        return Outcome(key=key, value=None, error=_too_large(key))


def _in_processes(
    function: Callable[[Item], T],
    items: Iterable[Item],
    name: Callable[[Item], str],
    workers: int,
    timeout_s: float,
    memory_bytes: int,
) -> Iterator[Outcome[T]]:
    from pebble import ProcessPool

    pool: Any = ProcessPool(
        max_workers=workers,
        context=_context(),
        initializer=_begin_worker,
        initargs=(memory_bytes,),
    )
    waiting: deque[tuple[str, Any]] = deque()
    try:
        for item in items:
            key = name(item)
            arguments = (function, item, key)
            waiting.append((key, pool.schedule(_attempt, args=arguments, timeout=timeout_s)))
            if len(waiting) >= workers * IN_FLIGHT:
                yield _collect(*waiting.popleft(), timeout_s)
        while waiting:
            yield _collect(*waiting.popleft(), timeout_s)
        pool.close()
    finally:
        pool.stop()  # after close: nothing is left to stop; after an error: at once
        pool.join()


def _collect(key: str, future: Any, timeout_s: float) -> Outcome[Any]:
    from pebble import ProcessExpired

    try:
        outcome: Outcome[Any] = future.result()
    except TimeoutError:
        error = CaseError(
            f"took longer than {timeout_s:g} s",
            key,
            f"leave the case out, or raise {SECONDS}",
            "timeout",
        )
    except ProcessExpired as expired:
        error = CaseError(
            f"crashed the process that read it (exit {expired.exitcode})",
            key,
            "check the file with the program that wrote it, or leave the case out",
            "crashed",
        )
    else:
        return outcome
    return Outcome(key=key, value=None, error=error)


def _context() -> Any:
    import multiprocessing

    # Forked workers start in milliseconds and do not import the user's script again; they use
    # neither torch nor threads. Elsewhere than on Linux a fork is not safe.
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def _begin_worker(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    gc.freeze()  # collecting would touch, and so copy, every record that the parent holds
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _too_large(key: str) -> CaseError:
    return CaseError(
        "needs more memory than a case may take",
        key,
        f"leave the case out, or raise {MEMORY} (bytes)",
        "too_large",
    )
