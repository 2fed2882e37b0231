"""First-order statistics: how the intensities of a region are spread, without their places.

In: a ``Region``. Out: 18 features of its counted intensities (METHODS 23): population variance,
excess kurtosis, energy without a shift; percentiles interpolate linearly.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.core import DoubleArray
from latentomics.features.classic.family import family
from latentomics.features.classic.region import Region

TABLE = """
mean                            I    Q4LE  Mean
variance                        I^2  ECT3  Variance
skewness                        -    KE2A  Skewness
kurtosis                        -    IPH6  Kurtosis
median                          I    Y12H  Median
minimum                         I    1GSF  Minimum
percentile_10                   I    QG58  10Percentile
percentile_90                   I    8DWT  90Percentile
maximum                         I    84IY  Maximum
interquartile_range             I    SALO  InterquartileRange
range                           I    2OJQ  Range
mean_absolute_deviation         I    4FUA  MeanAbsoluteDeviation
robust_mean_absolute_deviation  I    1128  RobustMeanAbsoluteDeviation
median_absolute_deviation       I    N72L  -
coefficient_of_variation        -    7TET  -
quartile_coefficient            -    9S40  -
energy                          I^2  N8CA  Energy
root_mean_square                I    5ZWQ  RootMeanSquared
"""


@family("statistics", "first-order statistics", TABLE, pyradiomics="firstorder")
def statistics(region: Region) -> dict[str, float]:
    """Return first-order statistics of the counted intensities."""
    values = region.values
    square = float(values @ values)
    return {
        **spread(values),
        "energy": square,
        "root_mean_square": math.sqrt(square / values.size),
    }


def spread(values: DoubleArray) -> dict[str, float]:
    """Return what intensities and grey levels are both described by, of values (n,).

    Of a constant region, skewness and kurtosis are 0, as the standard has it.
    """
    low, high = float(values.min()), float(values.max())
    p10, p25, median, p75, p90 = (float(p) for p in np.percentile(values, (10, 25, 50, 75, 90)))
    mean = float(values.mean())
    apart = values - mean
    squared = apart * apart
    variance = float(squared.mean())
    flat = variance <= 1e-12 * mean * mean or variance == 0
    inner = values[(values >= p10) & (values <= p90)]
    return {
        "mean": mean,
        "variance": variance,
        "skewness": 0.0 if flat else float((squared * apart).mean()) / variance**1.5,
        "kurtosis": 0.0 if flat else float((squared * squared).mean()) / variance**2 - 3,
        "median": median,
        "minimum": low,
        "percentile_10": p10,
        "percentile_90": p90,
        "maximum": high,
        "interquartile_range": p75 - p25,
        "range": high - low,
        "mean_absolute_deviation": float(np.abs(apart).mean()),
        "robust_mean_absolute_deviation": float(np.abs(inner - inner.mean()).mean()),
        "median_absolute_deviation": float(np.abs(values - median).mean()),
        "coefficient_of_variation": ratio(math.sqrt(variance), mean),
        "quartile_coefficient": ratio(p75 - p25, p75 + p25),
    }


def ratio(above: float, below: float) -> float:
    """Return a quotient, not a number where nothing lies below.

    Examples
    --------
    >>> ratio(1.0, 2.0), ratio(1.0, 0.0)
    (0.5, nan)
    """
    return above / below if below else math.nan
