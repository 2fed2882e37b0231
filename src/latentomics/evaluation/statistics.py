"""Figures of merit with intervals over patients, shared by every evaluation.

In: scores and truth of n images, and the patient of each. Out: numbers, and their 95 % intervals
from resampled patients. A resample is a row of whole-number weights (draws, n): an image counts as
often as its patient was drawn, so one sorting serves all draws. Every metric has the same form:
scores (n,), truth (n,), weights (draws, n) -> (draws,), NaN where a draw has one class only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray, IntArray, stream
from latentomics.evaluation.ranks import Order, blocks, divide, over_thresholds

COVERAGE = (0.025, 0.975)
MOST_WEIGHTS = 10_000_000  # numbers, 80 MB: with more images there are fewer resamples,
FEWEST_DRAWS = 300  # but never fewer than these
TOGETHER = 2**20  # numbers of some draws that are computed at once


def numbered(names: Sequence[object] | npt.NDArray[Any]) -> IntArray:
    """Return whole numbers 0, 1, ... in place of names, (n,), by first appearance."""
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], dtype=np.int64)


def draws_for(images: int, draws: int) -> int:
    """Return how many resamples of so many images memory affords, at most ``draws``.

    Examples
    --------
    >>> draws_for(500, 2000), draws_for(20_000, 2000), draws_for(200_000, 2000)
    (2000, 500, 300)
    """
    return min(draws, max(FEWEST_DRAWS, MOST_WEIGHTS // max(1, images)))


def resample_patients(patients: IntArray, draws: int, seed: int) -> DoubleArray:
    """Draw patients with replacement; return how often each image counts, (draws, n).

    Parameters
    ----------
    patients : IntArray of shape (n,)
        Number of each image's patient.
    draws, seed : int
        How many resamples, and the seed of their stream.

    Examples
    --------
    >>> resample_patients(np.array([0, 0, 1]), 2, seed=0).shape
    (2, 3)
    """
    return with_resamples(patients, draws, seed)[1:]


def with_resamples(patients: IntArray, draws: int, seed: int) -> DoubleArray:
    """Return the weights of the cases as they are, and those of resamples: (1 + draws, n)."""
    _, place = np.unique(patients, return_inverse=True)
    count = int(place.max()) + 1
    generator, even = stream(seed, "patients"), np.full(count, 1 / count)
    weights = np.ones((1 + draws, len(place)))
    for some in some_of(draws, len(place)):
        times = generator.multinomial(count, even, size=some.stop - some.start)
        weights[1:][some] = times[:, place]
    return weights


def some_of(draws: int, images: int) -> Iterator[slice]:
    """Cut draws of so many images into parts that memory holds several arrays of."""
    step = max(1, TOGETHER // max(1, images))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))


def interval(draws: DoubleArray) -> tuple[float | None, float | None]:
    """Return the 95 % percentile interval of draws, or none where too few are defined."""
    kept = draws[np.isfinite(draws)]
    if len(kept) < max(20, len(draws) // 2):
        return None, None
    low, high = np.quantile(kept, COVERAGE)
    return float(low), float(high)


def half_width(error: float, units: int) -> float:
    """Return how far a 95 % interval reaches, of a standard error from so many units (Student).

    Examples
    --------
    >>> round(half_width(1.0, 10), 3), round(half_width(1.0, 1000), 3)
    (2.262, 1.962)
    """
    from scipy.stats import t

    return float(error * t.ppf(COVERAGE[1], units - 1))


def two_sided_p(draws: DoubleArray) -> float:
    """Return the bootstrap p of a difference being zero: twice the smaller share beyond zero."""
    kept = draws[np.isfinite(draws)]
    below = (1 + np.sum(kept <= 0)) / (len(kept) + 1)
    above = (1 + np.sum(kept >= 0)) / (len(kept) + 1)
    return float(min(1.0, 2 * min(below, above)))


def binary(scores: DoubleArray, truth: BoolArray, weights: DoubleArray) -> dict[str, DoubleArray]:
    """Return every metric of a binary label by name, the main one first; one sorting serves all."""
    areas, precisions = over_thresholds(scores, truth, weights)
    return {
        "auroc": areas,
        "average_precision": precisions,
        "balanced_accuracy": balanced_accuracy(scores, truth, weights),
    }


def continuous(
    scores: DoubleArray, truth: DoubleArray, weights: DoubleArray
) -> dict[str, DoubleArray]:
    """Return every metric of a continuous label by name, the main one first."""
    return {
        "r2": r2(scores, truth, weights),
        "spearman": spearman(scores, truth, weights),
        "mae": mae(scores, truth, weights),
    }


def auroc(scores: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Area under the receiver operating characteristic; tied scores count a half.

    Examples
    --------
    >>> float(auroc(np.array([0.1, 0.4, 0.9]), np.array([False, True, True]), np.ones((1, 3)))[0])
    1.0
    """
    return over_thresholds(scores, truth, weights)[0]


