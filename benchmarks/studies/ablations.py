"""Each method that claims a property, against itself without its idea, on that property.

Usage: LATENTOMICS_DATA=... python ablations.py [--only sparse contractive] [--epochs 40] [--brief]
Chest radiographs (pneumoniamnist, 28 x 28): so many training pictures of its training part, all of
its validation part, 300 test pictures that chose nothing. Both arms of a method have the plan that
our planner makes, the same pictures, steps and seeds, and differ in one setting alone (METHODS 29).
Beside the property stand what must not pay for it: error of reconstruction and the probe's AUROC.
One seed of one arm is a piece; records: work/studies/ablations.jsonl.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from ablation_measures import MEASURES, Trained
from study import Study, data_folder, markdown, mean_and_range, options, study_of

from latentomics.core import stream
from latentomics.dataset import fit_pca
from latentomics.flow.decide import decide
from latentomics.flow.fitting import stores_of
from latentomics.flow.gather import Gathered, gather, prepare_cases
from latentomics.methods import METHODS, Method, method_of
from latentomics.models import Network
from latentomics.planning import Plan, Request
from latentomics.training import fit

COHORT, LABEL, TEST = "pneumoniamnist", "pneumonia", 300
BESIDE = ("error", "AUROC")
Settings = dict[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """A method with its idea, the same without, and the property that the idea is for."""

    measure: str
    method: str
    settings: Settings = field(default_factory=dict)
    without: Settings = field(default_factory=dict)  # settings of the arm without
    plain: str = ""  # the method of the arm without, where it is another one


def unmasked() -> Method:
    """Return the masked autoencoder whose input is seen whole."""
    return replace(METHODS["masked"], name="unmasked", hides=False, own={}, in_volumes={})


NOT_VARIED: Settings = {"consistency": 0.0, "variance_floor": 0.0}
ABLATIONS: dict[str, Ablation] = {
    "sparse": Ablation(
        measure="share of active units", method="sparse", without={"sparsity": 0.0}
    ),
    "sparse, selectivity": Ablation(
        measure="selectivity", method="sparse", without={"sparsity": 0.0}
    ),
    "denoising": Ablation(
        measure="error from noisy pictures", method="denoising",
        settings={"noise": "gaussian", "sigma": 0.5}, plain="autoencoder",
    ),
    "invariant": Ablation(measure="ICC", method="invariant", without=NOT_VARIED),
    "beta-tcvae": Ablation(
        measure="total correlation, nats", method="beta-tcvae", without={"beta": 1.0}
    ),
    "contractive": Ablation(
        measure="Jacobian", method="contractive", without={"contraction": 0.0}
    ),
    "masked": Ablation(measure="AUROC of 20 labels", method="masked", plain="unmasked"),
    "control-vae": Ablation(
        measure="KL from 25 nats", method="control-vae", settings={"beta_max": 20.0},
        without={"likelihood": "gaussian"}, plain="vae",
    ),
    "capacity-vae": Ablation(
        measure="KL from 25 nats", method="capacity-vae", settings={"capacity_steps": 200.0},
        without={"likelihood": "gaussian"}, plain="vae",
    ),
    "annealed-vae": Ablation(
        measure="latents in use", method="annealed-vae",
        settings={"warm_up_steps": 400.0, "beta": 4.0}, without={"beta": 4.0, "warm_up_steps": 1.0},
        plain="vae",
    ),
    "factor-vae": Ablation(
        measure="total correlation, nats", method="factor-vae", without={"gamma": 0.0}
    ),
    "beta-vae": Ablation(
        measure="total correlation, nats", method="beta-vae", without={"beta": 1.0}
    ),
    "dip-vae": Ablation(
        measure="correlation of latents", method="dip-vae",
        without={"off_diagonal": 0.0, "diagonal": 0.0},
    ),
    "wae-mmd": Ablation(measure="MMD to the prior", method="wae-mmd", without={"lambda": 0.0}),
    "info-vae": Ablation(measure="MMD to the prior", method="info-vae", without={"lambda": 1.0}),
    "iwae": Ablation(
        measure="NLL, nats", method="iwae", without={"likelihood": "gaussian"}, plain="vae"
    ),
    "balanced-vae": Ablation(
        measure="error", method="balanced-vae", without={"likelihood": "gaussian"}, plain="vae"
    ),
    "basis-vae": Ablation(
        measure="B'B from I", method="basis-vae", without={"orthonormality": 0.0}
    ),
    "vq-vae": Ablation(
        measure="distance to entries", method="vq-vae", without={"commitment": 0.0}
    ),
}  # fmt: skip


def write_manifest(folder: Path, training: int, test: int) -> Path:
    """Write a manifest of some training and test pictures, and all validation ones."""
    source = data_folder() / "manifests" / f"{COHORT}.csv"
    rows = list(csv.DictReader(source.open(newline="")))
    wanted, kept = {"train": training, "test": test}, []
    for part in ("train", "val", "test"):
        own = [row for row in rows if row["split"] == part]
        order = stream(0, "ablation pictures", part).permutation(len(own))
        kept += [own[place] for place in np.sort(order[: wanted.get(part)])]
    for row in kept:
        row["image"] = str((source.parent / row["image"]).resolve())
    path = folder / f"{COHORT}-{training}-{test}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return path


class Bench:
    """The cohort read once, and the plan of each arm, made once for all seeds."""

    def __init__(self, manifest: Path, epochs: int) -> None:
        self.request = Request(epochs=epochs, labels=(LABEL,)).of(manifest)
        self.gathered: Gathered = gather(self.request, workers=1)
        self.labels = {c.id: int(float(str(c.targets[LABEL]))) for c in self.gathered.cases}
        self.plans: dict[str, Plan] = {}

    def trained(self, method: str, settings: Settings, seed: int) -> Trained:
        """Train an arm with a seed."""
        own = unmasked() if method == "unmasked" else None
        plan = self._plan(method, settings, own)
        plan = plan.model_copy(update={"request": plan.request.model_copy(update={"seed": seed})})
        prepared = prepare_cases(self.gathered.cases, plan, workers=1)
        stores = stores_of(plan, prepared, self.gathered.cases, self.gathered.split)
        spec, chosen = plan.network.value, method_of(plan, own)
        initial = None
        if spec.linear_path:
            rows = stores.train.whole(np.arange(len(stores.train)))
            initial = fit_pca(rows.reshape(len(rows), -1), spec.latent, seed)
        fitted = fit(plan, chosen, spec, stores.train, stores.validation, initial=initial)
        network: Network = fitted.network  # type: ignore[assignment]
        test = [case for case, part in self.gathered.split.items() if part == "test"]
        return Trained(
            network=network.eval(), plan=plan, method=chosen, train=stores.train,
            test=stores.every.of(test), labels=self.labels,
        )  # fmt: skip

    def _plan(self, method: str, settings: Settings, own: Method | None) -> Plan:
        name = f"{method} {sorted(settings.items())}"
        if name not in self.plans:
            asked = {"method": method, "settings": dict(settings)}
            request = self.request.model_copy(update=asked)
            gathered = replace(self.gathered, request=request)
            self.plans[name] = decide(gathered, gathered.split, workers=1, own=own)
        return self.plans[name]


def arm(study: Study, bench: Bench, name: str, asked: dict, *, with_idea: bool, seed: int) -> dict:
    """Return the record of one arm with one seed."""
    one = ABLATIONS[name]
    method = one.method if with_idea else one.plain or one.method
    settings = one.settings if with_idea else one.without
    key = {"method": method, "settings": settings, "measure": one.measure, "seed": seed, **asked}

    def do() -> dict:
        trained = bench.trained(method, settings, seed)
        return {measure: MEASURES[measure][0](trained) for measure in {one.measure, *BESIDE}}

    return study.piece(key, do)


def row(name: str, arms: dict[bool, list[dict]]) -> tuple[object, ...]:
    """Return the row of a method; the idea pays where every seed is better with it."""
    one = ABLATIONS[name]
    better = MEASURES[one.measure][1]
    sign = 1 if better == "higher" else -1
    ahead = [
        sign * (yes[one.measure] - no[one.measure]) > 0
        for yes, no in zip(arms[True], arms[False], strict=True)
    ]
    values = [mean_and_range([r[one.measure] for r in arms[kept]]) for kept in (True, False)]
    beside = [
        f"{np.mean([r[m] for r in arms[True]]):.3g} / {np.mean([r[m] for r in arms[False]]):.3g}"
        for m in BESIDE
    ]
    return (name, f"{one.measure} ({better})", *values, f"{sum(ahead)} of {len(ahead)}", *beside)


def main() -> None:
    parser = options(__doc__, "ablations")
    parser.add_argument("--only", nargs="+", default=list(ABLATIONS), choices=list(ABLATIONS))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--training", type=int, default=1000, help="pictures")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    epochs, training, seeds, test = given.epochs, given.training, given.seeds, TEST
    if given.brief:
        epochs, training, seeds, test = 1, 64, 1, 40
    study = study_of(given)
    bench = Bench(write_manifest(study.path.parent, training, test), epochs)
    asked = {"cohort": COHORT, "epochs": epochs, "training": training, "test": test}
    rows = []
    for name in given.only:
        arms: dict[bool, list[dict]] = {True: [], False: []}
        for seed in range(seeds):
            for kept in arms:
                arms[kept].append(arm(study, bench, name, asked, with_idea=kept, seed=seed))
        rows.append(row(name, arms))
    print(f"{COHORT}, {training} training pictures, {epochs} epochs, {seeds} seeds\n")
    head = ("method", "property", "with its idea", "without", "better in", *(
        f"{measure}, with / without" for measure in BESIDE
    ))  # fmt: skip
    print(markdown(head, rows))


if __name__ == "__main__":
    main()
