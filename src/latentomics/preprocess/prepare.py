"""From what was measured to what a network sees, and back.

In: an ``Acquisition`` and its ``Mask`` on grids in any orientation. Out: ``Sample``s, values
(C, *size) float32 of about one, mask (*size) bool, and the frame that leads back. Reorienting,
resampling and cropping are one step: each sample's voxels are computed where they lie in the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latentomics.core import (
    Acquisition,
    BoolArray,
    CaseError,
    FloatArray,
    Frame,
    GeometryError,
    Grid,
    Mask,
    RequestError,
    Sample,
)
from latentomics.preprocess.lattice import Box, axes_of, box_of, occupied
from latentomics.preprocess.normalise import NORMALISATIONS, Scaling
from latentomics.preprocess.pipeline import Pipeline
from latentomics.preprocess.resample import affine_between, inside, resample
from latentomics.preprocess.views import VIEWS, Scene, Window, scene_of

HALF = 0.5  # where a resampled mask is cut; also the least share of it inside the image


def prepare(
    pipeline: Pipeline,
    acquisition: Acquisition,
    mask: Mask | None,
    case_id: str,
    *,
    grey: Sequence[tuple[float, float]] | None = None,
) -> tuple[Sample, ...]:
    """Return the samples of one case: one for crops, several for slices and patches.

    Parameters
    ----------
    pipeline : Pipeline
        What to do.
    acquisition, mask
        As read; the mask may lie on another grid, they meet in physical space.
    case_id : str
        For the samples and for errors.
    grey : sequence of (offset, scale), optional
        One a channel, in place of those that the normalisation would measure; nothing is cut.

    Raises
    ------
    CaseError
        When the image has no contrast, or the mask is empty or missing where it is needed.
    GeometryError
        When mask and image do not overlap in space.
    RequestError
        When the image's dimension is not the pipeline's.
    """
    where = f"case {case_id}"
    flat = _flat_axis(pipeline, acquisition, where)
    box = None
    if mask is not None:
        mask = _onto_space(mask, acquisition, where)
        box = _mask_box(mask, acquisition, where)
    native = np.array(acquisition.grid.spacing)[axes_of(acquisition.grid)]
    scene = scene_of(pipeline, acquisition, mask, box, flat, native, where)
    scalings = _scalings(pipeline, acquisition, grey, where)
    return tuple(
        _sample(scene, window, scalings, case_id) for window in VIEWS[pipeline.view](scene)
    )


def to_source(values: FloatArray, frame: Frame, fill: float = 0.0) -> FloatArray:
    """Return values (C, *size) of a sample on the acquisition's own grid, (C, *source_size).

    Units stay as they are (see ``to_units``); outside the sample ``fill``.
    """
    values = values.reshape(len(values), *frame.size)
    out = resample(values, frame.target, frame.source, frame.source_size, smooth=False)
    out[:, ~inside(frame.size, frame.target, frame.source, frame.source_size)] = fill
    return out


def to_units(values: FloatArray, frame: Frame) -> FloatArray:
    """Return normalised values (C, ...) in the acquisition's unit."""
    shape = (-1, *([1] * (values.ndim - 1)))
    scale = np.array(frame.scale, np.float32).reshape(shape)
    offset = np.array(frame.offset, np.float32).reshape(shape)
    raw: FloatArray = values * scale + offset
    return raw


def _sample(scene: Scene, window: Window, scalings: list[Scaling], case_id: str) -> Sample:
    (grid, size), source = window, scene.acquisition
    raw = resample(source.values, source.grid, grid, size, order=scene.pipeline.order)
    values = np.stack([s.apply(channel) for s, channel in zip(scalings, raw, strict=True)])
    if scene.pipeline.padding != "edge":
        outside = ~inside(source.values.shape[1:], source.grid, grid, size)
        for channel in values:
            lowest = channel[~outside].min(initial=channel.max())
            channel[outside] = 0.0 if scene.pipeline.padding == "zero" else lowest
    if not np.isfinite(values).all():
        raise CaseError(
            "the image holds NaN or infinity where it is needed",
            scene.where,
            "repair the file, or leave the case out",
            "not_finite",
        )
    kept = tuple(n for a, n in enumerate(size) if a != scene.flat)
    return Sample(
        values=values.reshape(len(values), *kept),
        mask=_mask_on(scene.mask, grid, size).reshape(kept),
        frame=Frame(
            source=source.grid,
            source_size=source.values.shape[1:],
            target=grid,
            size=size,
            offset=tuple(s.offset for s in scalings),
            scale=tuple(s.scale for s in scalings),
            unit=source.unit,
        ),
        case=case_id,
    )