def average_precision(scores: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Area under precision against recall as a sum over thresholds, without interpolation."""
    return over_thresholds(scores, truth, weights)[1]


def balanced_accuracy(called: DoubleArray, truth: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Mean of sensitivity and specificity of calls, positive where ``called`` exceeds 0."""
    right = (called > 0) == truth
    sides = np.stack([right & truth, right & ~truth, truth, ~truth], axis=1).astype(np.float64)
    positive, negative, positives, negatives = (weights @ sides).T
    mean: DoubleArray = (divide(positive, positives) + divide(negative, negatives)) / 2
    return mean


def r2(scores: DoubleArray, truth: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """Share of the scored cases' variance explained; negative when worse than their mean."""
    sums = weights @ np.stack([np.ones(len(truth)), truth, truth**2, (truth - scores) ** 2], axis=1)
    total, first, second, missed = sums.T
    mean = first / total
    return 1 - divide(missed, second - total * mean**2)


def mae(scores: DoubleArray, truth: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """Mean absolute error, in the target's own unit."""
    return divide(weights @ np.abs(truth - scores), weights.sum(axis=1))


def spearman(scores: DoubleArray, truth: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """Correlation of midranks, ranked again in every draw."""
    ranked = [Order.of(values) for values in (scores, truth)]
    found = np.empty(len(weights))
    for draws in blocks(len(weights)):
        some = weights[draws]
        centre = some.sum(axis=1, keepdims=True) / 2
        a, b = (order.midranks(some) - centre for order in ranked)
        spread = (some * a * a).sum(axis=1) * (some * b * b).sum(axis=1)
        found[draws] = divide((some * a * b).sum(axis=1), np.sqrt(spread))
    return found


def delong(scores: DoubleArray, truth: BoolArray) -> tuple[DoubleArray, DoubleArray]:
    """AUROCs of several scores on the same independent cases, and their covariance.

    Parameters
    ----------
    scores : DoubleArray of shape (k, n)
    truth : BoolArray of shape (n,)

    Returns
    -------
    tuple of arrays of shapes (k,) and (k, k)

    References
    ----------
    DeLong et al., Biometrics 1988; midranks as in METHODS, section 22.
    """
    from scipy.stats import rankdata

    positives, negatives = int(truth.sum()), int((~truth).sum())
    every = rankdata(scores, axis=1)
    # of each positive the share of negatives below it, of each negative that of positives above
    below = (every[:, truth] - rankdata(scores[:, truth], axis=1)) / negatives
    above = 1 - (every[:, ~truth] - rankdata(scores[:, ~truth], axis=1)) / positives
    covariance = np.atleast_2d(np.cov(below)) / positives
    covariance = covariance + np.atleast_2d(np.cov(above)) / negatives
    return below.mean(axis=1), covariance


def delong_p(scores: DoubleArray, truth: BoolArray) -> float:
    """Two-sided p that two scores (2, n) on the same independent cases have the same AUROC."""
    from scipy.stats import norm

    areas, covariance = delong(scores, truth)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return 1.0 if areas[0] == areas[1] else 0.0
    return float(2 * norm.sf(abs(areas[0] - areas[1]) / np.sqrt(variance)))
