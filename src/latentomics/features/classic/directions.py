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
    count: Callable[[Region, Part, int], DoubleArray],
    describe: Callable[[Region, DoubleArray, int], dict[str, float]],
) -> dict[str, float]:
    """Count a matrix for each direction of each part, and return the features of all of them.

    Parameters
    ----------
    count : callable
        Of the region, a part and an offset: a matrix, the grey levels along its first axis.
    describe : callable
        Of the region, a matrix and the voxels that it was counted in (each direction's added).
    """
    merged = region.aggregation.endswith("merged")
    found: list[dict[str, float]] = []
    for part in parts_of(region):
        matrices = (count(region, part, offset) for offset in part.offsets)
        voxels = len(part.inside)
        if merged:
            found.append(describe(region, _sum(matrices), voxels * len(part.offsets)))
        else:
            found += [describe(region, matrix, voxels) for matrix in matrices]
    names = found[0]
    values = np.array([[one[name] for name in names] for one in found])
    known = values[np.isfinite(values).all(axis=1)]  # a direction without neighbours has no matrix
    means = known.mean(axis=0) if len(known) else np.full(len(names), np.nan)
    return dict(zip(names, means.tolist(), strict=True))


def _sum(matrices: Iterator[DoubleArray]) -> DoubleArray:
    total = next(matrices).copy()
    for matrix in matrices:
        total = _padded(total, matrix.shape[1])
        total[:, : matrix.shape[1]] += matrix
    return total


def _padded(matrix: DoubleArray, width: int) -> DoubleArray:
    if width <= matrix.shape[1]:
        return matrix
    return np.pad(matrix, ((0, 0), (0, width - matrix.shape[1])))
