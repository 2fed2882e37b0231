"""How far the work is, on stderr: bars where a person looks, plain lines where a log file does.

In: events (stage, done of total, seconds left, message). Out: text on stderr. Times in seconds.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from latentomics.flow import Event

LINE_EVERY_S = 10.0  # a log file wants a line now and then, not a film
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # and bytes of no encoding


class Display(Protocol):
    """Shows events and lines until it is closed; closing twice is harmless."""

    def show(self, event: Event) -> None:
        """Show how far a stage is."""

    def line(self, text: str) -> None:
        """Show a remark."""

    def close(self) -> None:
        """Stop drawing."""


def display(*, quiet: bool) -> Display:
    """Return the display that fits: none, bars on a terminal that can draw, or lines."""
    if quiet:
        return Silent()
    draws = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Bars() if draws else Lines()


class Silent:
    """Says nothing."""

    def show(self, event: Event) -> None:
        """Leave the event out."""

    def line(self, text: str) -> None:
        """Leave the remark out."""

    def close(self) -> None:
        """Nothing is open."""


class Lines:
    """A line when a stage begins and ends, and every ten seconds between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._said_s = 0.0
        self._finished = False

    def show(self, event: Event) -> None:
        """Print the event where it is news."""
        now = self._clock()
        begins = event.stage != self._stage
        ends = _finished(event) and not (self._finished and not begins)
        if not (begins or ends or now - self._said_s >= LINE_EVERY_S):
            return
        self._stage, self._said_s, self._finished = event.stage, now, _finished(event)
        typer.echo(printable(_words(event)), err=True)

    def line(self, text: str) -> None:
        """Print a remark."""
        typer.echo(printable(text), err=True)

    def close(self) -> None:
        """Nothing is open between lines."""


class Bars:
    """A bar for each stage, with time left and the stage's own words."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._stage = ""
        self._task: TaskID | None = None

    def show(self, event: Event) -> None:
        """Move the stage's bar, or begin a new one."""
        progress = self._open()
        if event.stage != self._stage or self._task is None:
            self._end_stage()
            self._stage = event.stage
            self._task = progress.add_task(event.stage, total=None, left="", message="")
        progress.update(
            self._task,
            completed=event.done,
            total=event.total or None,
            left="" if event.seconds_left is None else f"{duration(event.seconds_left)} left",
            message=printable(event.message),
        )

    def line(self, text: str) -> None:
        """Print a remark above the bars."""
        self._open().console.print(printable(text), markup=False, highlight=False)

    def close(self) -> None:
        """Leave the bars as they stand."""
        if self._progress is not None:
            self._end_stage()
            self._progress.stop()
            self._progress = None

    def _end_stage(self) -> None:
        """Clear the time left of a stage that is over."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, left="")
            self._progress.stop_task(self._task)
            self._task = None

    def _open(self) -> Progress:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}", markup=False),
                TextColumn("{task.fields[message]}", markup=False),
                console=Console(stderr=True),
            )
            self._progress.start()
        return self._progress


def printable(text: str) -> str:
    r"""Return text whose control characters became question marks; lines stay lines.

    A file's name or a manifest may hold them, and a log or a terminal must not obey them.

    Examples
    --------
    >>> printable("case \x1b[31mc1\r")
    'case ?[31mc1?'
    """
    return CONTROL.sub("?", text)


def duration(seconds: float) -> str:
    """Return a time as a person says it.

    Examples
    --------
    >>> duration(9.2), duration(75), duration(3725)
    ('9 s', '1 min 15 s', '1 h 2 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _finished(event: Event) -> bool:
    return event.total > 0 and event.done >= event.total


def _words(event: Event) -> str:
    begun = event.total > 0 and event.done > 0
    share = f" {event.done / event.total:.0%}" if begun else ""
    left = "" if event.seconds_left is None else f", {duration(event.seconds_left)} left"
    return f"{event.stage}{share}{left}{': ' if event.message else ''}{event.message}"
