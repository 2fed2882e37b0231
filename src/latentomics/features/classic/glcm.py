"""Grey-level co-occurrence: how often two levels lie beside each other.

In: a ``Region``. Out: 25 features of the symmetric matrices of neighbouring grey levels, both
voxels in the region (METHODS 23); entropies in bits.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.core import DoubleArray, IntArray
from latentomics.features.classic.directions import Part, aggregated
from latentomics.features.classic.family import family
from latentomics.features.classic.region import Region

TABLE = """
joint_maximum                         -        GYBY  MaximumProbability
joint_average                         level    60VM  JointAverage
joint_variance                        level^2  UR99  SumSquares
joint_entropy                         bit      TU9B  JointEntropy
difference_average                    level    TF7R  DifferenceAverage
difference_variance                   level^2  D3YU  DifferenceVariance
difference_entropy                    bit      NTRS  DifferenceEntropy
sum_average                           level    ZGXS  SumAverage
sum_variance                          level^2  OEEB  -
sum_entropy                           bit      P6QZ  SumEntropy
angular_second_moment                 -        8ZQL  JointEnergy
contrast                              level^2  ACUI  Contrast
dissimilarity                         level    8S9J  -
inverse_difference                    -        IB1Z  Id
normalised_inverse_difference         -        NDRX  Idn
inverse_difference_moment             -        WF0Z  Idm
normalised_inverse_difference_moment  -        1QCO  Idmn
inverse_variance                      -        E8JP  InverseVariance
correlation                           -        NI2N  Correlation
autocorrelation                       level^2  QWB0  Autocorrelation
cluster_tendency                      level^2  DG8W  ClusterTendency
cluster_shade                         level^3  7NFM  ClusterShade
cluster_prominence                    level^4  AE86  ClusterProminence
information_correlation_1             -        R8DG  Imc1
information_correlation_2             -        JN9H  Imc2
"""


@family("glcm", "co-occurrence of grey levels", TABLE, pyradiomics="glcm")
def glcm(region: Region) -> dict[str, float]:
    """Return features of co-occurrence, aggregated as the region asks."""
    return aggregated(region, count_pairs, describe_pairs)


def count_pairs(region: Region, part: Part, offset: int) -> DoubleArray:
    """Return how often each level lies ``offset`` before each other one: (levels, levels)."""
    levels = len(region.grey) + 1
    here = part.levels[part.inside].astype(np.intp)
    there = part.levels[part.inside + offset]
    counts = np.bincount(here * levels + there, minlength=levels * levels)
    return counts.reshape(levels, levels)[1:, 1:].astype(np.float64)


def describe_pairs(region: Region, counts: DoubleArray, _voxels: int) -> dict[str, float]:
    """Return the features of one matrix of counts, which becomes symmetric first."""
    total = 2 * counts.sum()
    if not total:
        return dict.fromkeys((line.split()[0] for line in TABLE.strip().splitlines()), math.nan)
    joint = (counts + counts.T) / total
    grey = region.grey.astype(np.float64)
    marginal = joint.sum(axis=0)
    mean = float(marginal @ grey)
    variance = float(marginal @ (grey - mean) ** 2)
    product = float(grey @ joint @ grey)
    entropy, own = entropy_bits(joint), entropy_bits(marginal)
    # the matrix is symmetric, so both entropies of independent levels are twice the marginal's
    gained = max(0.0, 2 * own - entropy)
    return {
        "joint_maximum": float(joint.max()),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": entropy,
        "angular_second_moment": float((joint * joint).sum()),
        "correlation": (product - mean * mean) / variance if variance > 0 else 1.0,
        "autocorrelation": product,
        "information_correlation_1": -gained / own if own > 0 else 0.0,
        "information_correlation_2": math.sqrt(1 - math.exp(-2 * gained)),
        **_differences(region, joint),
        **_sums(region, joint, mean),
    }


def entropy_bits(shares: DoubleArray) -> float:
    """Return the entropy of shares that add to one, in bits.

    Examples
    --------
    >>> entropy_bits(np.array([0.5, 0.5, 0.0]))
    1.0
    """
    known = shares[shares > 0]
    return float(-(known @ np.log2(known)))


def _differences(region: Region, joint: DoubleArray) -> dict[str, float]:
    grey = region.grey
    shares = _by_number(np.abs(grey[:, None] - grey), joint)
    apart = np.arange(len(shares), dtype=np.float64)
    squared, highest = apart * apart, region.highest
    mean = float(shares @ apart)
    return {
        "difference_average": mean,
        "difference_variance": float(shares @ (apart - mean) ** 2),
        "difference_entropy": entropy_bits(shares),
        "contrast": float(shares @ squared),
        "dissimilarity": mean,
        "inverse_difference": float((shares / (1 + apart)).sum()),
        "normalised_inverse_difference": float((shares / (1 + apart / highest)).sum()),
        "inverse_difference_moment": float((shares / (1 + squared)).sum()),
        "normalised_inverse_difference_moment": float((shares / (1 + squared / highest**2)).sum()),
        "inverse_variance": float((shares[1:] / squared[1:]).sum()),
    }


def _sums(region: Region, joint: DoubleArray, mean: float) -> dict[str, float]:
    grey = region.grey
    shares = _by_number(grey[:, None] + grey, joint)
    total = np.arange(len(shares), dtype=np.float64)
    apart = total - 2 * mean
    squared = apart * apart
    variance = float(shares @ squared)
    return {
        "sum_average": float(shares @ total),
        "sum_variance": variance,
        "sum_entropy": entropy_bits(shares),
        "cluster_tendency": variance,
        "cluster_shade": float(shares @ (squared * apart)),
        "cluster_prominence": float(shares @ (squared * squared)),
    }


def _by_number(numbers: IntArray, joint: DoubleArray) -> DoubleArray:
    """Return what the joint shares add up to for each number from 0 to the largest."""
    shares: DoubleArray = np.bincount(numbers.ravel(), weights=joint.ravel()).astype(np.float64)
    return shares
