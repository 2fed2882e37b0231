"""The files of a run folder that are plain data: results, cohort, rejected cases, provenance.

In: records. Out: files as DESIGN, section 7, lists them, each whole or absent.
"""

from __future__ import annotations

import csv
import io
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path

from latentomics import __version__
from latentomics.core import Case, Rejection, Result, content_hash, file_sha256, plain, write_atomic
from latentomics.flow.gather import Gathered
from latentomics.planning import Plan, pipeline_of
from latentomics.sources import CaseFacts

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "SimpleITK", "pandas", "pyarrow")


def write_json(path: Path, content: object) -> None:
    """Write plain data; numbers that JSON cannot say become null."""
    write_atomic(path, json.dumps(_finite(plain(content)), indent=1, allow_nan=False) + "\n")


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write results.json: a list of records with exactly the fields of ``Result``."""
    names = [field.name for field in fields(Result)]
    write_json(path, [{name: getattr(result, name) for name in names} for result in results])


def read_results(path: Path) -> tuple[Result, ...]:
    """Read results.json, where a value that could not be had is null and becomes NaN again."""
    records = json.loads(path.read_text())
    missing = {"value": float("nan")}
    return tuple(Result(**(r | missing if r["value"] is None else r)) for r in records)


def write_verdict(path: Path, sentences: Sequence[tuple[str, str]]) -> None:
    """Write verdict.json: the sentences of the first page with their statuses."""
    write_json(path, [{"status": status, "sentence": sentence} for status, sentence in sentences])


def write_rejected(path: Path, rejected: Sequence[Rejection]) -> None:
    """Write rejected.csv, a header alone where nothing was rejected."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Rejection)])
    writer.writeheader()
    writer.writerows(asdict(rejection) for rejection in rejected)
    write_atomic(path, text.getvalue())


def write_cohort(path: Path, gathered: Gathered) -> None:
    """Write cohort.parquet: who was studied, on which side of the split, and what was measured."""
    import pandas

    labels = gathered.labels(gathered.cases)
    rows = [
        _cohort_row(case, gathered.split[case.id], gathered.facts[case.id])
        | {f"target_{label.name}": label.values[row] for label in labels}
        for row, case in enumerate(gathered.cases)
    ]
    frame = pandas.DataFrame(rows)
    for number, fold in enumerate(gathered.folds):
        frame.loc[[fold.get(case) == "test" for case in frame["case"]], "fold"] = number
    write_atomic(path, lambda part: frame.to_parquet(part, index=False))


def _cohort_row(case: Case, split: str, fact: CaseFacts) -> dict[str, object]:
    return {
        "case": case.id,
        "patient": case.patient,
        "site": case.site,
        "split": split,
        "modality": fact.modality,
        "size": " x ".join(map(str, fact.size)),
        "spacing": " x ".join(f"{value:g}" for value in fact.spacing),
        "size_voxels": fact.mask_voxels,
        "size_mm3": fact.mask_mm3,
    }


def provenance(
    gathered: Gathered, plan: Plan, seconds: Mapping[str, float], fitted: Mapping[str, object]
) -> dict[str, object]:
    """Return what a reader needs to repeat the run: versions, hashes, hardware, times."""
    manifest = gathered.cohort.manifest
    hashes = {case.id: gathered.facts[case.id].voxel_hash for case in gathered.cases}
    return {
        "version": __version__,
        "command": " ".join(sys.argv),
        "seed": plan.seed,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "processor": platform.processor() or platform.machine(),
        "system": platform.platform(),
        "threads": plan.threads.value,
        "precision": plan.precision.value,
        "manifest": manifest.name,
        "manifest_sha256": file_sha256(manifest) if manifest.is_file() else None,
        "voxels_sha256": content_hash(hashes),
        "pipeline": pipeline_of(plan).describe(),
        "pipeline_sha256": pipeline_of(plan).hash,
        **fitted,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def _finite(content: object) -> object:
    if isinstance(content, float):
        return content if content == content and abs(content) != float("inf") else None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return content
