"""How much more of a factor one latent holds than the next: MIG and SAP (METHODS 24).

In: codes (n, latents) and factors (n,) of the same cases. Out: what each latent holds of each
factor, (latents, factors): mutual information in nats, or squared correlation; and the gap between
the two latents that hold most, from 0 (two hold it alike) to 1 (one holds all, no other any).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray, IntArray

BINS = 20  # of equal width (METHODS 24)
ALIKE = 8  # decimals of the range, so that rounding parts no values and moves none over an edge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """What is known of every case: numbers, or the places of words among ``classes`` words."""

    name: str
    values: DoubleArray
    classes: int = 0  # 0 for a quantity


def binned(values: DoubleArray, bins: int = BINS) -> IntArray:
    """Return the bin of each value: one each for up to ``bins`` values, else of equal width.

    Examples
    --------
    >>> binned(np.array([3.0, 1.0, 3.0])), binned(np.linspace(0, 1, 5), 2)
    (array([1, 0, 1]), array([0, 0, 1, 1, 1]))
    """
    low, width = values.min(), np.ptp(values)
    shares = np.round((values - low) / (width or 1.0), ALIKE)
    distinct, place = np.unique(shares, return_inverse=True)
    if len(distinct) <= bins:
        return place.astype(np.int64)
    found: IntArray = np.minimum(np.round(shares * bins, ALIKE).astype(np.int64), bins - 1)
    return found


def information(
    codes: DoubleArray, factors: Sequence[Factor], bins: int = BINS
) -> tuple[DoubleArray, DoubleArray]:
    """Return the mutual information of latents and factors, and the factors' entropies, in nats.

    Of the histogram, without a correction: few cases raise it for every latent alike.

    Returns
    -------
    tuple of arrays of shapes (latents, factors) and (factors,)
    """
    columns = [binned(column, bins) for column in codes.T]
    known = [binned(factor.values, factor.classes or bins) for factor in factors]
    found = np.array([[_shared(column, one) for one in known] for column in columns])
    return found, np.array([_entropy(np.bincount(one)) for one in known])


def information_gap(codes: DoubleArray, factors: Sequence[Factor], bins: int = BINS) -> DoubleArray:
    """Return the mutual information gap of each factor, (factors,); MIG is their mean.

    References
    ----------
    Chen et al., 2018, arXiv:1802.04942; METHODS, section 24.
    """
    shared, entropies = information(codes, factors, bins)
    return gap(shared / entropies)


def separation(codes: DoubleArray, factors: Sequence[Factor], halves: IntArray) -> DoubleArray:
    """Return how well a line through one latent tells each factor, (latents, factors).

    Quantities: the squared correlation. Words: balanced accuracy of the nearest class mean, fitted
    on one half of the cases and scored on the other, both ways.

    Parameters
    ----------
    halves : IntArray of shape (n,)
        0 or 1: which half a case belongs to.

    References
    ----------
    Kumar et al., 2018, arXiv:1711.00848; METHODS, section 24.
    """
    columns = [
        _accuracy(codes, factor, halves) if factor.classes else _squared(codes, factor.values)
        for factor in factors
    ]
    return np.stack(columns, axis=1)


def gap(held: DoubleArray) -> DoubleArray:
    """Return what the latent that holds most of a factor has over the next, (factors,).

    Examples
    --------
    >>> gap(np.array([[0.9, 0.2], [0.1, 0.2]])).tolist()
    [0.8, 0.0]
    """
    highest = np.sort(held, axis=0)[::-1]
    second = highest[1] if len(highest) > 1 else np.zeros(held.shape[1])
    found: DoubleArray = highest[0] - second
    return found


def _shared(first: IntArray, second: IntArray) -> float:
    width = int(second.max()) + 1
    joint = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width)
    table = joint.reshape(-1, width)
    parts = (table.sum(axis=1), table.sum(axis=0))
    return _entropy(parts[0]) + _entropy(parts[1]) - _entropy(joint)


def _entropy(counts: IntArray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _squared(codes: DoubleArray, values: DoubleArray) -> DoubleArray:
    centred = [part - part.mean(axis=0) for part in (codes, values[:, None])]
    along = (centred[0] * centred[1]).sum(axis=0) ** 2
    spread = (centred[0] ** 2).sum(axis=0) * (centred[1] ** 2).sum()
    found: DoubleArray = np.divide(along, spread, out=np.zeros_like(along), where=spread > 0)
    return found


def _accuracy(codes: DoubleArray, factor: Factor, halves: IntArray) -> DoubleArray:
    right = np.zeros((2, factor.classes, codes.shape[1]))
    for half in (0, 1):
        fitted = halves != half
        means = [
            codes[fitted & (factor.values == one)].mean(axis=0) for one in range(factor.classes)
        ]
        for one in range(factor.classes):
            scored = codes[~fitted & (factor.values == one)]
            called = np.abs(scored[None] - np.array(means)[:, None]).argmin(axis=0)
            right[half, one] = (called == one).mean(axis=0)
    found: DoubleArray = right.mean(axis=(0, 1))
    return found
