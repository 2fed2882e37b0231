"""The NIfTI cases that are prepared: small volumes in one pose, and lesions in large volumes.

In: a task and a folder. Out: ``Case``s. Synthetic cases are stored with axes to the left and back,
so that reorienting has work to do, and their edges lie on whole millimetres: every tool's rule for
where a resampled grid begins then gives the same grid, and values can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from places import WORK, manifest
from scipy.ndimage import gaussian_filter

from latentomics.core import Case, FileRef
from latentomics.preprocess import Pipeline
from latentomics.sources import read_cohort

HU = (-1000.0, 400.0)
PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is prepared: source volumes and the samples that come of them."""

    name: str
    source_size: tuple[int, int, int]
    source_spacing: tuple[float, float, float]
    size: tuple[int, int, int]  # of a sample, at 1 mm
    files: int  # synthetic ones; cases beyond that read them again
    cohort: str | None  # of real images, used where it is there


POSE = Task(
    name="pose",
    source_size=(35, 51, 35),
    source_spacing=(1.0, 1.0, 1.0),
    size=(40, 56, 40),
    files=200,
    cohort="hippocampus",
)
ROI = Task(
    name="roi",
    source_size=(160, 160, 64),
    source_spacing=(1.25, 1.25, 2.5),
    size=(48, 48, 48),
    files=40,
    cohort=None,  # the cohorts of lesions at hand are small crops already
)
SMOKE = {
    "pose": Task(
        name="pose",
        source_size=(9, 10, 9),
        source_spacing=(1.0, 1.0, 1.0),
        size=(12, 12, 12),
        files=4,
        cohort=None,
    ),
    "roi": Task(
        name="roi",
        source_size=(32, 32, 16),
        source_spacing=(1.25, 1.25, 2.5),
        size=(16, 16, 16),
        files=4,
        cohort=None,
    ),
}
TASKS = {"pose": POSE, "roi": ROI}


def task_of(name: str, *, smoke: bool) -> Task:
    """Return a task, or its tiny twin."""
    return (SMOKE if smoke else TASKS)[name]


def pipeline_of(task: Task) -> Pipeline:
    """Return our settings of a task."""
    ct = task.name == "roi"
    return Pipeline(
        dimension=3,
        view="fixed" if ct else "pose",
        spacing_mm=(1.0, 1.0, 1.0),
        size=task.size,
        normalisation="hu-window" if ct else "percentile",
        window=HU if ct else PERCENTILES,
    )


def cases_of(task: Task, count: int, *, smoke: bool) -> list[Case]:
    """Return ``count`` cases: real ones where there are some, else made once and kept."""
    real = None if smoke or task.cohort is None else manifest(task.cohort)
    if real is not None:
        found = list(read_cohort(real).cases)
    else:
        folder = WORK / "cases" / f"{task.name}{'-smoke' if smoke else ''}"
        found = [_case(folder, task, number) for number in range(min(count, task.files))]
    return [found[number % len(found)] for number in range(count)]


def _case(folder: Path, task: Task, number: int) -> Case:
    image, mask = (folder / f"{number:03d}-{part}.nii.gz" for part in ("image", "mask"))
    if not mask.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng(number)
        values, region = _volume(task, draw)
        _write(image, values, task)
        _write(mask, region.astype(np.uint8), task)
    return Case(
        id=f"{task.name}-{number:03d}",
        patient=str(number),
        image=(FileRef(path=image),),
        mask=FileRef(path=mask),
        modality="CT" if task.name == "roi" else "MR",
    )


def _volume(task: Task, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size = np.array(task.source_size)
    texture = gaussian_filter(draw.standard_normal(size).astype(np.float32), 1.5)
    texture /= texture.std()
    region = _ellipsoid(task, draw)
    if task.name == "roi":  # lung and a lesion, HU
        return np.round(np.where(region, 30.0, -800.0) + 60 * texture).astype(np.int16), region
    return (500 + 120 * texture + 80 * region).astype(np.float32), region


def _ellipsoid(task: Task, draw: np.random.Generator) -> np.ndarray:
    """Return an ellipsoid whose box begins and ends on whole, even millimetres."""
    size, spacing = np.array(task.source_size), np.array(task.source_spacing)
    step = np.round(10.0 / spacing).astype(int) if task.name == "roi" else np.full(3, 2)
    step = np.minimum(step, size // 4 // 2 * 2)
    first = step * draw.integers(size // step // 3, size // step // 2, endpoint=True)
    middle, radius = first + step / 2, step / 2
    index = np.stack(np.indices(task.source_size), -1) + 0.5
    return (((index - middle) / radius) ** 2).sum(-1) <= 1.7  # its box is ``step`` voxels long


def _write(path: Path, values: np.ndarray, task: Task) -> None:
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing(task.source_spacing)  # identity direction: axes to the left and back
    part = path.with_name(f".{path.name}")
    SimpleITK.WriteImage(image, str(part), useCompression=True)
    part.replace(path)
