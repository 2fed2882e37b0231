"""What can be said of a case by reading it once.

In: a `Case`. Out: `CaseFacts`, plain numbers and words: lengths in mm (or pixels where the file has
no physical size), intensities in each channel's unit. The same file gives the same facts,
whatever else is measured and in which process.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from latentomics.core import Acquisition, BoolArray, Case, FloatArray, Grid, IntArray
from latentomics.noise import sigma_mad
from latentomics.sources.formats import is_axis_aligned
from latentomics.sources.masks import Region, bounding_box, to_index, to_physical
from latentomics.sources.reading import read_parts

SAMPLED = 2**20  # voxels from which percentiles and noise of a large image are taken
ROUNDING = 0.01  # of a voxel: affines are stored in single precision


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """A further channel of a case in figures, in its own unit."""

    modality: str
    value_unit: str
    minimum: float
    p01: float
    p99: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """One case in figures. Axes as stored; ``mask_*`` are 0 or None where there is no mask."""

    case: str
    patient: str
    file: str
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    unit: str  # of the spacing: mm or px
    oblique: bool
    modality: str
    value_unit: str
    channels: int
    minimum: float
    p01: float
    p50: float
    p99: float
    maximum: float
    mean: float
    sd: float
    sigma: float  # noise, median absolute deviation of the finest Haar diagonal
    mask_rule: str | None  # which label or threshold is the region
    mask_voxels: int
    mask_mm3: float  # square pixels in 2-D
    mask_extent_mm: tuple[float, ...] | None  # bounding box along the image's axes
    mask_box: tuple[tuple[int, ...], tuple[int, ...]] | None  # start and stop in image voxels
    mask_hash: str | None
    voxel_hash: str  # sha256 of the values as float32 and of their shape
    further: tuple[ChannelFacts, ...] = ()  # the channels after the first


class _MaskFacts(TypedDict):
    mask_rule: str | None
    mask_voxels: int
    mask_mm3: float
    mask_extent_mm: tuple[float, ...] | None
    mask_box: tuple[tuple[int, ...], tuple[int, ...]] | None
    mask_hash: str | None


_NO_MASK = _MaskFacts(
    mask_rule=None,
    mask_voxels=0,
    mask_mm3=0.0,
    mask_extent_mm=None,
    mask_box=None,
    mask_hash=None,
)


def measure_case(case: Case) -> CaseFacts:
    """Read a case and measure it.

    Raises
    ------
    CaseError
        What `read_case` finds.
    """
    acquisition, region = read_parts(case)
    first = acquisition.values[0]
    p01, p50, p99 = _quantiles(first, 0.01, 0.5, 0.99)
    grid = acquisition.grid
    return CaseFacts(
        case=case.id,
        patient=case.patient,
        file=str(case.image[0]),
        size=tuple(int(n) for n in first.shape),
        spacing=grid.spacing,
        unit=grid.unit,
        oblique=not is_axis_aligned(grid),
        modality=acquisition.modality,
        value_unit=acquisition.unit,
        channels=len(acquisition.values),
        minimum=float(first.min()),
        p01=p01,
        p50=p50,
        p99=p99,
        maximum=float(first.max()),
        mean=float(first.mean(dtype=np.float64)),
        sd=float(first.std(dtype=np.float64)),
        sigma=sigma_mad(_middle(first)),
        voxel_hash=voxel_hash(acquisition.values),
        further=tuple(
            _channel_facts(values, *names)
            for values, names in zip(acquisition.values[1:], acquisition.channels[1:], strict=True)
        ),
        **_mask_facts(acquisition, region),
    )


def _channel_facts(values: FloatArray, modality: str, unit: str) -> ChannelFacts:
    p01, p99 = _quantiles(values, 0.01, 0.99)
    return ChannelFacts(
        modality=modality,
        value_unit=unit,
        minimum=float(values.min()),
        p01=p01,
        p99=p99,
        maximum=float(values.max()),
    )


def _quantiles(values: FloatArray, *shares: float) -> tuple[float, ...]:
    sample = np.sort(_thinned(values), axis=None)
    return tuple(float(sample[round(share * (sample.size - 1))]) for share in shares)


def voxel_hash(values: FloatArray) -> str:
    """Return a hash of values (C, *spatial) that does not depend on how they lie in memory."""
    digest = hashlib.sha256(repr(values.shape).encode())
    for channel in values:
        # First axis fastest, the order of most files: a volume is hashed where it lies.
        digest.update(np.ascontiguousarray((channel + np.float32(0)).T).data)
    return digest.hexdigest()


def _mask_facts(acquisition: Acquisition, region: Region | None) -> _MaskFacts:
    if region is None:
        return _NO_MASK
    inside, grid = region.mask.values, region.mask.grid
    voxels = int(np.count_nonzero(inside))
    box = _box(acquisition, inside, grid)  # (d, 2)
    extent = (box[:, 1] - box[:, 0]) * np.array(acquisition.grid.spacing)
    return {
        "mask_rule": region.rule,
        "mask_voxels": voxels,
        "mask_mm3": voxels * float(np.prod(grid.spacing)),
        "mask_extent_mm": tuple(float(e) for e in extent),
        "mask_box": (tuple(box[:, 0].tolist()), tuple(box[:, 1].tolist())),
        "mask_hash": voxel_hash(inside[None].astype(np.float32)),
    }


def _box(acquisition: Acquisition, inside: BoolArray, grid: Grid) -> IntArray:
    """Bounding box of a mask in voxels of the image, start and stop; shape (d, 2)."""
    box, size = bounding_box(inside), np.array(acquisition.values.shape[1:])
    if grid == acquisition.grid and inside.shape == acquisition.values.shape[1:]:
        return box
    corners = np.array(list(itertools.product(*(box - 0.5))))  # edges of voxels, not centres
    at = to_index(acquisition.grid, to_physical(grid, corners)) + 0.5
    start = np.floor(at.min(axis=0) + ROUNDING).clip(0, size - 1)
    stop = np.ceil(at.max(axis=0) - ROUNDING).clip(start + 1, size)
    return np.stack([start, stop], axis=1).astype(np.int64)


def _thinned(values: FloatArray) -> FloatArray:
    """Return every k-th voxel of a large image, k odd lest it follows the rows."""
    flat = values.ravel(order="K")
    return flat[:: (flat.size // SAMPLED) | 1]


def _middle(values: FloatArray) -> FloatArray:
    """Return the middle of a large image along its last axis: noise needs neighbours."""
    length = values.shape[-1]
    kept = max(2, length * SAMPLED // max(values.size, 1))
    start = max(0, (length - kept) // 2)
    return values[..., start : start + kept]
