"""Intensity histogram: how the grey levels of a region are spread, without their places.

In: a ``Region``. Out: 23 features of its grey levels, counted in bins from 1 to the highest level
(METHODS 23); entropies in bits.
"""

from __future__ import annotations

import numpy as np

from latentomics.features.classic.family import family
from latentomics.features.classic.region import Region
from latentomics.features.classic.statistics import spread

TABLE = """
mean                            level    X6K6  -
variance                        level^2  CH89  -
skewness                        -        88K1  -
kurtosis                        -        C3I7  -
median                          level    WIFQ  -
minimum                         level    1PR8  -
percentile_10                   level    GPMT  -
percentile_90                   level    OZ0C  -
maximum                         level    3NCY  -
mode                            level    AMMC  -
interquartile_range             level    WR0O  -
range                           level    5Z3W  -
mean_absolute_deviation         level    D2ZX  -
robust_mean_absolute_deviation  level    WRZB  -
median_absolute_deviation       level    4RNL  -
coefficient_of_variation        -        CWYJ  -
quartile_coefficient            -        SLWD  -
entropy                         bit      TLU2  Entropy
uniformity                      -        BJ5W  Uniformity
maximum_gradient                voxels   12CE  -
maximum_gradient_level          level    8E6O  -
minimum_gradient                voxels   VQB3  -
minimum_gradient_level          level    RHQZ  -
"""


@family("histogram", "intensity histogram", TABLE, pyradiomics="firstorder")
def histogram(region: Region) -> dict[str, float]:
    """Return features of the histogram of grey levels."""
    places = region.levels[region.counted]
    counts = np.bincount(places, minlength=len(region.grey) + 1)[1:]
    levels = region.grey[places - 1].astype(np.float64)
    described = spread(levels)
    share = counts / counts.sum()
    every = np.zeros(region.highest)  # also the bins in which nothing lies
    every[region.grey - 1] = counts
    gradient = np.gradient(every) if region.highest > 1 else np.zeros(1)
    tied = region.grey[counts == counts.max()]
    return {
        **described,
        "mode": float(tied[np.abs(tied - described["mean"]).argmin()]),
        "entropy": float(-(share * np.log2(share)).sum()),
        "uniformity": float((share * share).sum()),
        "maximum_gradient": float(gradient.max()),
        "maximum_gradient_level": float(gradient.argmax() + 1),
        "minimum_gradient": float(gradient.min()),
        "minimum_gradient_level": float(gradient.argmin() + 1),
    }
