"""Which methods put one factor of made lesions into one latent (METHODS 24).

Usage: synthetic_lesions.py FOLDER [--epochs 60] [--seeds 5] [--strength 1 ...] [--cases 1000] ...
Writes the cohort once, then trains every method with every seed, and scores the codes of held-out
cases. Each training is one line of FOLDER/records.jsonl, known by all that decides it, and a file
of codes in FOLDER/codes: stopped at any time, the same command goes on. Then prints Markdown tables
of what is there and writes them to FOLDER/table.md; --tables prints them without training. A code
with fewer than two latents in use has no scores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentomics.core import DoubleArray, Interrupted, LatentomicsError, Result
from latentomics.evaluation import active_latents, disentanglement, factors_of, numbered, udr
from latentomics.flow import latents, learn
from latentomics.planning import Request
from latentomics.sources import Cohort, label_of, read_cohort, synthetic

Record = dict[str, Any]  # a line of JSON
METHODS = ("beta-vae", "beta-tcvae", "factor-vae", "control-vae", "dip-vae", "linear")
USUAL: Mapping[str, Mapping[str, float]] = {  # what a strength multiplies; the others are closed
    "beta-vae": {"beta": 4.0},
    "beta-tcvae": {"beta": 6.0},
    "factor-vae": {"gamma": 10.0},
    "control-vae": {"beta_max": 1.0},  # the set point of 25 nats stays
    "dip-vae": {"off_diagonal": 10.0, "diagonal": 100.0},
}
FACTORS = tuple(name for name in synthetic.FACTORS if name not in synthetic.NUISANCES)
EXTENT_MM = 32.0  # of an image, whatever its lattice
COLUMNS = {
    "mig": "MIG", "rotated": "of rotations, 95 %", "sap": "SAP", "disentanglement": "D",
    "completeness": "C", "informativeness": "I", "factorvae_score": "FactorVAE", "udr": "UDR",
    "in_use": "latents in use",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training: the key of its record."""

    method: str
    strength: float
    likelihood: str
    seed: int
    epochs: int
    latent: int
    cases: int
    edge: int
    cohort_seed: int

    @property
    def key(self) -> dict[str, object]:
        """All that decides the result, but for the version of the source."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def file(self) -> str:
        """The name of its codes."""
        digest = hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.method}-{self.seed}-{digest}.npz"

    @property
    def settings(self) -> dict[str, float | str | bool]:
        """Of the method; the closed one has none."""
        usual = USUAL.get(self.method)
        if usual is None:
            return {}
        moved = {name: value * self.strength for name, value in usual.items()}
        return {"likelihood": self.likelihood, **moved}


def main() -> None:
    asked = arguments()
    folder = asked.folder
    shared = {
        name: getattr(asked, name)
        for name in ("likelihood", "epochs", "latent", "cases", "edge", "cohort_seed")
    }
    wanted = [
        Training(method=method, strength=strength, seed=seed, **shared)
        for seed in range(asked.seeds)
        for strength in asked.strength
        for method in asked.methods
        if method in USUAL or strength == asked.strength[0]
    ]
    if not asked.tables:
        os.environ.setdefault("LATENTOMICS_CACHE", str(folder / "cache"))
        cohort = cohort_in(folder, wanted[0])
        for number, training in enumerate(wanted):
            if record_of(folder, training) is None:
                print(f"{number + 1} of {len(wanted)}: {training}", flush=True)
                append(folder, tried(training, cohort, folder, asked.workers))
    text = tables(folder, wanted)
    print(text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(text + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--strength", nargs="+", type=float, default=[1.0])
    parser.add_argument(
        "--likelihood", default="gaussian-learned", choices=("gaussian", "gaussian-learned")
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--latent", type=int, default=10)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--edge", type=int, default=32, help="voxels along 32 mm")
    parser.add_argument("--cohort-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--tables", action="store_true", help="train nothing")
    return parser.parse_args()


def cohort_in(folder: Path, training: Training) -> Cohort:
    """Return the cohort of a training, made where it is not there yet."""
    name = f"cohort-{training.cases}-{training.edge}-{training.cohort_seed}"
    manifest = folder / name / synthetic.WHOLE  # written last
    if not manifest.is_file():
        scan = synthetic.Scan(edge=training.edge, spacing_mm=EXTENT_MM / training.edge)
        synthetic.write_lesion_cohort(manifest.parent, training.cases, training.cohort_seed, scan)
    return read_cohort(manifest)


def tried(training: Training, cohort: Cohort, folder: Path, workers: int | None) -> Record:
    """Return the record of a training, or why there is none: the others go on."""
    try:
        return train(training, cohort, folder, workers)
    except Interrupted:
        raise
    except LatentomicsError as error:
        print(error, flush=True)
        return {**training.key, "failed": str(error)}


def train(training: Training, cohort: Cohort, folder: Path, workers: int | None) -> Record:
    """Learn from training and validation cases, and score the code of the others."""
    begun = time.monotonic()
    request = Request(
        method=training.method,
        latent=training.latent,
        epochs=training.epochs,
        seed=training.seed,
        settings=training.settings,
    ).of(cohort.manifest)
    parts = {
        side: tuple(case for case in cohort.cases if (case.split == "test") == side)
        for side in (False, True)
    }
    seen = Cohort(
        name=cohort.name,
        manifest=cohort.manifest,
        cases=parts[False],
        rejected=(),
        columns=cohort.columns,
    )
    learned = learn(seen, request, workers=workers)
    codes = latents(learned, parts[True], workers=workers).astype(np.float64)
    seconds = time.monotonic() - begun
    (folder / "codes").mkdir(exist_ok=True)
    np.savez(folder / "codes" / training.file, codes=codes)
    factors, _ = factors_of([label_of(parts[True], name) for name in FACTORS])
    results = disentanglement(
        "latent",
        codes,
        factors,
        numbered([case.patient for case in parts[True]]),
        gaussian=training.method != "linear",
        names=learned.names,
        seed=training.seed,
    )
    return {
        **training.key,
        "seconds": round(seconds, 1),
        "threads": learned.plan.threads.value,
        "in_use": int((active_latents(codes, gaussian=training.method != "linear") > 0).sum()),
        "results": [plain(one) for one in results],
    }


def plain(result: Result) -> dict[str, object]:
    kept = ("rotated_95", "p", "beyond_rotations", "by_factor", "cases", "bins")
    settings = {name: result.settings[name] for name in kept if name in result.settings}
    return {"metric": result.metric, "value": round(result.value, 6), "settings": settings}


def append(folder: Path, record: Record) -> None:
    path = folder / "records.jsonl"
    whole = not path.is_file() or path.read_text().endswith("\n")
    with path.open("a") as opened:  # after half a line of a study that was killed, on a new one
        opened.write(("" if whole else "\n") + json.dumps(record) + "\n")


def record_of(folder: Path, training: Training) -> Record | None:
    """Return the record of a training that has ended."""
    path = folder / "records.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # half a line: its training is done again
        if {name: record.get(name) for name in training.key} == training.key:
            return record
    return None


def tables(folder: Path, wanted: Sequence[Training]) -> str:
    """Return mean and SD over seeds of each method, and what it tells of each factor."""
    rows, told = [], []
    kinds = dict.fromkeys((one.method, one.strength) for one in wanted)
    for method, strength in kinds:
        own = [one for one in wanted if (one.method, one.strength) == (method, strength)]
        found = [
            (one, record)
            for one in own
            if (record := record_of(folder, one)) is not None and "failed" not in record
        ]
        if not found:
            continue
        name = method if method not in USUAL else f"{method}, strength {strength:g}"
        matched = matched_seeds(folder, [one for one, _ in found])
        figures = [numbers(record) for _, record in found]
        columns = {key: [one[key] for one in figures if key in one] for key in COLUMNS}
        cells = [spread(values) for values in (columns | {"udr": matched}).values()]
        rows.append([name, str(len(found)), *cells])
        told.append([name, *informativeness([record for _, record in found])])
    first = table(["method", "seeds", *COLUMNS.values()], rows)
    second = table(["method", *FACTORS], told)
    return f"{first}\n\nR2 of each factor, boosted trees on the whole code:\n\n{second}"


def matched_seeds(folder: Path, trainings: Sequence[Training]) -> list[float]:
    """Return UDR of each seed's code."""
    codes: dict[str, DoubleArray] = {}
    for one in trainings:
        path = folder / "codes" / one.file
        if not path.is_file():
            continue  # records alone were kept
        stored: DoubleArray = np.load(path)["codes"]
        used = active_latents(stored, gaussian=one.method != "linear") > 0
        codes[str(one.seed)] = stored[:, used]
    return [one.value for one in udr(codes, latents=trainings[0].latent)]


def numbers(record: Record) -> dict[str, float]:
    found = {"in_use": float(record["in_use"])}
    for one in record["results"]:
        found[one["metric"]] = one["value"]
        if one["metric"] == "mig":
            found["rotated"] = one["settings"]["rotated_95"]
    return found


def informativeness(records: Sequence[Record]) -> list[str]:
    listed = [
        one["settings"]["by_factor"]["values"]
        for record in records
        for one in record["results"]
        if one["metric"] == "informativeness"
    ]
    return [spread(list(column)) for column in zip(*listed, strict=True)] or [""] * len(FACTORS)


def spread(values: Sequence[float]) -> str:
    """Return mean and SD over seeds."""
    if not values:
        return ""
    several = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{several}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
