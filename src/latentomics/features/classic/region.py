"""The region that classic features are measured in, on its grid and with its grey levels.

In: an ``Acquisition``, a ``Mask`` and ``Classic`` settings. Out: a ``Region``: a box with one empty
voxel around it, (*box): intensities float64, the mask as drawn (for shape), the mask of the
intensities that count, and grey levels. The grid runs along the image's own axes, centred on the
image (METHODS 23); nothing is smoothed before going coarser, as the standard has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from latentomics.core import (
    Acquisition,
    BoolArray,
    CaseError,
    DoubleArray,
    Grid,
    IntArray,
    Mask,
)
from latentomics.planning import Classic
from latentomics.preprocess import affine_between, inside, occupied, resample

HALF = 0.5  # where a resampled mask is cut
EPSILON = 2e-3  # voxels, so that rounding errors never decide between two voxels
MOST_LEVELS = 1024  # grey levels; a texture matrix has the square of it

Levels = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A region of interest; every array is (*box) with an empty border of one voxel."""

    intensities: DoubleArray
    drawn: BoolArray  # the mask as drawn
    counted: BoolArray  # less the intensities that resegmentation leaves out
    levels: Levels  # 0 outside, else the place in ``grey``, from 1
    grey: IntArray  # (levels,) the numbers of the grey levels that occur, ascending
    highest: int  # number of the highest grey level
    spacing: tuple[float, ...]
    across: int  # the axis across planes
    aggregation: str

    @property
    def values(self) -> DoubleArray:
        """The intensities that count, (n,)."""
        return self.intensities[self.counted]


def region_of(acquisition: Acquisition, mask: Mask, settings: Classic, where: str) -> Region:
    """Return the region of a case's first channel.

    Parameters
    ----------
    acquisition, mask
        As read; the mask may lie on another grid, they meet in physical space.
    settings : Classic
        Grid, intensities, grey levels and aggregation.
    where : str
        The case, for errors.

    Raises
    ------
    CaseError
        When no voxel is left, the grey levels are too many, or the settings are for another
        dimension.
    """
    dimension = mask.values.ndim
    if settings.spacing is not None and len(settings.spacing) != dimension:
        raise CaseError(
            f"{len(settings.spacing)} spacings for {dimension} dimensions",
            where,
            "give one an axis",
            "dimension",
        )
    if dimension == 2 and not settings.aggregation.startswith("2d"):
        raise CaseError(
            f"aggregation {settings.aggregation} for pictures",
            where,
            "take 2d-merged or 2d-averaged",
            "dimension",
        )
    if "px" in (mask.grid.unit, acquisition.grid.unit):  # of one size, as reading made sure
        mask = replace(mask, grid=acquisition.grid)
    grid, size = _window(acquisition, mask, settings, where)
    drawn = _mask_on(mask, acquisition, grid, size)
    order = 3 if settings.interpolation == "spline" and settings.spacing is not None else 1
    values = resample(
        acquisition.values[:1], acquisition.grid, grid, size, order=order, smooth=False
    )[0].astype(np.float64)
    box = _box(drawn)
    values, drawn = values[box], drawn[box]
    if settings.rounded:
        values = np.rint(values)
    counted = _counted(values, drawn, settings, where)
    levels, grey, highest = grey_levels(values, counted, settings, where)
    return Region(
        intensities=values,
        drawn=drawn,
        counted=counted,
        levels=levels,
        grey=grey,
        highest=highest,
        spacing=grid.spacing,
        across=_across(acquisition.grid),
        aggregation=settings.aggregation,
    )


def grey_levels(
    values: DoubleArray, counted: BoolArray, settings: Classic, where: str
) -> tuple[Levels, IntArray, int]:
    """Return grey levels (*box), the numbers of those that occur, and the highest number.

    A fixed number of bins runs from the lowest to the highest counted intensity; bins of fixed
    width begin at the lower bound of the intensities, the same for every case.
    """
    found = values[counted]
    if settings.bins is not None:
        low, high = float(found.min()), float(found.max())
        scaled = (found - low) * (settings.bins / (high - low)) if high > low else found - low
        numbers = np.minimum(np.floor(scaled).astype(np.int64) + 1, settings.bins)
        highest = settings.bins
    else:
        edge, width = settings.lower or 0.0, settings.bin_width or 1.0  # both are set, or refused
        numbers = np.floor((found - edge) / width).astype(np.int64) + 1
        highest = int(numbers.max())
    occurring = np.flatnonzero(np.bincount(numbers))
    if len(occurring) > MOST_LEVELS:
        raise CaseError(
            f"{len(occurring)} grey levels are more than {MOST_LEVELS}",
            where,
            "give a larger bin width, or narrower limits of the intensities",
            "grey_levels",
        )
    levels = np.zeros(values.shape, np.uint16)
    levels[counted] = np.searchsorted(occurring, numbers) + 1
    return levels, occurring, highest


