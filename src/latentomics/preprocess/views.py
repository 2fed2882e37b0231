"""What part of an image becomes a sample: one function a view.

In: a ``Scene`` (the image's lattice, the mask and its box). Out: the target grids, each with its
size; the values are computed afterwards, for these voxels only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latentomics.core import Acquisition, BoolArray, CaseError, DoubleArray, Grid, Mask, Registry
from latentomics.preprocess.lattice import Box, Lattice, lattice_of, upright
from latentomics.preprocess.pipeline import Pipeline
from latentomics.preprocess.resample import resample

MULTIPLE = 4  # crops of view local are multiples of the stem's patch
COVERED = 0.5  # share of a patch that must be mask or foreground
PLANE_COVERED = 0.1  # share of a plane that must be foreground

Window = tuple[Grid, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Where an image and its mask lie, at the wanted spacing and size, in the image's dimension."""

    pipeline: Pipeline
    acquisition: Acquisition
    mask: Mask | None
    box: Box | None  # of the mask
    lattice: Lattice
    size: tuple[int, ...]
    flat: int | None  # the RAS+ axis across planes, for 2-D samples of a volume
    where: str


ViewFunction = Callable[[Scene], list[Window]]
VIEWS: Registry[ViewFunction] = Registry("view")


@VIEWS.register("local")
def local(scene: Scene) -> list[Window]:
    """Return the mask and a margin in mm, in multiples of four voxels."""
    box, margin = _box(scene), scene.pipeline.margin
    first, last = scene.lattice.covering(Box(low=box.low - margin, high=box.high + margin))
    wanted = np.maximum(last - first + 1, scene.size)
    size = -(-wanted // MULTIPLE) * MULTIPLE
    first = first - (size - (last - first + 1)) // 2
    return [(scene.lattice.window(first), tuple(int(n) for n in size))]


@VIEWS.register("scaled")
def scaled(scene: Scene) -> list[Window]:
    """Return a cube of ``margin`` times the mask's largest extent, at a spacing of its own."""
    box, size = _box(scene), np.array(scene.size)
    spacing = float(box.extent.max()) * scene.pipeline.margin / size
    origin = box.centre - (size - 1) / 2 * spacing
    return [(upright(spacing, origin, scene.lattice.unit), scene.size)]


@VIEWS.register("fixed")
def fixed(scene: Scene) -> list[Window]:
    """Return one physical size around the middle of the mask."""
    return [(scene.lattice.around(_box(scene).centre, scene.size), scene.size)]


@VIEWS.register("pose")
def pose(scene: Scene) -> list[Window]:
    """Return the image's middle, padded or cut to the size."""
    return [(scene.lattice.around(_centre(scene.lattice), scene.size), scene.size)]


@VIEWS.register("whole")
def whole(scene: Scene) -> list[Window]:
    """Return the whole image; pictures without a physical size are scaled until they fit."""
    if scene.lattice.unit != "px":
        return pose(scene)
    lattice, size = scene.lattice, np.array(scene.size)
    spacing = lattice.spacing * float((lattice.size / size).max())
    origin = _centre(lattice) - (size - 1) / 2 * spacing
    return [(upright(spacing, origin, lattice.unit), scene.size)]


@VIEWS.register("slices")
def slices(scene: Scene) -> list[Window]:
    """Return planes as acquired through the mask, else through the foreground, evenly chosen."""
    flat, lattice = scene.flat, scene.lattice
    if flat is None:
        return pose(scene) if scene.box is None else fixed(scene)
    region = _region(scene, lattice)
    others = tuple(a for a in range(region.ndim) if a != flat)
    share = region.mean(axis=others)
    planes = np.flatnonzero(share > (0 if scene.mask is not None else PLANE_COVERED))
    if not len(planes):
        raise _nothing(scene)
    middle = _centre(lattice) if scene.box is None else scene.box.centre
    windows = []
    for plane in _even(planes, scene.pipeline.samples):
        centre = middle.copy()
        centre[flat] = lattice.origin[flat] + plane * lattice.spacing[flat]
        windows.append((lattice.around(centre, scene.size), scene.size))
    return windows


@VIEWS.register("patches")
def patches(scene: Scene) -> list[Window]:
    """Return patches on a regular grid that lie in the mask or the foreground, evenly chosen."""
    lattice, size = scene.lattice, np.array(scene.size)
    counts = np.maximum(lattice.size // size, 1)
    first = (lattice.size - counts * size) // 2
    region = _region(scene, lattice)
    cells = np.indices(tuple(counts)).reshape(len(counts), -1).T * size + first
    share = np.array([_share(region, cell, size) for cell in cells])
    keep = np.flatnonzero(share >= COVERED)
    if not len(keep):  # a small region: the patch that holds most of it
        if share.max() == 0:
            raise _nothing(scene)
        keep = np.array([share.argmax()])
    chosen = cells[_even(keep, scene.pipeline.samples)]
    return [(lattice.window(cell.astype(np.int64)), scene.size) for cell in chosen]


def _box(scene: Scene) -> Box:
    if scene.box is None:
        raise CaseError(
            f"view {scene.pipeline.view} needs a mask",
            scene.where,
            "give a mask, or choose view whole or patches",
            "mask_missing",
        )
    return scene.box


def _centre(lattice: Lattice) -> DoubleArray:
    return lattice.origin + (lattice.size - 1) / 2 * lattice.spacing


def _region(scene: Scene, lattice: Lattice) -> BoolArray:
    # mask, or what is brighter than 5 % of the image's range, on the whole lattice
    grid, size = lattice.window(np.zeros(len(lattice.size), np.int64)), tuple(lattice.size)
    if scene.mask is not None:
        inside: BoolArray = resample(scene.mask.values[None], scene.mask.grid, grid, size)[0] >= 0.5
        return inside
    values = resample(scene.acquisition.values[:1], scene.acquisition.grid, grid, size)[0]
    low, high = np.percentile(values, (1, 99))
    bright: BoolArray = values > low + 0.05 * (high - low)
    return bright


def _share(region: BoolArray, cell: DoubleArray, size: DoubleArray) -> float:
    part = region[tuple(slice(max(int(a), 0), int(a + n)) for a, n in zip(cell, size, strict=True))]
    return float(part.sum()) / float(np.prod(size))


def _even(found: np.ndarray[tuple[int], np.dtype[np.int64]], most: int) -> list[int]:
    picks = np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int)
    return [int(found[i]) for i in picks]


def _nothing(scene: Scene) -> CaseError:
    return CaseError(
        "neither mask nor foreground was found in the image",
        scene.where,
        "check the mask, or leave the case out",
        "mask_empty",
    )


def scene_of(
    pipeline: Pipeline,
    acquisition: Acquisition,
    mask: Mask | None,
    box: Box | None,
    flat: int | None,
    native: DoubleArray,
    where: str,
) -> Scene:
    """Return the scene of an image; ``native`` (d,) is its spacing along the RAS+ axes."""
    spacing, size = list(pipeline.spacing_mm), list(pipeline.size)
    if flat is not None:
        spacing.insert(flat, float(native[flat]))
        size.insert(flat, 1)
    shape = acquisition.values.shape[1:]
    return Scene(
        pipeline=pipeline,
        acquisition=acquisition,
        mask=mask,
        box=box,
        lattice=lattice_of(acquisition.grid, shape, spacing),
        size=tuple(size),
        flat=flat,
        where=where,
    )
