"""L2 logistic regressions by Newton's method, many of them side by side.

In: problems with rows of their own (problems, n, d), truth (problems, n), several row weightings of
each (problems, k, n) and ascending strengths C. Out: coefficients (strengths, problems, k, d + 1),
the intercept last. Every fit goes its own way, step by step as if it were alone; what they share is
read once: the rows, and a curvature wherever the coefficients have not moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray

NEWTON_STEPS = 25
TOLERANCE = 1e-8  # of the decrease that a Newton step foresees, in nats a case
SHORTEST = 1e-4  # of a step, halved while it does not decrease the loss
INTERCEPT_RIDGE = 1e-9  # that of the coefficients is 1
ROWS = 8192  # of a fit whose curvature is summed at once


def logistic(
    rows: DoubleArray, truth: BoolArray, weights: DoubleArray, strengths: Sequence[float]
) -> DoubleArray:
    """Fit L2 logistic regressions by Newton's method, several at once.

    Minimises sum_i w_i log(1 + exp(-y_i f_i)) + |b|^2 / (2 C), the intercept free, for every C in
    ascending order, each started from the one before.

    Parameters
    ----------
    rows : DoubleArray of shape (problems, n, d)
    truth : BoolArray of shape (problems, n)
    weights : DoubleArray of shape (problems, k, n)
        One fit a row of weights; zero leaves a case out.
    strengths : sequence of float
        C, ascending.

    Returns
    -------
    DoubleArray of shape (strengths, problems, k, d + 1)
        Coefficients, the intercept last.
    """
    columns = np.ones((len(rows), rows.shape[2] + 1, rows.shape[1]))
    columns[:, :-1] = rows.swapaxes(1, 2)
    fits = _Fits(
        columns=columns,
        sign=np.where(truth, 1.0, -1.0)[:, None],
        weights=weights,
    )
    ridge = np.append(np.ones(rows.shape[2]), INTERCEPT_RIDGE)
    path = np.empty((len(strengths), *fits.coefficients.shape))
    for number, strength in enumerate(strengths):
        fits.descend(ridge / strength)
        path[number] = fits.coefficients
    return path


@dataclass(slots=True, kw_only=True, eq=False)
class _Fits:
    """Where each fit stands; first axes (problems, k).

    Margins are y_i f_i, tails exp(-|margin|), both (..., n). ``curvature`` (..., d + 1, d + 1) is
    that of the loss alone, and ``fresh`` says for which fits it is that of the coefficients now.
    """

    columns: DoubleArray  # (problems, d + 1, n)
    sign: DoubleArray  # (problems, 1, n)
    weights: DoubleArray
    used: list[list[IntArray]] = field(init=False)  # rows of each fit
    counts: IntArray = field(init=False)  # of them
    coefficients: DoubleArray = field(init=False)
    margins: DoubleArray = field(init=False)
    tails: DoubleArray = field(init=False)
    losses: DoubleArray = field(init=False)
    curvature: DoubleArray = field(init=False)
    fresh: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        shape, size = self.weights.shape[:2], self.columns.shape[1]
        self.counts = np.count_nonzero(self.weights > 0, axis=2)
        self.used = [[np.flatnonzero(w > 0) for w in weights] for weights in self.weights]
        self.coefficients = np.zeros((*shape, size))
        self.margins = np.zeros(self.weights.shape)
        self.tails, self.losses = _loss(self.margins, self.weights)
        self.curvature = np.empty((*shape, size, size))
        self.fresh = np.zeros(shape, dtype=bool)

    def descend(self, ridge: DoubleArray) -> None:
        """Take Newton steps with one penalty until each fit has arrived."""
        enough = TOLERANCE * np.maximum(self.counts, 1)
        going = np.ones(self.fresh.shape, dtype=bool)
        for _ in range(NEWTON_STEPS):
            problems = np.flatnonzero(going.any(axis=1))
            steps, gains = self._steps(problems, going[problems], ridge)
            going[problems] &= ~(gains < enough[problems])
            left = going[problems].any(axis=1)
            if not left.any():
                return
            self._move(problems[left], steps[left], going[problems[left]], ridge)

    def _steps(
        self, problems: IntArray, going: BoolArray, ridge: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """Return the Newton step of each going fit, and the decrease that it foresees."""
        tails, weights = self.tails[problems], self.weights[problems]
        misses = np.where(self.margins[problems] > 0, tails, 1.0) / (1 + tails)  # 1 - p of truth
        pulls = weights * self.sign[problems] * misses
        slopes = ridge * self.coefficients[problems]
        slopes -= pulls @ _of(self.columns, problems).swapaxes(1, 2)
        bends = np.sqrt(weights * tails) / (1 + tails)
        steps = np.zeros_like(slopes)
        for place, k in zip(*np.nonzero(going), strict=True):
            problem = problems[place]
            curvature = self.curvature[problem, k]
            if not self.fresh[problem, k]:
                used = self.used[problem][k]
                curvature[:] = _curvature(self.columns[problem], bends[place, k], used)
                self.fresh[problem, k] = True
            steps[place, k] = _solve(curvature, ridge, slopes[place, k])
        return steps, (slopes * steps).sum(axis=2)

    def _move(
        self, problems: IntArray, steps: DoubleArray, going: BoolArray, ridge: DoubleArray
    ) -> None:
        """Step, half as far wherever the penalised loss would grow."""
        ahead = self.sign[problems] * (steps @ _of(self.columns, problems))
        before = self.losses[problems] + _penalty(ridge, self.coefficients[problems])
        lengths, late = np.ones(going.shape), going.copy()  # late: still to be tried
        while late.any():
            some, place = problems[late.nonzero()[0]], late.nonzero()
            k, length = place[1], lengths[late][:, None]
            moved = self.coefficients[some, k] - length * steps[place]
            margins = self.margins[some, k] - length * ahead[place]
            tails, losses = _loss(margins, self.weights[some, k])
            worse = losses + _penalty(ridge, moved) > before[place]
            right = ~(worse & (lengths[late] > SHORTEST))
            done = some[right], k[right]
            self.coefficients[done], self.margins[done] = moved[right], margins[right]
            self.tails[done], self.losses[done] = tails[right], losses[right]
            self.fresh[done] = False
            late[place] = ~right
            lengths[late] /= 2


def _curvature(columns: DoubleArray, bends: DoubleArray, used: IntArray) -> DoubleArray:
    """Return the sum over used rows of bend^2 times the square of its columns, by some at a time.

    A copy of all rows would be the largest array of a regression.
    """
    parts = []
    for start in range(0, max(1, len(used)), ROWS):
        some = used[start : start + ROWS]
        scaled = columns.take(some, axis=1)
        scaled *= bends[some]
        parts.append(scaled @ scaled.T)
    return sum(parts[1:], start=parts[0])


def _of(values: DoubleArray, problems: IntArray) -> DoubleArray:
    """Return the values of some problems, without a copy where they are all."""
    return values if len(problems) == len(values) else values[problems]


def _loss(margins: DoubleArray, weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return exp(-|margin|), and the weighted sum of log(1 + exp(-margin)) of each fit."""
    tails = np.exp(-np.abs(margins))
    losses = np.log1p(tails) - np.minimum(margins, 0)
    return tails, np.einsum("...n,...n->...", weights, losses)


def _penalty(ridge: DoubleArray, coefficients: DoubleArray) -> DoubleArray:
    penalty: DoubleArray = coefficients**2 @ ridge / 2
    return penalty


def _solve(curvature: DoubleArray, ridge: DoubleArray, slope: DoubleArray) -> DoubleArray:
    from scipy.linalg.lapack import dposv

    matrix = curvature.copy()
    matrix.flat[:: len(matrix) + 1] += ridge
    _, step, failed = dposv(matrix, slope)
    # not positive by a rounding error: no row has any weight left along some direction
    return np.asarray(np.linalg.solve(matrix, slope) if failed else step, np.float64)