def _window(
    acquisition: Acquisition, mask: Mask, settings: Classic, where: str
) -> tuple[Grid, tuple[int, ...]]:
    """Return the part of the wanted grid that holds the mask and a little around it."""
    whole = _wanted_grid(acquisition, settings)
    found = occupied(mask.values)
    if found is None:
        raise CaseError("the mask is empty", where, "draw it, or leave the case out", "mask_empty")
    corners = np.array(list(product(*zip(found[0] - HALF, found[1] + HALF, strict=True))))
    affine = affine_between(mask.grid, whole)
    places = corners @ affine.matrix.T + affine.offset
    first = np.floor(places.min(axis=0) - EPSILON).astype(np.int64) - 1
    last = np.ceil(places.max(axis=0) + EPSILON).astype(np.int64) + 1
    axes = np.reshape(whole.direction, (len(first), len(first)))
    origin = np.array(whole.origin) + axes @ (np.array(whole.spacing) * first)
    size = tuple(int(n) for n in last - first + 1)
    return replace(whole, origin=tuple(float(o) for o in origin)), size


def _wanted_grid(acquisition: Acquisition, settings: Classic) -> Grid:
    """Return the image's grid at the wanted spacing, centred on the image."""
    own = acquisition.grid
    if settings.spacing is None:
        return own
    shape = np.array(acquisition.values.shape[1:])
    spacing = np.array(own.spacing)
    # across a single plane there is nothing to interpolate
    wanted = np.where(shape > 1, settings.spacing, spacing)
    size = np.ceil(shape * spacing / wanted - EPSILON)
    axes = np.reshape(own.direction, (len(shape), len(shape)))
    shift = ((shape - 1) * spacing - (size - 1) * wanted) / 2
    origin = np.array(own.origin) + axes @ shift
    return replace(
        own, spacing=tuple(float(s) for s in wanted), origin=tuple(float(o) for o in origin)
    )


def _mask_on(mask: Mask, acquisition: Acquisition, grid: Grid, size: tuple[int, ...]) -> BoolArray:
    share = resample(mask.values[None], mask.grid, grid, size, smooth=False)[0]
    share[~inside(mask.values.shape, mask.grid, grid, size)] = 0.0
    share[~inside(acquisition.values.shape[1:], acquisition.grid, grid, size)] = 0.0
    # a mask too small for the grid keeps the voxels that hold most of it
    drawn: BoolArray = share >= min(HALF, max(share.max(), np.finfo(np.float32).tiny))
    return drawn


def _box(drawn: BoolArray) -> tuple[slice, ...]:
    """Return the box of the mask with one voxel around it; a window has that much around it."""
    found = occupied(drawn)
    if found is None:
        return (slice(None),) * drawn.ndim
    return tuple(slice(int(a) - 1, int(b) + 2) for a, b in zip(*found, strict=True))


def _counted(values: DoubleArray, drawn: BoolArray, settings: Classic, where: str) -> BoolArray:
    counted = drawn.copy()
    if settings.lower is not None:
        counted &= values >= settings.lower
    if settings.upper is not None:
        counted &= values <= settings.upper
    if settings.outliers_sd is not None and counted.any():
        found = values[counted]
        counted &= np.abs(values - found.mean()) <= settings.outliers_sd * found.std()
    if not counted.any():
        raise CaseError(
            f"no voxel of the mask has an intensity that counts ({settings.describe()})",
            where,
            "check the mask and the intensities' unit, or widen the limits",
            "mask_empty",
        )
    return counted


def _across(grid: Grid) -> int:
    """Return the axis across planes: the last one unless another is clearly coarser."""
    spacing = np.array(grid.spacing)
    last = len(spacing) - 1
    return last if spacing[last] >= 0.99 * spacing.max() else int(spacing.argmax())
