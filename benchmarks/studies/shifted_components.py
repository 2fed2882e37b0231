"""Held-out error of components of shifted crops, in units of plain PCA (docs/decisions, note 2).

Usage: LATENTOMICS_DATA=... python shifted_components.py RUN/plan.yaml [--latent 64]
Splits the hippocampus cohort by the default rule and prints one line a pair of copies and reach.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from latentomics.dataset import fit_pca, open_store, shifted_rows
from latentomics.flow.gather import gather, prepare_cases
from latentomics.planning import Request, load_plan

PAIRS = ((0, 0), (6, 2), (15, 2), (15, 3), (15, 4))


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
    for copies, reach in PAIRS:
        pca = fit_pca(shifted_rows(train, reach, copies, plan.seed), asked.latent, plan.seed)
        error = float(((rows - pca.decode(pca.encode(rows))) ** 2).mean())
        plain = plain or error
        print(f"{copies:3d} copies, shifts of up to {reach}: {error / plain:.3f}")


if __name__ == "__main__":
    main()
