"""Classic radiomics: of a cohort by itself, and beside the learned features of a run.

In: a manifest and settings, or a gathered cohort and its plans. Out: a table with its dictionary,
or columns in the order of the cases. Settings that nobody gave are chosen from the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from latentomics.core import IncompleteError, RequestError
from latentomics.flow.folder import write_rejected
from latentomics.flow.gather import measured_facts
from latentomics.flow.records import ClassicRecord, OnEvent, ignore
from latentomics.sources import read_cohort


def classic(
    source: Path,
    output: Path,
    *,
    given: Mapping[str, object] | None = None,
    mask_label: int | None = None,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> ClassicRecord:
    """Measure classic radiomics of the cases of a manifest that have masks.

    Parameters
    ----------
    source : Path
        A manifest or a folder.
    output : Path
        A table, ``.parquet`` or ``.csv``; its dictionary is written beside it.
    given : mapping, optional
        Settings by name (see ``planning.Classic``); the cohort decides the others.

    Raises
    ------
    RequestError
        When the manifest, a setting or the output's suffix is wrong.
    IncompleteError
        When no case could be measured.
    """
    if output.suffix not in (".parquet", ".csv"):
        raise RequestError(
            f"a table is .parquet or .csv, not {output.suffix!r}", str(output), "change the suffix"
        )
    cohort = read_cohort(source, mask_label=mask_label)
    facts, unread = measured_facts(cohort.cases, workers, on_event)
    cases = [case for case in cohort.cases if case.id in facts]
    masked = [case for case in cases if facts[case.id].mask_voxels]
    if not masked:
        raise IncompleteError(
            f"none of {len(cases)} readable cases has a mask",
            str(source),
            "classic radiomics needs masks: name them in a column 'mask'",
        )
    settings, dimension = _settings(masked, facts, given or {})
    found = _measured(cases, settings, dimension, workers, on_event)
    rejected = (*cohort.rejected, *unread, *found.rejected)
    if rejected:
        write_rejected(output.with_name(f"{output.stem}_rejected.csv"), rejected)
    bad = {rejection.case for rejection in found.rejected}
    kept = [row for row, case in enumerate(cases) if case.id not in bad]
    if not kept:
        raise IncompleteError(
            "no case could be measured",
            str(source),
            f"see {output.stem}_rejected.csv for each case's reason and remedy",
        )
    _write(output, [cases[row] for row in kept], found.columns.values[kept], found, facts, settings)
    return ClassicRecord(
        table=output,
        rows=len(kept),
        features=len(found.columns.names),
        settings=settings.describe(),
        rejected=len(rejected),
        exit_code=3 if rejected else 0,
    )
