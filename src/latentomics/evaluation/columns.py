"""Columns of different units made comparable, so that one scale fits their block.

In: a block (n, d) whose columns are volumes, counts, entropies, and the rows that fit. Out: the
block without units: centred on the median, divided by the robust standard deviation, and its tails
drawn in by the inverse hyperbolic sine, which is a logarithm far out. What is not a number becomes
the training median.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import DoubleArray, IntArray

NORMAL_IQR = 1.3489795  # interquartile range of a standard normal distribution


def comparable(block: DoubleArray, train: IntArray) -> DoubleArray:
    """Return a block (n, d) without units, by what its training rows say.

    Examples
    --------
    >>> volumes = np.array([[1.0], [2.0], [3.0], [np.nan]])
    >>> comparable(volumes, np.arange(3)).round(2).ravel().tolist()
    [-1.11, 0.0, 1.11, 0.0]
    """
    seen = np.where(np.isfinite(block[train]), block[train], np.nan)
    seen = np.where(np.isnan(seen).all(axis=0), 0.0, seen)
    low, middle, high = np.nanquantile(seen, (0.25, 0.5, 0.75), axis=0)
    scale = (high - low) / NORMAL_IQR
    scale = np.where(scale > 0, scale, np.nanstd(seen, axis=0))
    scale = np.where(scale > 1e-12 * np.abs(middle), scale, np.inf)  # constant: nothing to tell
    drawn: DoubleArray = np.arcsinh((block - middle) / scale)
    return np.where(np.isfinite(drawn), drawn, 0.0)
