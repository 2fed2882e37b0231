"""Which neighbours a texture matrix counts, and how matrices become features.

In: a ``Region`` with its aggregation. Out: parts (the region, or its planes) with flat offsets of
their directions; features of merged matrices, or means over matrices. Distance is one voxel by
Chebyshev's measure: 13 directions in a volume, 4 in a plane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from latentomics.core import DoubleArray
from latentomics.features.classic.region import Levels, Region

# code of the aggregation in the standard, by its name in the settings
AGGREGATIONS = {
    "2d-averaged": "BTW3",
    "2d-merged": "SUJT",
    "2.5d-averaged": "JJUI",
    "2.5d-merged": "ZW7Z",
    "3d-averaged": "ITBB",
    "3d-merged": "IAZD",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Grey levels that matrices are counted in, flat: (length,), 0 outside, never at either end."""

    levels: Levels
    inside: np.ndarray[tuple[int], np.dtype[np.intp]]  # places of the voxels, (n,)
    offsets: tuple[int, ...]  # to the neighbour in each direction, positive


def offsets_of(shape: tuple[int, ...], across: int | None) -> tuple[int, ...]:
    """Return the flat offsets of one of each two opposite directions.

    Where the axis across planes is given they are those of a plane.

    Examples
    --------
    >>> offsets_of((5, 10), None)
    (1, 9, 10, 11)
    """
    strides = np.array([int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))])
    steps = [s for s in product((-1, 0, 1), repeat=len(shape)) if across is None or not s[across]]
    found = (int(strides @ np.array(step)) for step in steps)
    return tuple(sorted(offset for offset in found if offset > 0))


def parts_of(region: Region) -> Iterator[Part]:
    """Return the region as one part, or each of its planes that holds voxels."""
    levels = region.levels
    by_plane = region.aggregation.startswith("2d")
    if not by_plane or levels.ndim == 2:
        in_volume = region.aggregation.startswith("3d") or levels.ndim == 2
        yield _part(levels, offsets_of(levels.shape, None if in_volume else region.across))
        return
    for plane in np.moveaxis(levels, region.across, 0):
        if plane.any():
            yield _part(plane, offsets_of(plane.shape, None))


def _part(levels: Levels, offsets: tuple[int, ...]) -> Part:
    flat = np.ascontiguousarray(levels).ravel()
    return Part(levels=flat, inside=np.flatnonzero(flat), offsets=offsets)


def aggregated(
    region: Region,
    count: Callable[[Region, Part], DoubleArray],
    describe: Callable[[Region, DoubleArray, int], dict[str, DoubleArray]],
) -> dict[str, float]:
    """Count a matrix for each direction of each part, and return the features of all of them.

    Parameters
    ----------
    count : callable
        Of the region and a part: a matrix for each direction, (directions, levels, n).
    describe : callable
        Of the region, matrices (m, levels, n) and the voxels that each was counted in (once for
        each of its directions): features by name, (m,).
    """
    merged = region.aggregation.endswith("merged")
    found = []
    for part in parts_of(region):
        matrices, voxels = count(region, part), len(part.inside)
        if merged:
            matrices, voxels = matrices.sum(axis=0, keepdims=True), voxels * len(part.offsets)
        found.append(describe(region, matrices, voxels))
    names = list(found[0])
    values = np.concatenate([np.array([one[name] for name in names]) for one in found], axis=1)
    known = values[:, np.isfinite(values).all(axis=0)]  # a direction without neighbours has none
    means = known.mean(axis=1) if known.size else np.full(len(names), np.nan)
    return dict(zip(names, means.tolist(), strict=True))
