"""What the main job gives: events and the record of a run.

Times are seconds of wall time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import Result

if TYPE_CHECKING:
    from latentomics.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Where a long job stands, for a display."""

    stage: str
    done: float
    total: float
    seconds_left: float | None = None
    message: str = ""
    remark: str = ""  # a warning in words, said once


OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished run: where its files lie and what it found."""

    folder: Path
    table: Path
    report: Path
    results: tuple[Result, ...]
    verdict: tuple[tuple[str, str], ...]  # status ok, warn or fail, and the sentence
    rejected: int
    exit_code: int
    done_before: bool = False  # nothing had to be done


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What a run would do, and what it would take, without doing it.

    Attributes
    ----------
    seconds, time : float, str
        Foreseen wall time of what the words say.
    """

    plan: Plan
    seconds: float
    time: str
    rejected: int
    exit_code: int
    done_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeRecord:
    """Cases that a model encoded; ``flagged`` are unlike its training cohort."""

    table: Path
    rows: int
    flagged: int
    rejected: int
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRecord:
    """Cases whose classic radiomics were measured, with settings in words."""

    table: Path
    rows: int
    features: int
    settings: str
    rejected: int
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """Images that a model made up; ``memorisation`` is their distance to training cases.

    Held-out cases lie at 1; well below that the model repeats what it has seen.
    """

    picture: Path
    count: int
    memorisation: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateRecord:
    """A curated table: ``kept`` of so many ``columns``, and what was found on the way."""

    table: Path
    report: Path
    kept: tuple[str, ...]
    columns: int
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecord:
    """A model as ONNX, and how far it lies from torch at most, in units of the largest value."""

    encoder: Path
    decoder: Path
    difference: float
    tolerance: float
    cases: int
    random: int


def ignore(event: Event) -> None:
    """Take an event and do nothing."""
