"""Grey-level co-occurrence: how often two levels lie beside each other.

In: a ``Region``. Out: 25 features of the symmetric matrices of neighbouring grey levels, both
voxels in the region (METHODS 23); entropies in bits.
"""

from __future__ import annotations

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


def count_pairs(region: Region, part: Part) -> DoubleArray:
    """Return how often each level lies before each other one: (directions, levels, levels)."""
    levels = len(region.grey) + 1
    here = part.levels[part.inside].astype(np.intp) * levels
    counts = np.empty((len(part.offsets), levels, levels))
    for matrix, offset in zip(counts, part.offsets, strict=True):
        pairs = np.bincount(here + part.levels[part.inside + offset], minlength=levels**2)
        matrix[:] = pairs.reshape(levels, levels)
    return counts[:, 1:, 1:]


def describe_pairs(region: Region, counts: DoubleArray, _voxels: int) -> dict[str, DoubleArray]:
    """Return the features of matrices of counts (m, levels, levels), made symmetric first.

    A matrix in which nothing was counted has features that are no numbers.
    """
    total = 2 * counts.sum(axis=(1, 2), keepdims=True)
    joint = (counts + counts.transpose(0, 2, 1)) / np.where(total > 0, total, np.nan)
    grey = region.grey.astype(np.float64)
    marginal = joint.sum(axis=1)  # (m, levels)
    mean = marginal @ grey
    variance = (marginal * (grey - mean[:, None]) ** 2).sum(axis=1)
    product = grey @ joint @ grey
    entropy, own = entropy_bits(joint), entropy_bits(marginal)
    # the matrix is symmetric, so both entropies of independent levels are twice the marginal's
    gained = np.maximum(2 * own - entropy, 0.0)
    varied = np.where(variance == 0, 1.0, variance)
    return {
        "joint_maximum": joint.max(axis=(1, 2)),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": entropy,
        "angular_second_moment": np.einsum("mij,mij->m", joint, joint),
        "correlation": np.where(variance == 0, 1.0, (product - mean * mean) / varied),
        "autocorrelation": product,
        "information_correlation_1": -gained / np.where(own == 0, 1.0, own),
        "information_correlation_2": np.sqrt(1 - np.exp(-2 * gained)),
        **_differences(region, joint),
        **_sums(region, joint, mean),
    }


def entropy_bits(shares: DoubleArray) -> DoubleArray:
    """Return the entropy in bits of shares (m, ...), which add to one for each m.

    Examples
    --------
    >>> entropy_bits(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    each: DoubleArray = -(shares * logarithms).reshape(len(shares), -1).sum(axis=1)
    return each + 0.0  # no minus zero


def _differences(region: Region, joint: DoubleArray) -> dict[str, DoubleArray]:
    grey = region.grey
    shares = _by_number(np.abs(grey[:, None] - grey), joint)
    apart = np.arange(shares.shape[1], dtype=np.float64)
    squared, highest = apart * apart, region.highest
    mean = shares @ apart
    return {
        "difference_average": mean,
        "difference_variance": (shares * (apart - mean[:, None]) ** 2).sum(axis=1),
        "difference_entropy": entropy_bits(shares),
        "contrast": shares @ squared,
        "dissimilarity": mean,
        "inverse_difference": shares @ (1 / (1 + apart)),
        "normalised_inverse_difference": shares @ (1 / (1 + apart / highest)),
        "inverse_difference_moment": shares @ (1 / (1 + squared)),
        "normalised_inverse_difference_moment": shares @ (1 / (1 + squared / highest**2)),
        "inverse_variance": shares[:, 1:] @ (1 / squared[1:]),
    }


def _sums(region: Region, joint: DoubleArray, mean: DoubleArray) -> dict[str, DoubleArray]:
    grey = region.grey
    shares = _by_number(grey[:, None] + grey, joint)
    total = np.arange(shares.shape[1], dtype=np.float64)
    apart = total - 2 * mean[:, None]
    squared = apart * apart
    variance = (shares * squared).sum(axis=1)
    return {
        "sum_average": shares @ total,
        "sum_variance": variance,
        "sum_entropy": entropy_bits(shares),
        "cluster_tendency": variance,
        "cluster_shade": (shares * squared * apart).sum(axis=1),
        "cluster_prominence": (shares * squared * squared).sum(axis=1),
    }


def _by_number(numbers: IntArray, joint: DoubleArray) -> DoubleArray:
    """Return what joint shares (m, n, n) add up to for each number from 0: (m, largest + 1)."""
    width = int(numbers.max()) + 1
    places = numbers.ravel() + width * np.arange(len(joint))[:, None]
    shares = np.bincount(places.ravel(), weights=joint.ravel(), minlength=width * len(joint))
    return shares.reshape(len(joint), width).astype(np.float64)
