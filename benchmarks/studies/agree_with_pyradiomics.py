"""Classic features beside PyRadiomics', feature by feature, on 50 real nodules.

In: ``LATENTOMICS_DATA`` with ``manifests/nodules.csv``. Out: a Markdown table of relative
differences, median and largest over the cases, under three settings: 32 bins, bins of 25 HU, and 25
HU on a grid of 1 mm. Both average over directions, which is all that PyRadiomics does.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np
import SimpleITK

sys.path.insert(0, str(Path(__file__).parents[1]))
from places import manifest

from latentomics.core import Case
from latentomics.features.classic import classic_features, measure_region, region_of
from latentomics.planning import Classic
from latentomics.sources import read_case, read_cohort

CLASSES = ("firstorder", "shape", "glcm", "glrlm")
LOWER = -2000.0  # a multiple of 25 below every intensity: edges lie where PyRadiomics has them
SETTINGS: dict[str, tuple[dict, dict]] = {
    "32 bins": ({"bins": 32}, {"binCount": 32}),
    "25 HU": ({"lower": LOWER, "bin_width": 25.0}, {"binWidth": 25}),
    "25 HU, 1 mm": (
        {"lower": LOWER, "bin_width": 25.0, "spacing": (1.0, 1.0, 1.0)},
        {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkLinear"},
    ),
}


def ours(case: Case, settings: dict) -> dict[str, float]:
    """Return our features under PyRadiomics' names."""
    acquisition, mask = read_case(case)
    if mask is None:
        raise SystemExit(f"{case} has no mask")
    region = region_of(
        acquisition, mask, Classic(**settings, aggregation="3d-averaged"), f"case {case.id}"
    )
    values = measure_region(region)
    named = zip(classic_features(3), values, strict=True)
    found = {feature.pyradiomics: float(v) for feature, v in named if feature.pyradiomics}
    return found | in_their_terms(found, int(region.drawn.sum()))


def in_their_terms(found: dict[str, float], voxels: int) -> dict[str, float]:
    """Return what differs by definition, converted: named as theirs with a remark."""
    population = np.sqrt((voxels - 1) / voxels)  # theirs, for our sample covariance
    axes = {k: f"{k} x sqrt((n - 1) / n)" for k in found if k.endswith("AxisLength")}
    return {
        "firstorder_Kurtosis + 3": found["firstorder_Kurtosis"] + 3,
        **{remark: found[key] * population for key, remark in axes.items()},
    }


def theirs(case: Case, settings: dict) -> dict[str, float]:
    """Return PyRadiomics' features."""
    from radiomics import featureextractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = featureextractor.RadiomicsFeatureExtractor(**settings)
    extractor.disableAllFeatures()
    for name in CLASSES:
        extractor.enableFeatureClassByName(name)
    mask = SimpleITK.ReadImage(str(case.mask.path)) > 0
    found = extractor.execute(SimpleITK.ReadImage(str(case.image[0].path)), mask)
    prefix = "original_"
    return {k.removeprefix(prefix): float(v) for k, v in found.items() if k.startswith(prefix)}


def differences(cases: list[Case], name: str) -> dict[str, np.ndarray]:
    """Return the relative differences (cases,) of every feature that both have."""
    us, them = SETTINGS[name]
    pairs = [(ours(case, us), theirs(case, them)) for case in cases]
    found = {}
    for key in pairs[0][0]:
        name_there = key.split(" ")[0]  # before a remark
        if name_there not in pairs[0][1]:
            continue
        first = np.array([us[key] for us, _ in pairs])
        second = np.array([them[name_there] for _, them in pairs])
        found[key] = np.abs(first - second) / np.maximum(np.abs(second), 1e-12)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50)
    given = parser.parse_args()
    path = manifest("nodules")
    if path is None:
        raise SystemExit("LATENTOMICS_DATA names no folder with manifests/nodules.csv")
    every = read_cohort(path).cases
    cases = list(every[:: max(1, len(every) // given.cases)][: given.cases])
    tables = {name: differences(cases, name) for name in SETTINGS}
    print(f"{len(cases)} nodules; relative difference, median (largest)\n")
    print("| feature | " + " | ".join(SETTINGS) + " |\n|" + " --- |" * (1 + len(SETTINGS)))
    for key in next(iter(tables.values())):
        cells = [f"{np.median(t[key]):.1e} ({t[key].max():.1e})" for t in tables.values()]
        print(f"| {key} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
