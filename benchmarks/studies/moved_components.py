"""Held-out error of components of moved crops, in units of plain PCA (docs/decisions, note 2).

Usage: LATENTOMICS_DATA=... python moved_components.py RUN/plan.yaml [--latent 64]
Splits the hippocampus cohort by the default rule; one line a way of moving copies, without masks.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from latentomics.core import FloatArray
from latentomics.dataset import Deformation, deformed_rows, fit_pca, open_store, shifted_rows
from latentomics.flow.gather import gather, prepare_cases
from latentomics.planning import Request, load_plan

SHIFTS = ((0, 0), (6, 2), (15, 2), (15, 3), (15, 4))
DEFORMATIONS = (
    Deformation(shift=2),
    Deformation(shift=2, rotation_degrees=7.5),
    Deformation(shift=2, rotation_degrees=7.5, scaling=0.05, bending=0.5),
    Deformation(shift=2, rotation_degrees=15, scaling=0.1, bending=1),
)
COPIES = 15  # of each crop, deformed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, help="plan.yaml of a hippocampus run")
    parser.add_argument("--latent", type=int, default=64)
    asked = parser.parse_args()
    plan = load_plan(asked.plan)
    manifest = Path(os.environ["LATENTOMICS_DATA"]) / "manifests" / "hippocampus.csv"
    found = gather(Request(seed=plan.seed).of(manifest), shares=plan.split.value)
    prepared = prepare_cases(found.cases, plan)
    crops = {
        part: open_store(prepared, [c.id for c in found.cases if found.split[c.id] == part])
        for part in ("train", "test")
    }
    train, test = (store.whole(range(len(store))) for store in crops.values())
    rows = test.reshape(len(test), -1)
    plain = None

    def tell(name: str, moved: FloatArray) -> None:
        nonlocal plain
        pca = fit_pca(moved, asked.latent, plan.seed)
        error = float(((rows - pca.decode(pca.encode(rows))) ** 2).mean())
        plain = plain or error
        print(f"{error / plain:.3f}  {name}", flush=True)

    for copies, reach in SHIFTS:
        name = f"{copies} copies, shifts of up to {reach} whole voxels"
        tell(name, shifted_rows(train, reach, copies, plan.seed))
    for how in DEFORMATIONS:
        moved = deformed_rows(train, how, plan.spacing.value, COPIES, plan.seed)
        tell(f"{COPIES} copies, {how}", moved)


if __name__ == "__main__":
    main()
