"""Components of moved crops and of crops with their mask (docs/decisions, notes 2 and 7).

Usage: LATENTOMICS_DATA=... python moved_components.py RUN/plan.yaml [--latent 64]
Splits the hippocampus cohort by the default rule. One line a way of moving copies, without masks:
the held-out error in units of plain PCA. Then one line a value of the mask inside: that error, of
the image alone, and the R2 of the volume by ridge regression on the components, held out too.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV

from latentomics.core import FloatArray
from latentomics.dataset import Deformation, Pca, deformed_rows, fit_pca, open_store, shifted_rows
from latentomics.flow.gather import gather, prepare_cases
from latentomics.planning import Request, load_plan

SHIFTS = ((0, 0), (6, 2), (15, 2), (15, 3), (15, 4))
DEFORMATIONS = (
    Deformation(shift=2),
    Deformation(shift=2, rotation_degrees=7.5),
    Deformation(shift=2, rotation_degrees=7.5, scaling=0.05, bending=0.5),
    Deformation(shift=2, rotation_degrees=15, scaling=0.1, bending=1),
)
GENTLE = DEFORMATIONS[-1].gentle()  # as the linear path starts: half as far
COPIES = 15  # of each crop, deformed
MASK_VALUES = (0.0, 0.5, 1.0, 2.0)  # inside the mask, in its own channel; outside 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, help="plan.yaml of a hippocampus run")
    parser.add_argument("--latent", type=int, default=64)
    asked = parser.parse_args()
    plan = load_plan(asked.plan)
    manifest = Path(os.environ["LATENTOMICS_DATA"]) / "manifests" / "hippocampus.csv"
    found = gather(Request(seed=plan.seed).of(manifest), shares=plan.split.value)
    prepared = prepare_cases(found.cases, plan)
    parts = ("train", "test")
    cases = {part: [c for c in found.cases if found.split[c.id] == part] for part in parts}
    crops = [open_store(prepared, [case.id for case in cases[part]]) for part in parts]
    train, test = (store.whole(np.arange(len(store))) for store in crops)
    rows = test.reshape(len(test), -1)
    voxels = rows.shape[1]
    plain = None

    def tell(name: str, moved: FloatArray, held_out: FloatArray = rows) -> Pca:
        nonlocal plain
        pca = fit_pca(moved, asked.latent, plan.seed)
        rebuilt = pca.decode(pca.encode(held_out))
        error = float(((held_out - rebuilt)[:, :voxels] ** 2).mean())
        plain = plain or error
        print(f"{error / plain:.3f}  {name}", flush=True)
        return pca

    for copies, reach in SHIFTS:
        name = f"{copies} copies, shifts of up to {reach} whole voxels"
        tell(name, shifted_rows(train, reach, copies, plan.seed))
    for how in DEFORMATIONS:
        moved = deformed_rows(train, how, plan.spacing.value, COPIES, plan.seed)
        tell(f"{COPIES} copies, {how}", moved)
    masks = [np.stack([store.sample(row).mask for row in range(len(store))]) for store in crops]
    volumes = [[float(str(case.targets["volume_mm3"])) for case in cases[part]] for part in parts]
    for value in MASK_VALUES:
        both, held_out = (
            np.concatenate([images, np.float32(value) * mask[:, None]], axis=1)
            for images, mask in zip((train, test), masks, strict=True)
        )
        moved = deformed_rows(both, GENTLE, plan.spacing.value, COPIES, plan.seed)
        pca = tell(f"mask of value {value:g}", moved, held_out.reshape(len(test), -1))
        codes = [pca.encode(each.reshape(len(each), -1)) for each in (both, held_out)]
        ridge = RidgeCV(np.geomspace(1e-2, 1e6, 17)).fit(codes[0], volumes[0])
        print(f"       R2 of the volume {ridge.score(codes[1], volumes[1]):.2f}", flush=True)


if __name__ == "__main__":
    main()
