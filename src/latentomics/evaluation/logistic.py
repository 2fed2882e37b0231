"""L2 logistic regressions by Newton's method, several row weightings side by side.

In: rows (n, d), truth (n,), weights (fits, n) and ascending strengths C. Out: coefficients
(strengths, fits, d + 1), the intercept last. Every fit goes its own way, step by step as if it were
alone; what they share is read once: the rows, and a curvature wherever the weights have not moved.
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


def logistic(
    rows: DoubleArray, truth: BoolArray, weights: DoubleArray, strengths: Sequence[float]
) -> DoubleArray:
    """Fit L2 logistic regressions by Newton's method, for several row weightings at once.

    Minimises sum_i w_i log(1 + exp(-y_i f_i)) + |b|^2 / (2 C), the intercept free, for every C in
    ascending order, each started from the one before.

    Parameters
    ----------
    rows : DoubleArray of shape (n, d)
    truth : BoolArray of shape (n,)
    weights : DoubleArray of shape (k, n)
        One fit a row of weights; zero leaves a case out.
    strengths : sequence of float
        C, ascending.

    Returns
    -------
    DoubleArray of shape (strengths, k, d + 1)
        Coefficients, the intercept last.
    """
    fits = _Fits(
        columns=np.vstack([rows.T, np.ones(len(rows))]),
        sign=np.where(truth, 1.0, -1.0),
        weights=weights,
    )
    ridge = np.append(np.ones(rows.shape[1]), INTERCEPT_RIDGE)
    path = np.empty((len(strengths), *fits.coefficients.shape))
    for number, strength in enumerate(strengths):
        fits.descend(ridge / strength)
        path[number] = fits.coefficients
    return path


@dataclass(slots=True, kw_only=True, eq=False)
class _Fits:
    """Where each fit stands. Margins are y_i f_i, tails exp(-|margin|), both (fits, n).

    ``curvature`` (fits, d + 1, d + 1) is that of the loss alone, without the ridge, and ``fresh``
    says for which fits it belongs to the coefficients as they are.
    """

    columns: DoubleArray  # (d + 1, n)
    sign: DoubleArray
    weights: DoubleArray
    used: list[IntArray] = field(init=False)
    own: list[DoubleArray] = field(init=False)  # columns of the used rows, one array a fit
    coefficients: DoubleArray = field(init=False)
    margins: DoubleArray = field(init=False)
    tails: DoubleArray = field(init=False)
    losses: DoubleArray = field(init=False)
    curvature: DoubleArray = field(init=False)
    fresh: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        count, size = len(self.weights), len(self.columns)
        self.used = [np.flatnonzero(weight > 0) for weight in self.weights]
        self.own = [np.ascontiguousarray(self.columns[:, rows]) for rows in self.used]
        self.coefficients = np.zeros((count, size))
        self.margins = np.zeros(self.weights.shape)
        self.tails, self.losses = _loss(self.margins, self.weights)
        self.curvature = np.empty((count, size, size))
        self.fresh = np.zeros(count, dtype=bool)

    def descend(self, ridge: DoubleArray) -> None:
        """Take Newton steps with one penalty until each fit has arrived."""
        enough = TOLERANCE * np.array([len(rows) for rows in self.used])
        going = np.arange(len(self.weights))
        for _ in range(NEWTON_STEPS):
            steps, gains = self._steps(going, ridge)
            far = ~(gains < enough[going])
            going, steps = going[far], steps[far]
            if not len(going):
                return
            self._move(going, steps, ridge)

    def _steps(self, fits: IntArray, ridge: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Return the Newton step of some fits (k, d + 1), and the decrease that each foresees."""
        tails, weights = self.tails[fits], self.weights[fits]
        misses = np.where(self.margins[fits] > 0, tails, 1.0) / (1 + tails)  # 1 - p of the truth
        slopes = ridge * self.coefficients[fits] - (weights * self.sign * misses) @ self.columns.T
        bends = weights * tails / (1 + tails) ** 2
        steps = np.empty_like(slopes)
        for place, fit in enumerate(fits):
            if not self.fresh[fit]:
                scaled = self.own[fit] * np.sqrt(bends[place, self.used[fit]])
                self.curvature[fit] = scaled @ scaled.T
                self.fresh[fit] = True
            steps[place] = _solve(self.curvature[fit], ridge, slopes[place])
        return steps, (slopes * steps).sum(axis=1)

    def _move(self, fits: IntArray, steps: DoubleArray, ridge: DoubleArray) -> None:
        """Step, half as far wherever the penalised loss would grow."""
        ahead = self.sign * (steps @ self.columns)
        before = self.losses[fits] + _penalty(ridge, self.coefficients[fits])
        lengths = np.ones(len(fits))
        late = np.arange(len(fits))  # still to be tried
        while len(late):
            some, length = fits[late], lengths[late, None]
            moved = self.coefficients[some] - length * steps[late]
            margins = self.margins[some] - length * ahead[late]
            tails, losses = _loss(margins, self.weights[some])
            worse = losses + _penalty(ridge, moved) > before[late]
            right = ~(worse & (lengths[late] > SHORTEST))
            done = some[right]
            self.coefficients[done], self.margins[done] = moved[right], margins[right]
            self.tails[done], self.losses[done] = tails[right], losses[right]
            late = late[~right]
            lengths[late] /= 2
        self.fresh[fits] = False


def _loss(margins: DoubleArray, weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return exp(-|margin|), and the weighted sum of log(1 + exp(-margin)) of each fit."""
    tails = np.exp(-np.abs(margins))
    losses = np.log1p(tails) - np.minimum(margins, 0)
    return tails, np.einsum("kn,kn->k", weights, losses)


def _penalty(ridge: DoubleArray, coefficients: DoubleArray) -> DoubleArray:
    penalty: DoubleArray = (ridge * coefficients**2).sum(axis=1) / 2
    return penalty


def _solve(curvature: DoubleArray, ridge: DoubleArray, slope: DoubleArray) -> DoubleArray:
    from scipy.linalg.lapack import dposv

    matrix = curvature.copy()
    matrix.flat[:: len(matrix) + 1] += ridge
    _, step, failed = dposv(matrix, slope)
    # not positive by a rounding error: no row has any weight left along some direction
    return np.asarray(np.linalg.solve(matrix, slope) if failed else step, np.float64)
