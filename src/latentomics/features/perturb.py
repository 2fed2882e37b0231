"""A case as it might have been measured on another day.

In: an ``Acquisition``, its ``Mask`` and a ``Perturbation`` in physical units. Out: the same on the
same grids, with the patient turned and moved, the noise of another acquisition, the contour drawn
again, the region a little larger or smaller and the scanner's gain off. Values are computed anew
only near the samples, by cubic splines, so that interpolating does not pass for instability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from latentomics.core import (
    Acquisition,
    BoolArray,
    DoubleArray,
    FloatArray,
    Frame,
    Grid,
    IntArray,
    Mask,
)
from latentomics.features.regional import signed_distance
from latentomics.noise import NOISES, sigma_mad

ROTATION_DEG = 10.0
SHIFT_VOXELS = 0.5
CONTOUR_VOXELS = 0.5  # SD of the border's displacement, in voxels of mean edge
SMOOTH_VOXELS = 2.0  # over which the displacement keeps its sign
VOLUME_SHARE = 0.1
GAIN_SHARE = 0.1  # a PET calibration may be off by as much (EARL); MR has no unit
GAIN_CT = 0.005  # of HU + 1000: 5 HU at water, as scanners may differ
AIR_HU = -1000.0
CUBIC_VOXELS = 2**22  # above, linear interpolation has to do
NOISE_VOXELS = 2**20  # from which the noise of a large image is estimated
REACH = 6  # voxels around what is read, where a spline's start has faded
REGROWN = 6  # voxels around a mask where a border may come to lie
TIED_VOXELS = 0.5  # smoothing that orders voxels at one distance: hollows fill first
KINDS = ("rotation", "translation", "noise", "contour", "volume", "gain")
OF_MASK = ("contour", "volume")  # need one

Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """What is different on the other day; nothing by default.

    Parameters
    ----------
    rotation_deg : float
        About ``axis`` (3-D) through the middle of the mask, else of the image.
    shift_voxels : sequence of float
        One an axis of the image, in its own voxels; empty: none.
    noise : float
        SD of added noise over the noise that the image has (Rician for MR magnitudes).
    contour_voxels : float
        SD of the border's displacement, in voxels of the mask's mean edge.
    volume : float
        Relative change of the mask's volume.
    gain : float
        Relative change of the values; of HU + 1000 in CT.
    """

    rotation_deg: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 1.0)
    shift_voxels: tuple[float, ...] = ()
    noise: float = 0.0
    contour_voxels: float = 0.0
    volume: float = 0.0
    gain: float = 0.0


def single(kind: str, dimension: int, unit: str) -> Perturbation:
    """Return one kind of perturbation at its full size.

    Examples
    --------
    >>> single("volume", 3, "HU").volume
    0.1
    """
    whole = {
        "rotation": Perturbation(rotation_deg=ROTATION_DEG, axis=(1.0, 1.0, 1.0)),
        "translation": Perturbation(shift_voxels=(SHIFT_VOXELS,) * dimension),
        "noise": Perturbation(noise=1.0),
        "contour": Perturbation(contour_voxels=CONTOUR_VOXELS),
        "volume": Perturbation(volume=VOLUME_SHARE),
        "gain": Perturbation(gain=gain_of(unit)),
    }
    return whole[kind]


def chained(draws: np.random.Generator, dimension: int, unit: str) -> Perturbation:
    """Return all kinds at once, each drawn evenly up to its full size in either direction."""
    axis = draws.standard_normal(3)
    part = draws.uniform(-1, 1, 3 + dimension)
    return Perturbation(
        rotation_deg=ROTATION_DEG * float(part[0]),
        axis=tuple(float(a) for a in axis),
        shift_voxels=tuple(SHIFT_VOXELS * float(p) for p in part[3:]),
        noise=1.0,
        contour_voxels=CONTOUR_VOXELS,
        volume=VOLUME_SHARE * float(part[1]),
        gain=gain_of(unit) * float(part[2]),
    )


def gain_of(unit: str) -> float:
    """Return by how much the gain of a scanner may be off, as a share."""
    return GAIN_CT if unit == "HU" else GAIN_SHARE


def perturb(
    acquisition: Acquisition,
    mask: Mask | None,
    how: Perturbation,
    draws: np.random.Generator,
    *,
    box: Box | None = None,
) -> tuple[Acquisition, Mask | None]:
    """Return a case as it would have been measured then.

    Parameters
    ----------
    draws : Generator
        Of noise and contour.
    box : tuple of slice, optional
        Voxels of the image that are looked at; the others stay. Default: all.
    """
    middle = _middle(acquisition, mask)
    where = box or tuple(slice(0, n) for n in acquisition.values.shape[1:])
    values = acquisition.values.copy()
    for channel, (modality, unit) in zip(values, acquisition.channels, strict=True):
        sigma = sigma_mad(_some(channel)) if how.noise else 0.0
        if how.rotation_deg or how.shift_voxels:
            channel[where] = repositioned(channel, acquisition.grid, how, middle, where)
        if sigma:
            channel[where] = _noisy(channel[where], modality, how.noise * sigma, draws)
        if how.gain:
            zero = AIR_HU if unit == "HU" else 0.0
            channel[where] += how.gain * (channel[where] - zero)
    redrawn = None if mask is None else redraw(mask, how, middle, draws)
    return replace(acquisition, values=values), redrawn


def box_of_samples(frames: Sequence[Frame], shape: Sequence[int]) -> Box:
    """Return the voxels of an image that its samples read, and a tenth more on every side."""
    low, high = np.full(len(shape), np.inf), np.full(len(shape), -np.inf)
    for frame in frames:
        corners = np.indices((2,) * len(frame.size)).reshape(len(frame.size), -1).T
        at = _index(frame.source, _place(frame.target, corners * (np.array(frame.size) - 1)))
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


def redraw(mask: Mask, how: Perturbation, middle: DoubleArray, draws: np.random.Generator) -> Mask:
    """Return the mask of the patient who was turned and moved, with a border drawn again.

    The signed distance to the border is moved, a smooth random displacement is added, and of the
    voxels the deepest are taken, as many as the volume asks for. Beyond its array a mask ends.
    """
    if not (how.rotation_deg or how.shift_voxels or how.contour_voxels or how.volume):
        return mask
    inside = np.argwhere(mask.values)
    first, last = inside.min(0), inside.max(0) + 1
    tight = mask.values[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    distance = signed_distance(np.pad(tight, REGROWN), mask.grid.spacing)
    if how.rotation_deg or how.shift_voxels:
        (origin,) = _place(mask.grid, (first - REGROWN)[None])
        local = replace(mask.grid, origin=tuple(float(o) for o in origin))
        whole = tuple(slice(0, n) for n in distance.shape)
        distance = repositioned(distance, local, how, middle, whole).astype(np.float64)
    if how.contour_voxels:
        edge = float(np.prod(mask.grid.spacing)) ** (1 / len(mask.grid.spacing))
        distance = distance + how.contour_voxels * edge * _smooth(distance.shape, draws)
    new = np.zeros_like(mask.values)
    _put(new, _deepest(distance, how.volume), first - REGROWN)
    return Mask(values=new, grid=mask.grid)


def _deepest(distance: DoubleArray, change: float) -> BoolArray:
    """Return the voxels inside a border, of a volume changed by a share; at least one."""
    from scipy.ndimage import gaussian_filter

    count = max(1, round((1 + change) * int((distance > 0).sum())))
    if change:
        distance = gaussian_filter(distance, TIED_VOXELS)
    deepest = np.argsort(-distance, axis=None, kind="stable")[:count]
    kept = np.zeros(distance.size, dtype=bool)
    kept[deepest] = True
    return kept.reshape(distance.shape)


def _put(array: BoolArray, part: BoolArray, first: IntArray) -> None:
    """Write a part into an array at ``first``, without what lies outside."""
    start, stop = np.maximum(first, 0), np.minimum(first + part.shape, array.shape)
    place = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    array[place] = part[
        tuple(slice(a, b) for a, b in zip(start - first, stop - first, strict=True))
    ]


def _smooth(shape: tuple[int, ...], draws: np.random.Generator) -> DoubleArray:
    """Gaussian field of SD 1, smooth over some voxels."""
    from scipy.ndimage import gaussian_filter

    reach = int(np.ceil(4 * SMOOTH_VOXELS))
    white = draws.standard_normal([n + 2 * reach for n in shape])
    smooth = gaussian_filter(white, SMOOTH_VOXELS, mode="constant")
    inner = smooth[tuple(slice(reach, -reach) for _ in shape)]
    # of white noise: each axis multiplies the SD by that of the kernel, 1 / sqrt(2 s sqrt(pi))
    return np.asarray(inner * (2 * SMOOTH_VOXELS * np.sqrt(np.pi)) ** (len(shape) / 2))


def _noisy(
    values: FloatArray, modality: str, sigma: float, draws: np.random.Generator
) -> FloatArray:
    name = "rician" if modality == "MR" and values.min() >= 0 else "gaussian"
    model = NOISES[name]
    noise = [draws.standard_normal(values.shape, np.float32) for _ in range(model.draws)]
    return np.asarray(model.apply(values, noise, np.float32(sigma)), np.float32)


def _some(values: FloatArray) -> FloatArray:
    """Return the middle of a large image along its last axis."""
    kept = max(2, values.shape[-1] * NOISE_VOXELS // max(values.size, 1))
    start = max(0, (values.shape[-1] - kept) // 2)
    return values[..., start : start + kept]


def _middle(acquisition: Acquisition, mask: Mask | None) -> DoubleArray:
    """Return the place (d,) in mm about which a patient turns."""
    grid = acquisition.grid if mask is None else mask.grid
    middle = (np.array(acquisition.values.shape[1:]) - 1) / 2
    if mask is not None:
        middle = np.argwhere(mask.values).mean(0)
    return np.asarray(_place(grid, middle[None])[0])


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


def _place(grid: Grid, index: npt.NDArray[np.generic]) -> DoubleArray:
    """Return the places (n, d) in mm of indices (n, d)."""
    d = len(grid.spacing)
    to_place = np.reshape(grid.direction, (d, d)) * np.array(grid.spacing)
    place: DoubleArray = np.asarray(index, np.float64) @ to_place.T + np.array(grid.origin)
    return place


def _index(grid: Grid, place: DoubleArray) -> DoubleArray:
    d = len(grid.spacing)
    to_place = np.reshape(grid.direction, (d, d)) * np.array(grid.spacing)
    return np.asarray((place - np.array(grid.origin)) @ np.linalg.inv(to_place).T)
