"""Values from one grid onto another, computed for the voxels that are wanted and no others.

In: values (C, *size) on a grid. Out: values (C, *target size) float32 on another grid. Where the
axes of both grids are parallel (in any order and sense) one small matrix an axis does it; any other
pair, and cubic splines, go through scipy's ``map_coordinates``. Interpolation is linear, nearest or
cubic; before going coarser a Gaussian keeps fine detail from folding into coarse; beyond the edge
the edge goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray, FloatArray, Grid, IntArray

# FWHM of a Gaussian over its SD: the blur that turns one voxel size into another (Cardoso et al.,
# "Scale factor point spread function matching", MICCAI 2015)
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
LEAST_SIGMA = 0.2  # voxels; a narrower Gaussian has no weight on its neighbours
REACH = 3.0  # standard deviations at which a Gaussian ends
NEAR = 1e-3  # voxels: positions closer than this to a voxel's centre are taken to be there
SPLINE, SPLINE_REACH = 3, 16  # order, and voxels from which a cubic spline's value is made up
PARALLEL = 0.02  # voxels at the far end by which parallel axes may diverge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine:
    """Index in one grid to index in another: ``matrix @ k + offset``."""

    matrix: DoubleArray  # (d, d)
    offset: DoubleArray  # (d,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Axis:
    # where the target's positions along one axis lie in the source, and with which weights
    window: slice
    weights: FloatArray | None = None  # (target, window)
    index: IntArray | None = None  # (target,) in the window, where voxels lie on voxels
    step: int = 1  # where the window itself, up or down, is what is wanted


def resample(
    values: npt.NDArray[np.generic],
    source: Grid,
    target: Grid,
    size: Sequence[int],
    *,
    order: int = 1,
    smooth: bool = True,
) -> FloatArray:
    """Return values (C, *n) on ``source`` at the voxels of ``target``, (C, *size) float32.

    Parameters
    ----------
    values : (C, *n)
        Any real type; only the part that is needed is converted.
    order : int
        1 linear, 0 nearest neighbour, 3 cubic spline.
    smooth : bool
        Blur by the Gaussian that turns the source's voxel into the target's, where that is larger.
    """
    affine = affine_between(target, source)
    shape = values.shape[1:]
    parallel = _parallel_axes(affine.matrix, size)
    if parallel is None or order == SPLINE:
        return _general(values, affine, size, order, _sigmas(affine.matrix, smooth))
    sigmas = _sigmas(affine.matrix, smooth)
    axes = []
    for j, p in enumerate(parallel):
        positions = affine.offset[j] + affine.matrix[j, p] * np.arange(size[p])
        axes.append(_axis(positions, shape[j], sigmas[j], order))
    return _separable(values, axes, parallel)


def inside(shape: Sequence[int], source: Grid, target: Grid, size: Sequence[int]) -> BoolArray:
    """Return which voxels (*size) of ``target`` lie in the volume of ``source``."""
    affine = affine_between(target, source)
    parallel = _parallel_axes(affine.matrix, size)
    where = np.ones(tuple(size), bool)
    if parallel is None:
        for positions, n in zip(_positions(affine, size), shape, strict=True):
            where &= _within(positions, n)
        return where
    for j, p in enumerate(parallel):  # a plane of the target is in or out as a whole
        positions = affine.offset[j] + affine.matrix[j, p] * np.arange(size[p])
        np.moveaxis(where, p, 0)[~_within(positions, shape[j])] = False
    return where


def _within(positions: DoubleArray, n: int) -> BoolArray:
    within: BoolArray = (positions >= -0.5 - NEAR) & (positions <= n - 0.5 + NEAR)
    return within


@lru_cache(maxsize=64)
def affine_between(first: Grid, second: Grid) -> Affine:
    """Return the map from indices of the first grid to indices of the second."""
    d = len(first.spacing)
    to_space = np.reshape(first.direction, (d, d)) * np.array(first.spacing)
    to_index = np.linalg.inv(np.reshape(second.direction, (d, d)) * np.array(second.spacing))
    offset = to_index @ (np.array(first.origin) - np.array(second.origin))
    return Affine(matrix=to_index @ to_space, offset=offset)


def _parallel_axes(matrix: DoubleArray, size: Sequence[int]) -> list[int] | None:
    # for each source axis the target axis along it, or None where the axes are not parallel
    along = np.abs(matrix).argmax(1)
    if sorted(along) != list(range(len(along))):
        return None
    rest = np.abs(matrix)
    rest[np.arange(len(along)), along] = 0.0
    diverges = rest @ np.maximum(np.array(size) - 1, 0)
    return [int(p) for p in along] if diverges.max() < PARALLEL else None


def _sigmas(matrix: DoubleArray, smooth: bool) -> DoubleArray:
    ratio = np.abs(matrix).max(1)  # target voxel over source voxel along each source axis
    sigma = np.sqrt(np.maximum(ratio**2 - 1.0, 0.0)) / FWHM
    return np.where(sigma >= LEAST_SIGMA, sigma, 0.0) if smooth else np.zeros(len(matrix))


def _axis(positions: DoubleArray, n: int, sigma: float, order: int) -> _Axis:
    nearest = np.round(positions)
    if order == 0:
        positions = np.floor(positions + 0.5 - NEAR)
    positions = np.where(np.abs(positions - nearest) < NEAR, nearest, positions)
    positions = np.clip(positions, 0.0, n - 1.0)
    if sigma == 0.0 and not np.any(positions % 1):
        return _selection(positions.astype(np.int64))
    lower = np.floor(positions).astype(np.int64)
    upper_share = (positions - lower)[:, None]
    reach = int(np.ceil(REACH * sigma))
    offsets = np.arange(-reach, reach + 2)
    kernel = (1.0 - upper_share) * _kernel(offsets, sigma) + upper_share * _kernel(
        offsets - 1, sigma
    )
    index = np.clip(lower[:, None] + offsets, 0, n - 1)
    first, last = int(index.min()), int(index.max())
    weights = np.zeros((len(positions), last - first + 1))
    np.add.at(weights, (np.arange(len(positions))[:, None], index - first), kernel)
    return _Axis(window=slice(first, last + 1), weights=weights.astype(np.float32))


def _selection(index: IntArray) -> _Axis:
    # voxels that lie on voxels need no arithmetic; in one run up or down not even a copy
    low, high = int(index.min()), int(index.max())
    step = -1 if index[0] > index[-1] else 1
    run = index[0] + step * np.arange(len(index))
    if np.array_equal(index, run):
        return _Axis(window=slice(low, high + 1), step=step)
    return _Axis(window=slice(low, high + 1), index=index - low)


def _kernel(offsets: npt.NDArray[np.int64], sigma: float) -> DoubleArray:
    if sigma == 0.0:
        return np.asarray(offsets == 0, np.float64)
    reach = int(np.ceil(REACH * sigma))
    total = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).sum()
    values: DoubleArray = np.exp(-0.5 * (offsets / sigma) ** 2) / total
    values[np.abs(offsets) > reach] = 0.0
    return values


def _separable(
    values: npt.NDArray[np.generic], axes: list[_Axis], parallel: list[int]
) -> FloatArray:
    part = values[(slice(None), *(axis.window for axis in axes))]
    part = part[(slice(None), *(slice(None, None, axis.step) for axis in axes))]
    out: FloatArray = part.astype(np.float32, copy=False)
    for a, axis in enumerate(axes, 1):
        out = out if axis.index is None else out.take(axis.index, a)
    todo = [(j + 1, axis.weights) for j, axis in enumerate(axes) if axis.weights is not None]
    for a, weights in sorted(todo, key=lambda pair: _growth(pair[1])):  # what shrinks comes first
        out = np.moveaxis(np.tensordot(weights, out, axes=(1, a)), 0, a)
    order = np.argsort(parallel)
    return np.ascontiguousarray(out.transpose(0, *(order + 1)))


def _growth(weights: FloatArray) -> float:
    return float(weights.shape[0] / weights.shape[1])


def _general(
    values: npt.NDArray[np.generic],
    affine: Affine,
    size: Sequence[int],
    order: int,
    sigmas: DoubleArray,
) -> FloatArray:
    from scipy.ndimage import gaussian_filter, map_coordinates

    positions = _positions(affine, size)
    reach = np.ceil(REACH * sigmas).astype(int) + (SPLINE_REACH if order == SPLINE else 1)
    window = []
    for j, n in enumerate(values.shape[1:]):
        low = int(np.clip(np.floor(positions[j].min()) - reach[j], 0, n - 1))
        high = int(np.clip(np.ceil(positions[j].max()) + reach[j], 0, n - 1))
        window.append(slice(low, high + 1))
        positions[j] -= low
    part = values[(slice(None), *window)].astype(np.float32, copy=False)
    out: FloatArray = np.empty((len(values), *size), np.float32)
    degree: Literal[0, 1, 3] = 3 if order == SPLINE else 1 if order else 0
    for c, channel in enumerate(part):
        blurred = gaussian_filter(channel, sigmas, mode="nearest", truncate=REACH)
        map_coordinates(blurred, positions, order=degree, mode="nearest", output=out[c])
    return out


def _positions(affine: Affine, size: Sequence[int]) -> DoubleArray:
    index = np.indices(tuple(size), dtype=np.float64, sparse=True)
    shape = (-1, *([1] * len(size)))
    terms = [affine.matrix[:, a].reshape(shape) * index[a] for a in range(len(size))]
    total: DoubleArray = sum(terms, start=affine.offset.reshape(shape))
    return np.array(np.broadcast_to(total, (len(size), *size)))
