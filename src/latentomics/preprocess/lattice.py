"""The RAS+ grid of a whole image at the wanted spacing, and boxes on it.

In: a grid in any orientation. Out: grids with identity direction. The lattice is centred on the
image, so flipping how an image is stored changes nothing, and every crop is a window of the same
lattice: cropping gives the values that resampling the whole image and then cropping gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from latentomics.core import BoolArray, DoubleArray, Grid, IntArray

EPSILON = 1e-6  # voxels, so that rounding errors never decide between two voxels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """A box along the RAS+ axes, in mm: the outer edges of what it holds."""

    low: DoubleArray  # (d,)
    high: DoubleArray  # (d,)

    @property
    def centre(self) -> DoubleArray:
        """The middle, (d,)."""
        return (self.low + self.high) / 2

    @property
    def extent(self) -> DoubleArray:
        """The edges' lengths, (d,)."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """The whole image's grid at the wanted spacing."""

    origin: DoubleArray  # (d,) centre of the first voxel
    spacing: DoubleArray  # (d,)
    size: IntArray  # (d,)
    unit: str

    def window(self, first: IntArray) -> Grid:
        """Return the grid whose first voxel is voxel ``first`` (which may lie outside)."""
        return upright(self.spacing, self.origin + first * self.spacing, self.unit)

    def around(self, centre: DoubleArray, size: Sequence[int]) -> Grid:
        """Return the window of ``size`` voxels whose middle is nearest to ``centre`` (mm)."""
        start = (centre - self.origin) / self.spacing - (np.array(size) - 1) / 2
        return self.window(np.floor(start + 0.5 - EPSILON).astype(np.int64))

    def covering(self, box: Box) -> tuple[IntArray, IntArray]:
        """Return the first and the last voxel (d,) that a box touches."""
        first = np.floor((box.low - self.origin) / self.spacing + 0.5 + EPSILON)
        last = np.ceil((box.high - self.origin) / self.spacing - 0.5 - EPSILON)
        return first.astype(np.int64), np.maximum(first, last).astype(np.int64)


def upright(spacing: DoubleArray, origin: DoubleArray, unit: str) -> Grid:
    """Return a grid along the RAS+ axes."""
    return Grid(
        spacing=tuple(float(s) for s in spacing),
        origin=tuple(float(o) for o in origin),
        direction=tuple(float(v) for v in np.eye(len(spacing)).ravel()),
        unit=unit,
    )


def lattice_of(grid: Grid, shape: Sequence[int], spacing: Sequence[float]) -> Lattice:
    """Return the lattice of an image of ``shape`` on ``grid`` at ``spacing``."""
    box = box_of(grid, np.zeros(len(shape)), np.array(shape) - 1.0)
    step = np.array(spacing, np.float64)
    size = np.maximum(np.round(box.extent / step), 1)
    origin = box.centre - (size - 1) / 2 * step
    return Lattice(origin=origin, spacing=step, size=size.astype(np.int64), unit=grid.unit)


def box_of(grid: Grid, first: DoubleArray, last: DoubleArray) -> Box:
    """Return the box around the voxels ``first`` to ``last`` (indices, inclusive) of a grid."""
    d = len(grid.spacing)
    direction = np.reshape(grid.direction, (d, d))
    spacing = np.array(grid.spacing)
    centre = np.array(grid.origin) + direction @ (spacing * (first + last) / 2)
    half = np.abs(direction) @ (spacing * (last - first + 1) / 2)
    return Box(low=centre - half, high=centre + half)


def axes_of(grid: Grid) -> IntArray:
    """Return, for each RAS+ axis, the axis of the grid that runs most along it."""
    d = len(grid.spacing)
    direction = np.abs(np.reshape(grid.direction, (d, d)))
    best = max(permutations(range(d)), key=lambda axes: direction[range(d), list(axes)].sum())
    return np.array(best, np.int64)


def occupied(values: BoolArray) -> tuple[IntArray, IntArray] | None:
    """Return the first and last index (d,) of the true voxels, or None when there are none."""
    first, last = [], []
    for axis in range(values.ndim):
        others = tuple(a for a in range(values.ndim) if a != axis)
        found = np.flatnonzero(values.any(axis=others))
        if not len(found):
            return None
        first.append(int(found[0]))
        last.append(int(found[-1]))
    return np.array(first, np.int64), np.array(last, np.int64)
