"""Grey-level run length: how long one level goes on along a line.

In: a ``Region``. Out: 16 features of the matrices of runs by level and length; a run ends where the
level changes or the region does (METHODS 23); entropies in bits.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import DoubleArray, IntArray
from latentomics.features.classic.directions import Part, aggregated
from latentomics.features.classic.family import family
from latentomics.features.classic.glcm import entropy_bits
from latentomics.features.classic.region import Region

TABLE = """
short_runs_emphasis                 -          22OV  ShortRunEmphasis
long_runs_emphasis                  voxels^2   W4KF  LongRunEmphasis
low_grey_level_run_emphasis         level^-2   V3SW  LowGrayLevelRunEmphasis
high_grey_level_run_emphasis        level^2    G3QZ  HighGrayLevelRunEmphasis
short_run_low_grey_level_emphasis   level^-2   HTZT  ShortRunLowGrayLevelEmphasis
short_run_high_grey_level_emphasis  level^2    GD3A  ShortRunHighGrayLevelEmphasis
long_run_low_grey_level_emphasis    -          IVPO  LongRunLowGrayLevelEmphasis
long_run_high_grey_level_emphasis   -          3KUM  LongRunHighGrayLevelEmphasis
grey_level_non_uniformity           runs       R5YN  GrayLevelNonUniformity
normalised_grey_level_non_uniformity  -        OVBL  GrayLevelNonUniformityNormalized
run_length_non_uniformity           runs       W92Y  RunLengthNonUniformity
normalised_run_length_non_uniformity  -        IC23  RunLengthNonUniformityNormalized
run_percentage                      -          9ZK5  RunPercentage
grey_level_variance                 level^2    8CE5  GrayLevelVariance
run_length_variance                 voxels^2   SXLW  RunVariance
run_entropy                         bit        HJ9O  RunEntropy
"""


@family("glrlm", "runs of grey levels", TABLE, pyradiomics="glrlm")
def glrlm(region: Region) -> dict[str, float]:
    """Return features of run lengths, aggregated as the region asks."""
    return aggregated(region, count_runs, describe_runs)


def count_runs(region: Region, part: Part) -> DoubleArray:
    """Return the number of runs of each level and length: (directions, levels, longest run)."""
    runs = [_runs(part, offset) for offset in part.offsets]
    shape = (len(region.grey), max(int(lengths.max()) for _, lengths in runs))
    return np.array(
        [
            np.bincount(level * shape[1] + lengths - 1, minlength=shape[0] * shape[1])
            for level, lengths in runs
        ],
        np.float64,
    ).reshape(-1, *shape)


def _runs(part: Part, offset: int) -> tuple[IntArray, IntArray]:
    """Return the level, from 0, and the length of every run in a direction.

    Read column by column, rows of ``offset`` voxels give the lines of a direction one after the
    other; the empty border ends every line.
    """
    length = -(-len(part.levels) // offset) * offset
    flat = np.zeros(length, part.levels.dtype)
    flat[: len(part.levels)] = part.levels
    lines = flat.reshape(-1, offset).T.ravel()
    starts = np.concatenate([[0], np.flatnonzero(lines[1:] != lines[:-1]) + 1, [length]])
    level = lines[starts[:-1]].astype(np.int64)
    inside = level > 0
    return level[inside] - 1, np.diff(starts)[inside]


def describe_runs(region: Region, counts: DoubleArray, voxels: int) -> dict[str, DoubleArray]:
    """Return the features of matrices of runs (m, levels, lengths), counted over so many voxels."""
    runs = counts.sum(axis=(1, 2))
    shares = counts / runs[:, None, None]
    by_level, by_length = shares.sum(axis=2), shares.sum(axis=1)
    level = region.grey.astype(np.float64) ** 2
    length = np.arange(1, counts.shape[2] + 1, dtype=np.float64) ** 2
    level_uniformity, length_uniformity = (by_level**2).sum(axis=1), (by_length**2).sum(axis=1)
    return {
        "short_runs_emphasis": by_length @ (1 / length),
        "long_runs_emphasis": by_length @ length,
        "low_grey_level_run_emphasis": by_level @ (1 / level),
        "high_grey_level_run_emphasis": by_level @ level,
        "short_run_low_grey_level_emphasis": (1 / level) @ shares @ (1 / length),
        "short_run_high_grey_level_emphasis": level @ shares @ (1 / length),
        "long_run_low_grey_level_emphasis": (1 / level) @ shares @ length,
        "long_run_high_grey_level_emphasis": level @ shares @ length,
        "grey_level_non_uniformity": runs * level_uniformity,
        "normalised_grey_level_non_uniformity": level_uniformity,
        "run_length_non_uniformity": runs * length_uniformity,
        "normalised_run_length_non_uniformity": length_uniformity,
        "run_percentage": runs / voxels,
        "grey_level_variance": _variance(by_level, np.sqrt(level)),
        "run_length_variance": _variance(by_length, np.sqrt(length)),
        "run_entropy": entropy_bits(shares),
    }


def _variance(shares: DoubleArray, values: DoubleArray) -> DoubleArray:
    mean = shares @ values
    variance: DoubleArray = (shares * (values - mean[:, None]) ** 2).sum(axis=1)
    return variance
