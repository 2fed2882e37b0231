"""Wall time of a run: what is spent, and what training may take (PROMISES T9).

In: the budget, and what a run foresees of itself, all in seconds of wall time. Out: the seconds
that the next training gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from latentomics.planning import DEFAULT_BUDGET_S, Plan, Request

AIM = 0.98  # of the budget: more comes in between than falls away
LEAST_SHARE = 0.02  # of the budget that all trainings together get, whatever else takes
OPTIONAL_SHARE = 0.25  # of the budget that reading every case by all encoders may take
WORTHWHILE = 0.2  # of the budget: below, training is worth more than what is optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Seconds of what follows the training of a split.

    Attributes
    ----------
    describing_s : float
        Encoding all cases with the trained network, and measuring errors where that is done.
    fittings : int
        Splits that are fitted later.
    fittings_s : float
        Of all of them, training left out.
    ending_s : float
        Evidence, tables and report.
    """

    describing_s: float
    fittings: int
    fittings_s: float
    ending_s: float

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.describing_s + self.fittings_s + self.ending_s


def budget_of(request: Request, edited: Plan | None = None) -> float | None:
    """Return the wall time that is asked for; None where steps or epochs are fixed."""
    if request.epochs is not None or (edited and edited.length.value.steps is not None):
        return None
    return request.budget_s or DEFAULT_BUDGET_S


@dataclass(slots=True, kw_only=True)
class Clock:
    """Seconds by stage, and the budget they come out of; None where the length is fixed."""

    budget_s: float | None
    now: Callable[[], float] = time.monotonic
    begun: float | None = None  # by ``now``; None: now
    stages: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.begun is None:
            self.begun = self.now()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a stage."""
        begun = self.now()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + self.now() - begun

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self.now() - (self.begun or 0.0)

    def left_s(self, ahead: Ahead) -> float:
        """Return what this and all later trainings have together; negative where nothing is left.

        Without a budget that is without end.
        """
        if self.budget_s is None:
            return float("inf")
        return AIM * self.budget_s - self.elapsed_s - ahead.total_s

    def training_s(self, ahead: Ahead) -> float:
        """Return how long the next training may take: all of them get the same."""
        least = LEAST_SHARE * (self.budget_s or 0.0)
        return max(self.left_s(ahead), least) / (1 + ahead.fittings)

    def enough_s(self, ahead: Ahead) -> float:
        """Return the budget with which training would be worth its time."""
        return (self.elapsed_s + ahead.total_s) / (AIM - WORTHWHILE)

    def affords(self, seconds: float) -> bool:
        """Whether what is not training may take so long."""
        return self.budget_s is None or seconds <= OPTIONAL_SHARE * self.budget_s

    def worthwhile(self, ahead: Ahead) -> bool:
        """Whether what is left for training is a fair share of the budget."""
        return self.left_s(ahead) >= WORTHWHILE * (self.budget_s or 0.0)
