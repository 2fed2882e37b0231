"""Agreement of repeated measurements: intraclass correlations and their intervals.

In: measurements (n, k, ...) of n subjects by k raters, any number of features at once. Out: mean
squares, ICC(A,1), ICC(C,1) and ICC(1,1), Lin's concordance, and the within-subject SD. A feature
that never varies has no agreement: NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray

LEVEL = 0.975
TINY = 1e-12  # of a feature's mean square: below, single precision varies and nothing else


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanSquares:
    """Of a two-way layout without replication: rows (subjects), columns (raters), error."""

    rows: DoubleArray
    columns: DoubleArray
    error: DoubleArray
    within: DoubleArray  # one-way: columns and error together
    least: DoubleArray  # what is nothing beside the size of the values
    n: int
    k: int


def mean_squares(values: DoubleArray) -> MeanSquares:
    """Return the mean squares of measurements (n, k, ...)."""
    n, k = values.shape[:2]
    values = np.asarray(values, np.float64)
    total = values.mean(axis=(0, 1))
    row = values.mean(axis=1) - total  # (n, ...)
    column = values.mean(axis=0) - total  # (k, ...)
    rest = values - total - row[:, None] - column[None]
    columns, error = n * (column**2).sum(axis=0), (rest**2).sum(axis=(0, 1))
    return MeanSquares(
        rows=np.asarray(k * (row**2).sum(axis=0) / (n - 1)),
        columns=np.asarray(columns / (k - 1)),
        error=np.asarray(error / ((n - 1) * (k - 1))),
        within=np.asarray((columns + error) / (n * (k - 1))),
        least=np.asarray(np.maximum(TINY * (values**2).mean(axis=(0, 1)), 1e-300)),
        n=n,
        k=k,
    )


def icc_agreement(values: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Return ICC(A,1), absolute agreement of single measurements, with its 95 % interval.

    Returns
    -------
    tuple of DoubleArray
        Value, lower and upper limit, each with the shape of one measurement.

    References
    ----------
    McGraw and Wong, Psychological Methods 1996; METHODS, section 26.
    """
    from scipy.stats import f

    s = mean_squares(values)
    n, k = s.n, s.k
    r = _agreement(s)
    short = np.minimum(r, 1 - 1e-12)  # at 1 both limits are 1
    a = k * short / (n * (1 - short))
    b = 1 + k * short * (n - 1) / (n * (1 - short))
    spread = (a * s.columns) ** 2 / (k - 1) + (b * s.error) ** 2 / ((n - 1) * (k - 1))
    known = spread > 0
    v = np.where(known, (a * s.columns + b * s.error) ** 2 / np.where(known, spread, 1), 1.0)
    above, below = f.ppf(LEVEL, n - 1, v), f.ppf(LEVEL, v, n - 1)
    both = k * s.columns + (k * n - k - n) * s.error
    low = n * (s.rows - above * s.error) / (above * both + n * s.rows + s.least)
    high = n * (below * s.rows - s.error) / (both + n * below * s.rows + s.least)
    exact = (r >= 1 - 1e-12) & np.isfinite(r)
    undefined = np.isnan(r)
    return (
        r,
        np.where(undefined, np.nan, np.where(exact, 1.0, np.minimum(low, r))),
        np.where(undefined, np.nan, np.where(exact, 1.0, np.maximum(high, r))),
    )


def icc_agreement_value(values: DoubleArray) -> DoubleArray:
    """Return ICC(A,1) alone, without the quantiles that its interval takes."""
    return _agreement(mean_squares(values))


def icc_consistency(values: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Return ICC(C,1), consistency whatever the raters' offsets, with its 95 % interval."""
    from scipy.stats import f

    s = mean_squares(values)
    r = _ratio(s.rows - s.error, s.rows + (s.k - 1) * s.error, s)
    freedom = (s.n - 1) * (s.k - 1)
    quotient = s.rows / np.maximum(s.error, s.least)
    low = quotient / f.ppf(LEVEL, s.n - 1, freedom)
    high = quotient * f.ppf(LEVEL, freedom, s.n - 1)
    lower, upper = ((x - 1) / (x + s.k - 1) for x in (low, high))
    undefined = np.isnan(r)
    return r, np.where(undefined, np.nan, lower), np.where(undefined, np.nan, upper)


def icc_one_way(values: DoubleArray) -> DoubleArray:
    """Return ICC(1,1), of raters that differ from subject to subject."""
    s = mean_squares(values)
    return _ratio(s.rows - s.within, s.rows + (s.k - 1) * s.within, s)


def concordance(first: DoubleArray, second: DoubleArray) -> DoubleArray:
    """Return Lin's concordance of two measurements (n, ...), with population moments."""
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    apart = (first.mean(axis=0) - second.mean(axis=0)) ** 2
    spread = (a**2).mean(axis=0) + (b**2).mean(axis=0) + apart
    found: DoubleArray = np.divide(
        2 * (a * b).mean(axis=0), spread, out=np.full(np.shape(spread), np.nan), where=spread > 0
    )
    return found


def within_subject_sd(first: DoubleArray, second: DoubleArray) -> DoubleArray:
    """Return sqrt(mean d^2 / 2) of two measurements (n, ...)."""
    return np.asarray(np.sqrt(((first - second) ** 2).mean(axis=0) / 2))


def repeatability(first: DoubleArray, second: DoubleArray) -> DoubleArray:
    """Return the coefficient 1.96 sqrt(2) wSD, within which 95 % of repeated differences lie."""
    return np.asarray(1.96 * np.sqrt(2) * within_subject_sd(first, second))


def _agreement(s: MeanSquares) -> DoubleArray:
    below = s.rows + (s.k - 1) * s.error + s.k * (s.columns - s.error) / s.n
    return _ratio(s.rows - s.error, below, s)


def _ratio(above: DoubleArray, below: DoubleArray, s: MeanSquares) -> DoubleArray:
    varies = s.rows + s.columns + s.error > s.least
    positive = varies & (below > 0)
    out = np.full(np.shape(below), np.nan)
    divided: DoubleArray = np.divide(above, below, out=out, where=positive)
    return divided
