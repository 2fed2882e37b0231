"""Ten methods side by side on two cohorts: two minutes each, one table.

Usage: LATENTOMICS_DATA=... python ten_methods.py [--cohorts hippocampus] [--minutes 2] [--brief]
Each method is a whole run by the main job, ``latentomics run COHORT --method M --budget 2m --site
site --label L``, with one split, that of all others. A run is a piece, and its folder stays in
``work/studies/ten_methods``, so that one that was killed goes on. The table says of test cases: the
error of reconstruction over that of PCA of the same length, latents in use, the probe of the label
beside that of PCA, and how well the site can be told (.5: not at all), the less the better.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from study import data_folder, markdown, options, study_of

from latentomics import flow
from latentomics.planning import Request

METHODS = (
    "linear", "autoencoder", "denoising", "sparse", "invariant", "masked", "vq-vae", "vae",
    "beta-tcvae", "wae-mmd",
)  # fmt: skip
LABELS = {"hippocampus": "volume_mm3", "nodules": "malignant"}
BRIEF_METHODS, BRIEF_CASES = ("linear", "vae"), 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of results.json, by what it is of."""

    evaluation: str
    metric: tuple[str, ...]
    features: str = "latent"

    def of(self, results: list[dict]) -> list[float | None] | None:
        """Return value and ends of the interval on test cases; None where it was not measured."""
        for one in results:
            here = one["evaluation"] == self.evaluation and one["metric"] in self.metric
            scored = one["settings"].get("split", "test") == "test"
            if here and scored and one["features"] == self.features:
                return [one["value"], one["low"], one["high"]]
        return None


FIGURES = {
    "error / PCA's": Figure(evaluation="reconstruction", metric=("mse_ratio_to_pca",)),
    "latents in use": Figure(evaluation="collapse", metric=("active_share",)),
    "probe": Figure(evaluation="probe", metric=("auroc", "r2")),
    "probe of PCA": Figure(evaluation="probe", metric=("auroc", "r2"), features="pca"),
    "site AUROC": Figure(evaluation="site", metric=("auroc",)),
}


def some_cases(source: Path, folder: Path, count: int) -> Path:
    """Write a manifest of cases that lie evenly in a cohort."""
    rows = list(csv.DictReader(source.open(newline="")))
    kept = rows[:: max(1, len(rows) // count)][:count]
    for row in kept:
        for name in ("image", "mask"):
            row[name] = str((source.parent / row[name]).resolve())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / source.name
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return path


def done(source: Path, folder: Path, request: Request) -> dict:
    """Run a method, going on where an earlier run was killed, and return its figures."""
    begun = (folder / "plan.yaml").is_file()
    record = flow.run(source, folder, request, resume=begun)
    results = json.loads((record.folder / "results.json").read_text())
    return {name: figure.of(results) for name, figure in FIGURES.items()}


def cell(found: list[float | None] | None) -> str:
    if found is None or found[0] is None:
        return "-"
    value, low, high = found
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = options(__doc__, "ten_methods")
    parser.add_argument("--cohorts", nargs="+", default=list(LABELS), choices=list(LABELS))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--minutes", type=float, default=2.0, help="of each run")
    parser.add_argument("--cases", type=int, help="of each cohort; all by default")
    given = parser.parse_args()
    cohorts, methods, cases = given.cohorts, given.methods, given.cases
    length: dict[str, float | int] = {"budget_s": 60 * given.minutes}
    if given.brief:
        cohorts, methods, cases, length = cohorts[:1], BRIEF_METHODS, BRIEF_CASES, {"epochs": 1}
    study = study_of(given)
    folder = study.path.with_suffix("")
    for cohort in cohorts:
        source = data_folder() / "manifests" / f"{cohort}.csv"
        if cases:
            source = some_cases(source, folder / f"{cohort}-{cases}", cases)
        rows = []
        for method in methods:
            key = {"cohort": cohort, "method": method, "cases": cases, **length}
            asked = Request.model_validate(
                {"method": method, "labels": (LABELS[cohort],), "site": "site", **length}
            )
            place = folder / "-".join(str(value) for value in key.values())
            record = study.piece(key, partial(done, source, place, asked))
            rows.append((method, *(cell(record[name]) for name in FIGURES)))
        words = ", ".join(f"{name} {value:g}" for name, value in length.items())
        print(f"\n{cohort}, label {LABELS[cohort]}, {words}\n")
        print(markdown(("method", *FIGURES), rows), flush=True)


if __name__ == "__main__":
    main()
