"""A case as it might have been measured on another day.

In: an ``Acquisition``, its ``Mask`` and a ``Perturbation`` in physical units. Out: the same on the
same grids, with the patient turned and moved, the noise of another acquisition, the contour drawn
again, the region a little larger or smaller and the scanner's gain off. Values are computed anew
only near the samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentomics.core import Acquisition, BoolArray, DoubleArray, FloatArray, IntArray, Mask
from latentomics.features.perturbation import Perturbation
from latentomics.features.regional import signed_distance
from latentomics.features.reposition import Box, middle_of, place_of, repositioned
from latentomics.noise import NOISES, sigma_mad

AIR_HU = -1000.0
SMOOTH_VOXELS = 2.0  # over which a border's displacement keeps its sign
NOISE_VOXELS = 2**20  # from which the noise of a large image is estimated
REGROWN = 6  # voxels around a mask where a border may come to lie
TIED_VOXELS = 0.5  # smoothing that orders voxels at one distance: hollows fill first


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
    middle = middle_of(acquisition, mask)
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
        (origin,) = place_of(mask.grid, (first - REGROWN)[None])
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
