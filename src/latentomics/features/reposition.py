"""An image of the patient who was turned and moved, on the same grid.

In: values (*n) on a grid in mm, a ``Perturbation`` and the place about which the patient turns.
Out: values of a box of voxels, computed anew by cubic splines, so that interpolating does not pass
for instability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from latentomics.core import Acquisition, DoubleArray, FloatArray, Frame, Grid, Mask
from latentomics.features.perturbation import Perturbation

CUBIC_VOXELS = 2**22  # above, linear interpolation has to do
REACH = 6  # voxels around what is read, where a spline's start has faded

Box = tuple[slice, ...]


def box_of_samples(frames: Sequence[Frame], shape: Sequence[int]) -> Box:
    """Return the voxels of an image that its samples read, and a tenth more on every side."""
    low, high = np.full(len(shape), np.inf), np.full(len(shape), -np.inf)
    for frame in frames:
        corners = np.indices((2,) * len(frame.size)).reshape(len(frame.size), -1).T
        at = _index(frame.source, place_of(frame.target, corners * (np.array(frame.size) - 1)))
        low, high = np.minimum(low, at.min(0)), np.maximum(high, at.max(0))
    more = 0.1 * (high - low) + 2
    first = np.clip(np.floor(low - more), 0, None).astype(int)
    last = np.ceil(high + more).astype(int) + 1
    return tuple(slice(int(a), int(min(b, n))) for a, b, n in zip(first, last, shape, strict=True))


def repositioned(
    values: npt.NDArray[np.floating], grid: Grid, how: Perturbation, middle: DoubleArray, box: Box
) -> FloatArray:
    """Return the voxels ``box`` of an image (*n) of the patient who was turned and moved.

    Beyond the image its edge goes on; new values stay in the range of those they come from.
    """
    from scipy.ndimage import map_coordinates

    at = _before(grid, how, middle, box)
    low = [int(max(0, np.floor(a.min()) - REACH)) for a in at]
    high = [
        int(min(n, np.ceil(a.max()) + REACH + 1)) for a, n in zip(at, values.shape, strict=True)
    ]
    bounds = zip(low, high, values.shape, strict=True)
    window = tuple(slice(min(a, n - 1), max(b, 1)) for a, b, n in bounds)
    read = np.asarray(values[window], np.float32)
    for axis, part in enumerate(window):
        at[axis] -= part.start
    order: Literal[1, 3] = 3 if at[0].size <= CUBIC_VOXELS else 1
    new: Any = np.empty(at.shape[1:], np.float32)
    map_coordinates(read, at, order=order, mode="nearest", output=new)
    return np.asarray(np.clip(new, read.min(), read.max()))


def middle_of(acquisition: Acquisition, mask: Mask | None) -> DoubleArray:
    """Return the place (d,) in mm about which a patient turns."""
    grid = acquisition.grid if mask is None else mask.grid
    middle = (np.array(acquisition.values.shape[1:]) - 1) / 2
    if mask is not None:
        middle = np.argwhere(mask.values).mean(0)
    return np.asarray(place_of(grid, middle[None])[0])


def _before(grid: Grid, how: Perturbation, middle: DoubleArray, box: Box) -> DoubleArray:
    """Return where in the image (d, *box) the voxels of a box were before turning and moving."""
    d = len(grid.spacing)
    to_place = np.reshape(grid.direction, (d, d)) * np.array(grid.spacing)
    turn = _rotation(how, d)
    shift = to_place @ np.array(how.shift_voxels or (0.0,) * d)
    back = np.linalg.inv(to_place)
    # place y = turn (x - middle) + middle + shift, so x = turn^T (y - middle - shift) + middle
    matrix = back @ turn.T @ to_place
    origin = np.array(grid.origin) - middle
    offset = back @ (turn.T @ (origin - shift) - origin)
    index = np.stack(np.meshgrid(*[np.arange(p.start, p.stop) for p in box], indexing="ij"))
    at: DoubleArray = np.tensordot(matrix, index, axes=1) + offset.reshape(-1, *([1] * d))
    return at


def _rotation(how: Perturbation, dimension: int) -> DoubleArray:
    angle = np.deg2rad(how.rotation_deg)
    if dimension == 2:
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if dimension != 3:
        return np.eye(dimension)
    from scipy.spatial.transform import Rotation

    axis = np.array(how.axis) / np.linalg.norm(how.axis)
    return np.asarray(Rotation.from_rotvec(angle * axis).as_matrix())


def place_of(grid: Grid, index: npt.NDArray[np.generic]) -> DoubleArray:
    """Return the places (n, d) in mm of indices (n, d)."""
    d = len(grid.spacing)
    to_place = np.reshape(grid.direction, (d, d)) * np.array(grid.spacing)
    place: DoubleArray = np.asarray(index, np.float64) @ to_place.T + np.array(grid.origin)
    return place


def _index(grid: Grid, place: DoubleArray) -> DoubleArray:
    d = len(grid.spacing)
    to_place = np.reshape(grid.direction, (d, d)) * np.array(grid.spacing)
    return np.asarray((place - np.array(grid.origin)) @ np.linalg.inv(to_place).T)
