"""Ranks of scores in many resamples at once, and the figures that hang on ranks alone.

In: scores (n,), truth (n,) and weights (draws, n). Out: midranks (draws, n), AUROC and average
precision (draws,). Scores are sorted once; a draw costs a running sum over its weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray

BLOCK = 64  # draws


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """Values in falling order: rows (n,), and where the tie of each place begins and ends."""

    rows: IntArray
    begin: IntArray  # the first place of the tie
    end: IntArray  # the place after its last

    @classmethod
    def of(cls, values: DoubleArray) -> Order:
        """Sort values (n,)."""
        rows = np.argsort(-values, kind="stable")
        ordered = values[rows]
        starts = np.flatnonzero(np.diff(ordered, prepend=np.nan))
        tie = np.cumsum(np.diff(ordered, prepend=ordered[:1]) != 0)
        ends = np.append(starts[1:], len(rows))
        return cls(rows=rows, begin=starts[tie], end=ends[tie])

    def midranks(self, weights: DoubleArray) -> DoubleArray:
        """Return the weight before each row plus half of its tie's, (draws, n)."""
        mass = cumulated(weights.take(self.rows, axis=1))
        ranks = np.empty_like(weights)
        ranks[:, self.rows] = (mass[:, self.begin] + mass[:, self.end]) / 2
        return ranks


def over_thresholds(
    scores: DoubleArray, truth: BoolArray, weights: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return AUROC and average precision, (draws,) each."""
    order = Order.of(scores)
    places = np.flatnonzero(truth[order.rows])  # of the positives
    begin, end = order.begin[places], order.end[places]
    before, upto = np.searchsorted(places, begin), np.searchsorted(places, end)
    tied = bool((end - begin > 1).any())
    areas, precisions = np.empty((2, len(weights)))
    for draws in blocks(len(weights)):
        some = weights[draws].take(order.rows, axis=1)
        mass = some.take(places, axis=1)
        called, found = cumulated(some), cumulated(mass)
        all_called, all_found = called.take(end, axis=1), found.take(upto, axis=1)
        above = all_called - all_found
        if tied:
            above = (above + called.take(begin, axis=1) - found.take(before, axis=1)) / 2
        positive = found[:, -1]
        negative = called[:, -1] - positive
        below = (mass * (negative[:, None] - above)).sum(axis=1)
        areas[draws] = divide(below, positive * negative)
        precision = divide(all_found, all_called, empty=0.0)
        precisions[draws] = divide((mass * precision).sum(axis=1), positive)
    return areas, precisions


def cumulated(weights: DoubleArray) -> DoubleArray:
    """Return the sums of the first 0, 1, ..., n weights of each draw, (draws, n + 1)."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def blocks(draws: int) -> Iterator[slice]:
    """Cut the draws into blocks whose weights stay in the processor's cache."""
    for start in range(0, draws, BLOCK):
        yield slice(start, start + BLOCK)


def divide(above: DoubleArray, below: DoubleArray, empty: float = np.nan) -> DoubleArray:
    """Divide where the divisor is positive, else ``empty``."""
    out = np.full(np.broadcast_shapes(above.shape, below.shape), empty)
    divided: DoubleArray = np.divide(above, below, out=out, where=below > 0)
    return divided
