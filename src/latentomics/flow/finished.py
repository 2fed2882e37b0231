"""Whether what is asked was done already: the same request on the same files, by this version.

In: the run folder and what is asked of it. Out: the record of the run that lies there, or None
where anything differs: the request, an edited plan, a file of the cohort, a file of the run.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from latentomics import __version__
from latentomics.core import IntegrityError, LatentomicsError, content_hash
from latentomics.flow.cohorts import own_cohort
from latentomics.flow.folder import read_results
from latentomics.flow.records import RunRecord
from latentomics.flow.sealing import SEAL, compare
from latentomics.planning import Plan, Request
from latentomics.sources import Cohort

FINISHED = "finished"


def asked_sha256(request: Request, edited: Plan | None) -> str:
    """Return the hash of what is asked, of this version, for the run's provenance."""
    plan = None if edited is None else edited.model_dump(mode="json")
    return content_hash([__version__, request.model_dump(mode="json"), plan])


def now() -> str:
    """Return the time at which a run begins to read, for its provenance."""
    return datetime.now(UTC).isoformat()


def done_before(folder: Path, request: Request, edited: Plan | None) -> RunRecord | None:
    """Return the finished run of the folder, where it is what is asked; None where it is not."""
    try:
        provenance = json.loads((folder / "provenance.json").read_text())
        compare(folder, json.loads((folder / SEAL).read_text()))
        same = provenance["asked_sha256"] == asked_sha256(request, edited)
        begun = datetime.fromisoformat(provenance["begun"])
    except (OSError, ValueError, KeyError, IntegrityError):
        return None  # none that ended, or none that is intact
    if not same or provenance["outcome"] != FINISHED or not _unchanged(folder, request, begun):
        return None
    return stored_record(folder)


def stored_record(folder: Path) -> RunRecord:
    """Return the record of a finished run from its files."""
    verdict = json.loads((folder / "verdict.json").read_text())
    rejected = len(_rejected(folder))
    return RunRecord(
        folder=folder,
        table=folder / "features.parquet",
        report=folder / "report.html",
        results=read_results(folder / "results.json"),
        verdict=tuple((row["status"], row["sentence"]) for row in verdict),
        rejected=rejected,
        exit_code=3 if rejected else 0,
        done_before=True,
    )


def _unchanged(folder: Path, request: Request, begun: datetime) -> bool:
    """Whether the cohort has the cases that were read, and no file of it was written since."""
    import pandas

    try:
        cohort = own_cohort(request)
    except LatentomicsError:
        return False  # the run says what is wrong with it
    rejected = _rejected(folder)
    read = {*pandas.read_parquet(folder / "cohort.parquet")["case"], *rejected}
    if {row.id for row in cohort.cases} | {row.case for row in cohort.rejected} != read:
        return False
    return not any(_newer(path, begun, case in rejected) for case, path in _files(cohort))


def _files(cohort: Cohort) -> Iterable[tuple[str, Path]]:
    yield "", cohort.manifest
    for case in cohort.cases:
        for file in (*case.image, *([] if case.mask is None else [case.mask])):
            yield case.id, file.path


def _newer(path: Path, begun: datetime, missed: bool) -> bool:
    """Whether a file was written since, or is gone; ``missed``: its case was left out anyway."""
    try:
        return path.stat().st_mtime > begun.timestamp()
    except OSError:
        return not missed


def _rejected(folder: Path) -> set[str]:
    with (folder / "rejected.csv").open(newline="") as file:
        return {row["case"] for row in csv.DictReader(file)}
