"""From an affine to a grid, with everything refused that no scanner gives.

In: a matrix (d + 1, d + 1) from voxel index to RAS+ millimetres. Out: a `Grid` whose direction has
perpendicular unit columns, or a `GeometryError` that says what is wrong with it.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import CaseError, DoubleArray, GeometryError, Grid
from latentomics.sources.formats.base import AnyArray, Volume

SMALLEST_MM, LARGEST_MM = 1e-4, 25.0  # microscopes at one end; no slice of a patient is thicker
SHEAR_TOLERANCE = 2e-3  # cosine between axes; headers store angles as float32 with few digits


def grid_from_affine(affine: DoubleArray, where: object) -> Grid:
    """Return the grid of an affine.

    Parameters
    ----------
    affine : ndarray of shape (d + 1, d + 1)
        From voxel index to RAS+ mm.
    where : object
        Named in the error.

    Raises
    ------
    GeometryError
        Not finite, zero, implausible or not perpendicular.
    """
    matrix = affine[:-1, :-1]
    if not np.isfinite(affine).all():
        raise _fault("the affine holds values that are not finite", where)
    spacing = np.linalg.norm(matrix, axis=0)
    require_spacing(spacing, where)
    direction = matrix / spacing
    if shear(direction) > SHEAR_TOLERANCE:
        raise _fault(
            f"the axes of the affine are not perpendicular (cosine {shear(direction):.3g})", where
        )
    left, _, right = np.linalg.svd(direction)
    return Grid(
        spacing=tuple(float(s) for s in spacing),
        origin=tuple(float(o) for o in affine[:-1, -1]),
        direction=tuple(float(v) for v in _tidy(left @ right).ravel()),
    )


def require_spacing(spacing: DoubleArray, where: object) -> None:
    """Refuse a spacing (mm) that is zero, negative, not finite or implausible.

    Raises
    ------
    GeometryError
        Naming the spacing and the limits.
    """
    if not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise _fault(f"the voxel size {_words(spacing)} is not positive", where)
    if spacing.min() < SMALLEST_MM or spacing.max() > LARGEST_MM:
        raise _fault(
            f"the voxel size {_words(spacing)} is implausible (between {SMALLEST_MM:g} and "
            f"{LARGEST_MM:g} mm)",
            where,
        )


def shear(direction: DoubleArray) -> float:
    """Return the largest cosine between two axes; 0 when all are perpendicular."""
    gram = direction.T @ direction
    return float(np.abs(gram - np.diag(np.diag(gram))).max())


def is_axis_aligned(grid: Grid) -> bool:
    """Say whether every axis of a grid runs along one of the patient's axes, in either sense."""
    dimension = len(grid.spacing)
    direction = np.abs(np.array(grid.direction).reshape(dimension, dimension))
    return bool(np.abs(direction - np.round(direction)).max() < SHEAR_TOLERANCE)


def spatial_volume(values: AnyArray, affine: DoubleArray, where: object) -> Volume:
    """Return a volume, a single slice as a picture (its two axes keep their spacing).

    Raises
    ------
    CaseError
        ``dimensions`` when more than three axes are longer than one.
    """
    shape = values.shape
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise CaseError(
            f"the file holds {len(shape)} axes ({' x '.join(map(str, shape))}); cases are 2-D "
            "or 3-D",
            str(where),
            "write one file a channel or time point, and name the columns with --channels",
            "dimensions",
        )
    grid = grid_from_affine(affine, where)
    values = values.reshape(shape, order="F")
    return Volume(values=values, grid=grid if len(shape) == 3 else _plane(grid))


def _plane(grid: Grid) -> Grid:
    """Grid of the first two axes; a plane that is not axial keeps no orientation."""
    direction = np.array(grid.direction).reshape(3, 3)[:2, :2]
    axial = shear(direction) < SHEAR_TOLERANCE and abs(abs(np.linalg.det(direction)) - 1) < 1e-2
    return Grid(
        spacing=grid.spacing[:2],
        origin=grid.origin[:2] if axial else (0.0, 0.0),
        direction=tuple(float(v) for v in (direction if axial else np.eye(2)).ravel()),
        unit=grid.unit,
    )


def _tidy(direction: DoubleArray) -> DoubleArray:
    """Remove the rounding of the orthogonalisation where an axis is exactly a patient's axis."""
    near = np.round(direction)
    return np.where(np.abs(direction - near) < 1e-9, near, direction) + 0.0


def _words(spacing: DoubleArray) -> str:
    return " x ".join(f"{s:g}" for s in spacing) + " mm"


def _fault(what: str, where: object) -> GeometryError:
    return GeometryError(what, str(where), "correct the header, or convert the image again")
