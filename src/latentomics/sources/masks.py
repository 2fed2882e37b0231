"""The region of interest of a case: which voxels, by which rule, and whether it lies in the image.

In: the mask file of a case. Out: a `Region`: a bool mask on its own grid, and in words which label
or threshold made it. Image and mask meet in physical space; by index only when neither has a
physical size, and then their shapes must agree (PROMISES I2, I3).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from latentomics.core import (
    Acquisition,
    BoolArray,
    Case,
    CaseError,
    DoubleArray,
    GeometryError,
    Grid,
    IntArray,
    Mask,
)
from latentomics.sources.formats import read_volume
from latentomics.sources.formats.base import AnyArray

PROBABILITY_THRESHOLD = 0.5
SMALLEST_SHARE = 0.5  # of the mask that must lie inside the image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A mask, and in words what made it."""

    mask: Mask
    rule: str  # "label 1", "labels 1, 2", "probability >= 0.5"


def read_region(case: Case) -> Region | None:
    """Read the mask of a case, None where the case has none.

    Raises
    ------
    CaseError
        ``mask_empty`` when no voxel is in it, or what the reader of its format finds.
    """
    if case.mask is None:
        return None
    volume = read_volume(case.mask)
    where = f"case {case.id}, mask {case.mask}"
    inside, rule = _inside(volume.values, case.mask_label, where)
    if not inside.any():
        raise CaseError(
            f"the mask is empty ({rule}; values found: {_found(volume.values)})",
            where,
            "draw the region, correct mask_label, or leave the mask out",
            "mask_empty",
        )
    return Region(mask=Mask(values=inside, grid=volume.grid), rule=rule)


def _inside(values: AnyArray, label: int | None, where: str) -> tuple[BoolArray, str]:
    if label is not None:
        return values == label, f"label {label}"
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise CaseError(
            "the mask holds values that are not finite",
            where,
            "export the mask again",
            "not_finite",
        )
    if values.dtype.kind == "f" and high <= 1 and bool(((values > 0) & (values < 1)).any()):
        return values >= PROBABILITY_THRESHOLD, f"probability >= {PROBABILITY_THRESHOLD}"
    return values > 0, _labels(values)


def _labels(values: AnyArray) -> str:
    found = np.unique(values[values > 0])[:6]
    names = ", ".join(f"{value:g}" for value in found[:5]) + (", ..." if len(found) > 5 else "")
    return f"label{'s' if len(found) > 1 else ''} {names}"


def _found(values: AnyArray) -> str:
    found = np.unique(values)[:6]
    return ", ".join(f"{value:g}" for value in found)


def bounding_box(inside: BoolArray) -> IntArray:
    """Return start and stop of a mask along each axis; shape (d, 2)."""
    box = []
    for axis in range(inside.ndim):
        others = tuple(a for a in range(inside.ndim) if a != axis)
        hits = np.flatnonzero(inside.any(axis=others))
        box.append((hits[0], hits[-1] + 1))
    return np.array(box, dtype=np.int64)


def require_overlap(acquisition: Acquisition, mask: Mask, case: Case) -> None:
    """Refuse a mask that does not lie where its image lies.

    Raises
    ------
    GeometryError
        One of both has no physical size, shapes disagree, or only a wrong affine explains the
        overlap (code ``geometry``); too little overlap (code ``mask_outside``).
    """
    size = acquisition.values.shape[1:]
    grids = f"case {case.id}: image {_words(size, acquisition.grid)}, mask "
    where = grids + _words(mask.values.shape, mask.grid)
    if len(size) != mask.values.ndim:
        raise GeometryError("image and mask differ in dimension", where, "export the mask again")
    if (acquisition.grid.unit == "px") != (mask.grid.unit == "px"):
        raise GeometryError(
            "only one of image and mask has a physical size",
            where,
            "store both in the same format",
        )
    if acquisition.grid.unit == "px":
        if size != mask.values.shape:
            raise GeometryError("image and mask differ in size", where, "export the mask again")
        return
    if _same_grid(acquisition.grid, mask.grid) and size == mask.values.shape:
        return
    if size == mask.values.shape and _fields_differ(acquisition.grid, mask.grid, size):
        raise GeometryError(
            "image and mask have the same number of voxels, but lie in different places: one "
            "affine is wrong",
            where,
            "copy the affine of the image into the mask",
        )
    share = _share_inside(acquisition.grid, size, mask)
    if share < SMALLEST_SHARE:
        raise GeometryError(
            f"{share:.0%} of the mask lies inside the image",
            where,
            "correct the affine of the mask, or pair it with its image",
            "mask_outside",
        )


def _words(size: tuple[int, ...], grid: Grid) -> str:
    return f"{' x '.join(map(str, size))} voxels of {grid}"


def _same_grid(one: Grid, other: Grid) -> bool:
    return one == other or all(
        np.allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-3)
        for name in ("spacing", "origin", "direction")
    )


def _fields_differ(one: Grid, other: Grid, size: tuple[int, ...]) -> bool:
    """Say whether two fields of view lie more than a voxel apart, whatever the order of axes."""
    first, second = _field(one, size), _field(other, size)
    return bool(np.abs(first - second).max() > max(*one.spacing, *other.spacing))


def _field(grid: Grid, size: tuple[int, ...]) -> DoubleArray:
    """Lowest and highest corner of a field of view in mm; shape (2, d)."""
    ends = [(-0.5, n - 0.5) for n in size]
    corners = to_physical(grid, np.array(list(itertools.product(*ends))))
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def _share_inside(grid: Grid, size: tuple[int, ...], mask: Mask) -> float:
    """Share of the mask's voxels whose centre lies in the image."""
    index = np.argwhere(mask.values)[:: max(1, int(mask.values.sum()) // 20_000)]
    at = to_index(grid, to_physical(mask.grid, index))
    inside = ((at >= -0.5) & (at <= np.array(size) - 0.5)).all(axis=1)
    return float(inside.mean())


def to_physical(grid: Grid, index: AnyArray) -> DoubleArray:
    """Turn indices (n, d) into positions in mm."""
    position: DoubleArray = index @ _matrix(grid).T + np.array(grid.origin)
    return position


def to_index(grid: Grid, position: DoubleArray) -> DoubleArray:
    """Turn positions (n, d) in mm into indices, with fractions."""
    offset = position - np.array(grid.origin, dtype=np.float64)
    return np.asarray(np.linalg.solve(_matrix(grid), offset.T).T, dtype=np.float64)


def _matrix(grid: Grid) -> DoubleArray:
    dimension = len(grid.spacing)
    direction = np.array(grid.direction, dtype=np.float64).reshape(dimension, dimension)
    return np.asarray(direction * grid.spacing, dtype=np.float64)
