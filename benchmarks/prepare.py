"""Preparing NIfTI cases: the same steps by ours, MONAI and TorchIO, with the same workers.

In: who, a task and a number of workers. Out: one JSON line with seconds for all cases, and how far
a rival's first volumes lie from ours. Steps: read image and mask, turn
to RAS+, resample to 1 mm (linear; masks nearest or cut at one half), normalise, crop or pad. All
three run in the same pool of processes; start-up of Python and imports are not counted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
from cases import HU, PERCENTILES, Task, cases_of, pipeline_of, task_of
from compare import worst

from latentomics.core import Case, map_cases
from latentomics.preprocess import prepare
from latentomics.sources import read_case

COMPARED = 4  # cases whose values are compared


def by_ours(task: Task, case: Case) -> np.ndarray:
    """Prepare a case by latentomics."""
    acquisition, mask = read_case(case)
    (sample,) = prepare(pipeline_of(task), acquisition, mask, case.id)
    return sample.values[0]


def by_monai(task: Task, case: Case) -> np.ndarray:
    """Prepare a case by MONAI's dictionary transforms."""
    files = {"image": str(case.image[0].path), "mask": str(case.mask.path)}
    return np.asarray(_monai(task)(files)["image"][0])


@lru_cache
def _monai(task: Task) -> Callable[[dict], dict]:
    from monai import transforms

    both = ["image", "mask"]
    steps = [
        transforms.LoadImaged(both, image_only=True, dtype=np.float32),
        transforms.EnsureChannelFirstd(both),
        transforms.Orientationd(both, axcodes="RAS"),
        # edges of the volume stay where they are, as in the other two
        transforms.Spacingd(
            both, (1.0, 1.0, 1.0), mode=("bilinear", "nearest"), dtype=np.float32, scale_extent=True
        ),
    ]
    if task.name == "roi":
        steps += [
            partial(_monai_crop, task.size),
            transforms.ScaleIntensityRanged("image", *HU, -1.0, 1.0, clip=True),
        ]
    else:
        steps += [
            transforms.ScaleIntensityRangePercentilesd("image", *PERCENTILES, 0.0, 1.0, clip=True),
            transforms.ResizeWithPadOrCropd(both, task.size, mode="edge"),
        ]
    return transforms.Compose(steps)


def _monai_crop(size: tuple[int, int, int], data: dict) -> dict:
    from monai.transforms import SpatialCrop
    from monai.transforms.utils import generate_spatial_bounding_box

    first, last = generate_spatial_bounding_box(data["mask"])
    crop = SpatialCrop(roi_center=(np.array(first) + last) // 2, roi_size=size)
    return {name: crop(values) for name, values in data.items()}


def by_torchio(task: Task, case: Case) -> np.ndarray:
    """Prepare a case by TorchIO's transforms."""
    import torchio

    subject = torchio.Subject(
        image=torchio.ScalarImage(case.image[0].path), mask=torchio.LabelMap(case.mask.path)
    )
    return np.asarray(_torchio(task)(subject).image.data[0])


@lru_cache
def _torchio(task: Task) -> Callable:
    import torchio

    steps = [torchio.ToCanonical(), torchio.Resample(1.0)]
    if task.name == "roi":
        steps += [
            torchio.CropOrPad(task.size, mask_name="mask"),
            torchio.Clamp(*HU),
            torchio.RescaleIntensity((-1.0, 1.0), in_min_max=HU),
        ]
    else:
        steps += [
            torchio.RescaleIntensity((0.0, 1.0), percentiles=PERCENTILES),
            torchio.CropOrPad(task.size, padding_mode="edge"),
        ]
    return torchio.Compose(steps)


BY = {"ours": by_ours, "monai": by_monai, "torchio": by_torchio}


def _timed(who: str, task: Task, case: Case) -> float:
    return float(BY[who](task, case).sum())  # the array itself stays where it was made


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # workers are the parallelism, for everyone


def measure(who: str, task: Task, cases: list[Case], workers: int) -> float:
    """Return the seconds that all cases take."""
    if who != "ours":
        _one_thread()
    BY[who](task, cases[0])  # imports, and transforms built once
    begin = time.perf_counter()
    for outcome in map_cases(partial(_timed, who, task), cases, workers=workers):
        if outcome.error is not None:
            raise outcome.error
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=sorted(BY), required=True)
    parser.add_argument("--task", choices=("pose", "roi"), required=True)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    task = task_of(given.task, smoke=given.smoke)
    cases = cases_of(task, 4 if given.smoke else given.cases, smoke=given.smoke)
    seconds = measure(given.who, task, cases, given.workers)
    record = {"seconds": seconds, "cases": len(cases)}
    if given.who != "ours":
        some = cases[:COMPARED]
        record["apart"] = worst((by_ours(task, case), BY[given.who](task, case)) for case in some)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
