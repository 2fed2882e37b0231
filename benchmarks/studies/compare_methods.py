"""All methods side by side on two cohorts: three seeds of two minutes each, tables and a picture.

Usage: LATENTOMICS_DATA=... python compare_methods.py [--cohorts hippocampus] [--methods linear ...]
What it runs is ``latentomics compare COHORT --methods ... --seeds 3 --budget 2m --site site --label
L``, one seed of all methods after the other, into ``work/studies/all_methods``: killed at any time,
the same command goes on; --tables runs nothing. The tables say of test cases, mean and range over
seeds: the error of reconstruction over that of as many principal components, the share of latents
in use, the probe of the label, how well the site can be told (.5: not at all), and the median
ICC(A,1) of the features when cases are turned, scaled in intensity, and perturbed in every way at
once; below the methods, as the same runs measured them, what needs no learning.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from study import data_folder, markdown, mean_and_range, options, study_of

from latentomics import flow
from latentomics.core import Result
from latentomics.flow.folder import read_results
from latentomics.methods import METHODS
from latentomics.planning import Request

LABELS = {"hippocampus": "volume_mm3", "nodules": "malignant"}
NAMES = tuple(name for name in METHODS if name != "recurrent-vae")  # which reads signals
BESIDE = {
    "pca": "PCA of images",
    "random": "untrained network",
    "classic": "classic",
    "size": "size",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of results.json, by what it is of; the same of other features stands beside it."""

    evaluation: str
    metric: tuple[str, ...]
    target: str | None = None

    def of(self, results: Sequence[Result], features: str) -> float | None:
        """Return the value on test cases; None where it was not measured."""
        for one in results:
            here = one.evaluation == self.evaluation and one.metric in self.metric
            scored = one.settings.get("split", "test") == "test"
            if here and scored and one.features == features and self.target in (None, one.target):
                return one.value
        return None


FIGURES = {
    "error / PCA's": Figure(evaluation="reconstruction", metric=("mse_ratio_to_pca",)),
    "in use": Figure(evaluation="collapse", metric=("active_share",)),
    "probe": Figure(evaluation="probe", metric=("auroc", "r2")),
    "site AUROC": Figure(evaluation="site", metric=("auroc",)),
    "ICC, rotation": Figure(evaluation="stability", metric=("icc_median",), target="rotation"),
    "ICC, gain": Figure(evaluation="stability", metric=("icc_median",), target="gain"),
    "ICC, all": Figure(evaluation="stability", metric=("icc_median",), target="chained"),
}


def row(name: str, runs: Sequence[Sequence[Result]], features: str) -> tuple[str, ...]:
    """Return mean and range over seeds of each figure of some features."""
    cells = []
    for figure in FIGURES.values():
        values = [value for run in runs if (value := figure.of(run, features)) is not None]
        cells.append(mean_and_range(values) if values else "")
    return name, str(len(runs)), *cells


def table(done: Mapping[str, Sequence[Sequence[Result]]]) -> str:
    """Return methods by their probe; below, what the runs of the one with most have beside it."""
    probe = FIGURES["probe"]

    def score(runs: Sequence[Sequence[Result]]) -> float:
        return fmean(probe.of(run, "latent") or 0.0 for run in runs)

    begun = sorted((name for name in done if done[name]), key=lambda name: -score(done[name]))
    rows = [row(name, done[name], "latent") for name in begun]
    fullest = max(done.values(), key=len)
    rows += [row(name, fullest, features) for features, name in BESIDE.items()]
    return markdown(("features", "seeds", *FIGURES), rows)


def main() -> None:
    parser = options(__doc__, "all_methods")
    parser.add_argument("--cohorts", nargs="+", default=list(LABELS), choices=list(LABELS))
    parser.add_argument("--methods", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0, help="of each run")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--tables", action="store_true", help="run nothing")
    parser.add_argument("--picture", type=Path, help="a folder for the pictures of the figures")
    given = parser.parse_args()
    length: dict[str, float | int] = {"budget_s": 60 * given.minutes}
    if given.brief:
        given.cohorts, given.methods, given.seeds, length = (
            ["hippocampus"],
            NAMES[:2],
            1,
            {"epochs": 1},
        )
    for cohort in given.cohorts:
        source = data_folder() / "manifests" / f"{cohort}.csv"
        folder = study_of(given).path.with_suffix("") / cohort
        asked = {"labels": (LABELS[cohort],), "site": "site", **length}
        print(f"\n{cohort}, label {LABELS[cohort]}\n", flush=True)
        if not given.tables:
            held = flow.contest(
                source, folder, given.methods, Request.model_validate(asked),
                seeds=given.seeds, workers=given.workers,
            )  # fmt: skip
            print("\n".join([*held.ranking.sentences, *held.left_out]), end="\n\n")
            if given.picture:
                shutil.copy(held.picture, given.picture / f"methods-{cohort}.svg")
        done = {
            method: [
                read_results(file)
                for seed in range(given.seeds)
                if (file := folder / f"{method}-seed-{seed}" / "results.json").is_file()
            ]
            for method in given.methods
        }
        print(table(done), flush=True)


if __name__ == "__main__":
    main()
