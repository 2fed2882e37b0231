"""Wall time of a run: what is spent, and what training may take (PROMISES T9)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from latentomics.planning import DEFAULT_BUDGET_S, Request

SECONDS_A_SET = 0.5  # of a probe, for one label and one part
SETS = 21  # of features, repetitions with other seeds and what is known besides among them
SECONDS_OF_FEW = 20.0  # of a label's efficiency curve
SECONDS_OF_REPORT = 10.0
REMEASURING = 2.0  # encoding a case that must be read and prepared first, over encoding it
LEAST_SHARE = 0.2  # of the budget that training gets whatever else is slow


def budget_of(request: Request) -> float | None:
    """Return the wall time that is asked for; None where the length is fixed by epochs."""
    return None if request.epochs is not None else request.budget_s or DEFAULT_BUDGET_S


@dataclass(slots=True, kw_only=True)
class Clock:
    """Seconds by stage, and the budget they come out of; None where the length is fixed."""

    budget_s: float | None
    begun: float = field(default_factory=time.monotonic)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a stage."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.monotonic() - begun

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.begun

    def training_s(
        self, fittings_left: int, parts: int, labels: int, again: float = 0.0
    ) -> Callable[[float], float] | None:
        """Return what says how long the next training may take, given the seconds of encoding.

        Parameters
        ----------
        fittings_left : int
            This one included; each later one encodes with baselines (four encodings more).
        parts, labels : int
            Of the probes that follow.
        again : float
            Cases that are perturbed and encoded again, as a share of all cases.
        """
        if self.budget_s is None:
            return None
        budget = self.budget_s

        def seconds(encoding_s: float) -> float:
            after = SECONDS_OF_REPORT + SECONDS_A_SET * SETS * parts * labels
            after += SECONDS_OF_FEW * labels if parts == 1 else 0.0
            others = encoding_s * (1 + REMEASURING * again + 5 * (fittings_left - 1))
            left = (budget - self.elapsed_s - after - others) / fittings_left
            return max(left, LEAST_SHARE * budget / fittings_left)

        return seconds