def _mask_on(mask: Mask | None, grid: Grid, size: tuple[int, ...]) -> BoolArray:
    if mask is None:
        return np.ones(size, bool)
    share = resample(mask.values[None], mask.grid, grid, size)[0]
    share[~inside(mask.values.shape, mask.grid, grid, size)] = 0.0
    # a mask too small for the grid keeps the voxels that hold most of it
    return np.asarray(share >= min(HALF, max(share.max(), np.finfo(np.float32).tiny)))


def _scalings(
    pipeline: Pipeline,
    acquisition: Acquisition,
    grey: Sequence[tuple[float, float]] | None,
    where: str,
) -> list[Scaling]:
    if grey is not None:
        return [Scaling(offset=offset, scale=scale) for offset, scale in grey]
    own = (pipeline.normalisation, pipeline.window)
    rest = len(acquisition.values) - 1 - len(pipeline.further)
    scales = (own, *pipeline.further, *[own] * rest)
    return [
        NORMALISATIONS[name](channel, window, where)
        for channel, (name, window) in zip(acquisition.values, scales, strict=True)
    ]


def _flat_axis(pipeline: Pipeline, acquisition: Acquisition, where: str) -> int | None:
    # for 2-D samples of a volume: the RAS+ axis across the planes
    shape = acquisition.values.shape[1:]
    if len(shape) == pipeline.dimension:
        return None
    axes = axes_of(acquisition.grid)  # of the file, for each RAS+ axis
    if len(shape) == 3 and pipeline.dimension == 2:
        single = [r for r in range(3) if shape[axes[r]] == 1]
        if single:
            return single[-1]
        if pipeline.view == "slices":
            spacing = np.array(acquisition.grid.spacing)[axes]
            return 2 if spacing[2] >= spacing.max() * 0.99 else int(spacing.argmax())
    raise RequestError(
        f"the image has {len(shape)} dimensions, the plan {pipeline.dimension}",
        where,
        "plan for this cohort, or take view slices for 2-D samples of volumes",
    )


def _onto_space(mask: Mask, acquisition: Acquisition, where: str) -> Mask:
    # without a physical size on either side only the arrays can be compared
    if "px" not in (mask.grid.unit, acquisition.grid.unit):
        return mask
    shape = acquisition.values.shape[1:]
    if mask.values.shape != shape:
        raise GeometryError(
            f"mask {mask.values.shape} and image {shape} differ in size and have no geometry",
            where,
            "give both with spacing and origin, or a mask of the image's size",
        )
    return replace(mask, grid=acquisition.grid)


def _mask_box(mask: Mask, acquisition: Acquisition, where: str) -> Box:
    found = occupied(mask.values)
    if found is None:
        raise CaseError("the mask is empty", where, "draw it, or leave the case out", "mask_empty")
    share = _share_inside(mask, acquisition, *found)
    if share < HALF:
        amount = "nothing" if share == 0 else f"only {100 * share:.0f} %"
        raise GeometryError(
            f"{amount} of the mask lies inside the image",
            f"{where}: mask on {mask.grid}, image on {acquisition.grid}",
            "check that mask and image are of the same scan, and their affines",
            "mask_outside",
        )
    return box_of(mask.grid, found[0].astype(float), found[1].astype(float))


def _share_inside(
    mask: Mask, acquisition: Acquisition, first: np.ndarray, last: np.ndarray
) -> float:
    shape = np.array(acquisition.values.shape[1:])
    if mask.grid == acquisition.grid and np.array_equal(mask.values.shape, shape):
        return 1.0
    part = mask.values[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    index = np.argwhere(part)
    index = index[:: -(-len(index) // 20_000)] + first
    affine = affine_between(mask.grid, acquisition.grid)
    there = index @ affine.matrix.T + affine.offset
    return float(((there >= -HALF) & (there <= shape - HALF)).all(1).mean())
