"""How an error falls with the number of labels: err = a + b n^-c, fitted to many resamples at once.

In: numbers of labels (m,), errors (draws, m) and a weight for each number (m,). Out: a, b and c,
(draws,) each, and the number of labels at which a curve reaches an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray

FALLS = np.geomspace(0.01, 5, 61)  # c that are tried, the best one then refined
REFINEMENTS = 60
GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerLaws:
    """Curves err = a + b (n / first)^-c; each of a, b and c is (draws,), none is negative."""

    first: float
    a: DoubleArray
    b: DoubleArray
    c: DoubleArray

    def error(self, labels: float) -> DoubleArray:
        """Return the errors with that many labels, (draws,)."""
        errors: DoubleArray = self.a + self.b * (labels / self.first) ** -self.c
        return errors

    def labels(self, errors: DoubleArray) -> DoubleArray:
        """Return how many labels reach an error, (draws,); without end where none do."""
        above = errors - self.a
        reached = (above > 0) & (self.b > 0)
        ratio = np.where(reached, self.b, 1.0) / np.where(reached, above, 1.0)
        never = np.where(self.b > 0, np.inf, np.where(above >= 0, 0.0, np.inf))
        with np.errstate(over="ignore"):
            needed: DoubleArray = np.where(reached, self.first * ratio ** (1 / self.c), never)
        return needed


def fit_power_laws(
    counts: Sequence[int], errors: DoubleArray, weights: DoubleArray | None = None
) -> PowerLaws:
    """Fit err = a + b n^-c by weighted least squares, a and b not negative.

    Parameters
    ----------
    counts : sequence of int
        Three numbers of labels or more.
    errors : DoubleArray of shape (draws, m)
    weights : DoubleArray of shape (m,), optional
        One over the variance of each error.

    References
    ----------
    METHODS, section 22.
    """
    sizes = np.asarray(counts, np.float64) / counts[0]
    weight = np.ones(len(counts)) if weights is None else weights / weights.max()
    lost = np.stack(
        [_fitted(np.full(len(errors), c), sizes, errors, weight)[2] for c in FALLS], axis=1
    )
    best = np.clip(lost.argmin(axis=1), 1, len(FALLS) - 2)
    c = _refined(FALLS[best - 1], FALLS[best + 1], sizes, errors, weight)
    a, b, _ = _fitted(c, sizes, errors, weight)
    return PowerLaws(first=float(counts[0]), a=a, b=b, c=c)


def _refined(
    low: DoubleArray, high: DoubleArray, sizes: DoubleArray, errors: DoubleArray, w: DoubleArray
) -> DoubleArray:
    """Return the best c between two, by golden sections."""
    for _ in range(REFINEMENTS):
        inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower = _fitted(inner, sizes, errors, w)[2] < _fitted(outer, sizes, errors, w)[2]
        low, high = np.where(lower, low, inner), np.where(lower, outer, high)
    middle: DoubleArray = (low + high) / 2
    return middle


def _fitted(
    c: DoubleArray, sizes: DoubleArray, errors: DoubleArray, w: DoubleArray
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Return the best a and b for each c, and the weighted sum of squares that is left."""
    fall = sizes[None, :] ** -c[:, None]  # (draws, m)
    total, mean_fall, mean_error = w.sum(), (fall @ w) / w.sum(), (errors @ w) / w.sum()
    apart = fall - mean_fall[:, None]
    spread = (apart**2) @ w
    b = np.maximum(((apart * errors) @ w) / spread, 0.0)
    a = mean_error - b * mean_fall
    through = ((fall * errors) @ w) / ((fall**2) @ w)  # best b where a is 0
    b, a = np.where(a < 0, np.maximum(through, 0.0), b), np.maximum(a, 0.0)
    left = errors - a[:, None] - b[:, None] * fall
    return a, b, (left**2) @ w / total
