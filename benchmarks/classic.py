"""Classic features of one region in memory: ours and PyRadiomics', on one core.

In: who, and about how many voxels the mask holds. Out: one JSON line with seconds a case. Both
measure the families that both have, first-order, shape, co-occurrence and run length, of the same
ball of smooth texture, bins of 25 HU, on its own grid, averaged over directions. Ours measures its
histogram family besides.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

SPACING = (1.0, 1.0, 1.0)
LEAST_SECONDS = 3.0  # of measuring, after one case that is not counted
CLASSES = ("firstorder", "shape", "glcm", "glrlm")


def lesion(voxels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return intensities (HU) and a ball of about so many voxels, with a bumpy surface."""
    draw = np.random.default_rng(voxels)
    radius = (3 * voxels / (4 * np.pi)) ** (1 / 3)
    edge = int(2 * radius * 1.25) + 4
    texture = gaussian_filter(draw.standard_normal((edge,) * 3), 1.0)
    bumps = gaussian_filter(draw.standard_normal((edge,) * 3), 3.0)
    place = np.indices((edge,) * 3) - (edge - 1) / 2
    mask = np.sqrt((place**2).sum(axis=0)) < radius * (1 + 0.1 * bumps / bumps.std())
    values = np.where(mask, 0.0, -700.0) + 150 * texture / texture.std()
    return np.round(values).astype(np.int16), mask


def by_ours(values: np.ndarray, mask: np.ndarray) -> Callable[[], object]:
    """Return what measures the case by latentomics."""
    from latentomics.core import Acquisition, Grid, Mask
    from latentomics.features.classic import measure_region, region_of
    from latentomics.planning import Classic

    grid = Grid(spacing=SPACING, origin=(0.0,) * 3, direction=tuple(np.eye(3).ravel().tolist()))
    acquisition = Acquisition(
        values=values[None].astype(np.float32), grid=grid, modality="CT", unit="HU"
    )
    drawn = Mask(values=mask, grid=grid)
    settings = Classic(lower=-2000.0, bin_width=25.0, aggregation="3d-averaged")
    return lambda: measure_region(region_of(acquisition, drawn, settings, "a lesion"))


def by_pyradiomics(values: np.ndarray, mask: np.ndarray) -> Callable[[], object]:
    """Return what measures the case by PyRadiomics."""
    import SimpleITK
    from radiomics import featureextractor

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    extractor = featureextractor.RadiomicsFeatureExtractor(binWidth=25)
    extractor.disableAllFeatures()
    for name in CLASSES:
        extractor.enableFeatureClassByName(name)
    image, drawn = (SimpleITK.GetImageFromArray(a.T) for a in (values, mask.astype(np.uint8)))
    return lambda: extractor.execute(image, drawn)


BY = {"ours": by_ours, "pyradiomics": by_pyradiomics}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=sorted(BY), required=True)
    parser.add_argument("--voxels", type=int, default=8000)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    values, mask = lesion(200 if given.smoke else given.voxels)
    measure = BY[given.who](values, mask)
    measure()  # imports, and tables derived once
    seconds: list[float] = []
    while sum(seconds) < (0.0 if given.smoke else LEAST_SECONDS) or not seconds:
        begin = time.process_time()
        measure()
        seconds.append(time.process_time() - begin)
    print(json.dumps({"seconds": float(np.median(seconds)), "voxels": int(mask.sum())}))


if __name__ == "__main__":
    main()
