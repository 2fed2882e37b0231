"""Calibration: whether a probe's probabilities are as large as they say.

In: log odds (n,), truth (n,) and weights (draws, n) of resampled patients. Out: by name, (draws,)
each: the Brier score, the calibration slope (1 where predictions are neither too bold nor too
timid), the calibration intercept (0 where they are right on the whole; log odds) and the mean
distance between predicted and seen frequencies. A resample takes one step from the fit to all cases
(Moulton and Zeger 1991; for the slope with the correction of second order), so that it costs a few
sums.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import BoolArray, DoubleArray
from latentomics.evaluation.ranks import divide

BINS = 10  # of equal mass (METHODS, section 22)
NEWTON_STEPS = 50
ARRIVED = 1e-12  # of a step's foreseen gain, in nats a case
SHORTEST = 1e-6  # of a step, halved while it does not raise the likelihood


def calibration(
    log_odds: DoubleArray, truth: BoolArray, weights: DoubleArray
) -> dict[str, DoubleArray]:
    """Return every figure of calibration by name.

    Parameters
    ----------
    log_odds : DoubleArray of shape (n,)
        Predicted, with those of the prevalence.
    truth : BoolArray of shape (n,)
    weights : DoubleArray of shape (draws, n)

    Returns
    -------
    dict of str to DoubleArray of shape (draws,)
        ``calibration_slope`` is NaN where the predictions are all alike or separate the classes:
        no slope is best there.

    References
    ----------
    Cox 1958; Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7; METHODS, section 22.
    """
    probabilities = _probabilities(log_odds)
    total = weights.sum(axis=1)
    squared = (probabilities - truth) ** 2
    return {
        "brier": divide(weights @ squared, total),
        "calibration_slope": _slope(log_odds, truth, weights),
        "calibration_intercept": _intercept(log_odds, truth, weights),
        "calibration_error": divide(_distance(probabilities, truth, weights), total),
    }


def _probabilities(log_odds: DoubleArray) -> DoubleArray:
    probabilities: DoubleArray = (1 + np.tanh(log_odds / 2)) / 2
    return probabilities


def _distance(probabilities: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Return the sum over bins of |sum of truth - prediction|, the bins those of all cases."""
    order = np.argsort(probabilities, kind="stable")
    missed = np.zeros((len(truth), BINS))
    for number, rows in enumerate(np.array_split(order, BINS)):
        missed[rows, number] = truth[rows] - probabilities[rows]
    distance: DoubleArray = np.abs(weights @ missed).sum(axis=1)
    return distance


def _intercept(log_odds: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Return the shift of all log odds that makes as many positives as there are."""
    from scipy.optimize import brentq

    share = float(truth.mean())
    if share in (0.0, 1.0):
        return np.full(len(weights), np.nan)
    own = np.log(share / (1 - share))
    low, high = own - log_odds.max() - 1e-9, own - log_odds.min() + 1e-9
    shift = brentq(lambda by: _probabilities(log_odds + by).mean() - share, low, high, xtol=1e-14)
    fitted = _probabilities(log_odds + shift)
    sums = weights @ np.stack([truth - fitted, fitted * (1 - fitted)], axis=1)
    stepped: DoubleArray = shift + divide(sums[:, 0], sums[:, 1])
    return stepped


def _slope(log_odds: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Return the slope of a logistic regression of the truth on the log odds."""
    if np.ptp(log_odds) == 0 or _separated(log_odds, truth):
        return np.full(len(weights), np.nan)
    centre, scale = log_odds.mean(), log_odds.std()
    x = (log_odds - centre) / scale
    constant, slope = _regression(x, truth)
    fitted = _probabilities(constant + slope * x)
    missed, bend = truth - fitted, fitted * (1 - fitted)
    twist = bend * (1 - 2 * fitted)
    powers = [*(missed * x**k for k in (0, 1)), *(bend * x**k for k in (0, 1, 2))]
    sums = (weights @ np.stack([*powers, *(twist * x**k for k in range(4))], axis=1)).T
    uphill, bent, twisted = sums[:2], sums[2:5], sums[5:]
    first, second = _solved(bent, uphill)  # a Newton step, then Chebyshev's correction of it
    beyond = [
        twisted[k] * first**2 + 2 * twisted[k + 1] * first * second + twisted[k + 2] * second**2
        for k in (0, 1)
    ]
    stepped = slope + _solved(bent, uphill - np.stack(beyond) / 2)[1]
    slopes: DoubleArray = stepped / scale
    return slopes


def _solved(bent: DoubleArray, uphill: DoubleArray) -> DoubleArray:
    """Solve a symmetric system of two in every draw: (3, draws), (2, draws) -> (2, draws)."""
    (a, b, c), (first, second) = bent, uphill
    above = np.stack([c * first - b * second, a * second - b * first])
    return divide(above, np.broadcast_to(a * c - b * b, above.shape))


def _separated(log_odds: DoubleArray, truth: BoolArray) -> bool:
    positive, negative = log_odds[truth], log_odds[~truth]
    if not len(positive) or not len(negative):
        return True
    return bool(positive.min() >= negative.max() or negative.min() >= positive.max())


def _regression(x: DoubleArray, truth: BoolArray) -> DoubleArray:
    """Return constant and slope of greatest likelihood, by Newton's method."""
    columns = np.stack([np.ones(len(x)), x])
    found, likelihood = np.zeros(2), _likelihood(np.zeros(len(x)), truth)
    for _ in range(NEWTON_STEPS):
        fitted = _probabilities(found @ columns)
        uphill = columns @ (truth - fitted)
        step = np.linalg.solve((columns * fitted * (1 - fitted)) @ columns.T, uphill)
        if uphill @ step < ARRIVED * len(x):
            break
        length = 1.0
        while (now := _likelihood((found + length * step) @ columns, truth)) < likelihood:
            length /= 2
            if length < SHORTEST:
                return found
        found, likelihood = found + length * step, now
    return found


def _likelihood(log_odds: DoubleArray, truth: BoolArray) -> float:
    return -float(np.logaddexp(0, np.where(truth, -log_odds, log_odds)).sum())
