"""What the main job takes and gives: options, events and the record of a run.

Times are seconds of wall time, memory is in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from latentomics.core import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a user may ask of a run; None leaves the choice to the plan."""

    labels: tuple[str, ...] = ()
    site: str | None = None
    channels: tuple[str, ...] = ("image",)
    mask_label: int | None = None
    folds: int = 0
    budget_s: float | None = None
    epochs: int | None = None
    memory_bytes: int | None = None
    method: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    resume: bool = False
    seed: int = 0
    latent: int | None = None
    demonstration: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Where a long job stands, for a display."""

    stage: str
    done: float
    total: float
    seconds_left: float | None = None
    message: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeRecord:
    """Cases that a model encoded; ``flagged`` are unlike its training cohort."""

    table: Path
    rows: int
    flagged: int
    rejected: int
    exit_code: int


def ignore(event: Event) -> None:
    """Take an event and do nothing."""
