"""Classic radiomics: of a cohort by itself, and beside the learned features of a run.

In: a manifest and settings, or a gathered cohort and its plans. Out: a table with its dictionary,
or columns in the order of the cases. Settings that nobody gave are chosen from the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from latentomics.core import Case, DoubleArray, IncompleteError, RequestError
from latentomics.evaluation import comparable
from latentomics.features import (
    AGGREGATIONS,
    Classified,
    Columns,
    build_table,
    fit_centre,
    measure_classic,
    require_table_path,
    size_columns,
    write_with_dictionary,
)
from latentomics.flow.folder import write_rejected
from latentomics.flow.gather import Gathered, cache_folder, counter, measured_facts
from latentomics.flow.patients import (
    MEAN,
    WORDS,
    chosen_patients,
    combined_columns,
    patient_cases,
    refuse_several_sites,
)
from latentomics.flow.records import ClassicRecord, OnEvent, ignore
from latentomics.planning import Classic, Plan, choose_classic, fingerprint_of
from latentomics.sources import CaseFacts, mask_rules, read_cohort

DEVIANT = "the patient's case whose columns lie furthest from those of all cases"  # not its code


def classic(
    source: Path,
    output: Path,
    *,
    given: Mapping[str, object] | None = None,
    mask_label: int | None = None,
    per: str = "case",
    aggregate: str | None = None,
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
    per : str
        case or patient: what a row is.
    aggregate : str, optional
        mean (by default), largest or deviant, where a row is a patient. No network says how deviant
        a case is: it is the distance of its columns to those of all cases.

    Raises
    ------
    RequestError
        When the manifest, a setting or the output's path is wrong, or cases of a patient come from
        different sites.
    IncompleteError
        When no case could be measured.
    """
    require_table_path(output)
    cohort = read_cohort(source, mask_label=mask_label)
    if per == "patient":
        refuse_several_sites(cohort.cases)
    facts, unread = measured_facts(cohort.cases, workers, on_event)
    cases = [case for case in cohort.cases if case.id in facts]
    masked = [case for case in cases if facts[case.id].mask_voxels]
    if not masked:
        raise IncompleteError(
            f"none of {len(cases)} readable cases has a mask",
            str(source),
            "classic radiomics needs masks: name them in a column 'mask'",
        )
    settings, dimension = _settings(masked, facts, given or {}, source)
    found = measured_by(cases, settings, dimension, workers, on_event)
    rejected = (*cohort.rejected, *unread, *found.rejected)
    if rejected:
        write_rejected(output.with_name(f"{output.stem}_rejected.csv"), rejected)
    bad = {rejection.case for rejection in found.rejected}
    rows = [row for row, case in enumerate(cases) if case.id not in bad]
    if not rows:
        raise IncompleteError(
            "no case could be measured",
            str(source),
            f"see {output.stem}_rejected.csv for each case's reason and remedy",
        )
    kept = [cases[row] for row in rows]
    of_cases = [facts[case.id] for case in kept]
    groups = {
        "classic": Columns(names=found.columns.names, values=found.columns.values[rows]),
        "size": size_columns(
            [fact.mask_voxels for fact in of_cases], [fact.mask_mm3 for fact in of_cases]
        ),
    }
    provenance = {**provenance_of(settings, of_cases[0]), "mask": mask_rules(of_cases)}
    if per == "patient":
        how = aggregate or MEAN
        kept, groups = _by_patient(kept, facts, groups, how)
        provenance["rows"] = DEVIANT if how == "deviant" else WORDS[how]
    write_with_dictionary(build_table(kept, {}, groups, provenance), output)
    return ClassicRecord(
        table=output,
        rows=len(kept),
        features=len(found.columns.names),
        settings=settings.describe(),
        rejected=len(rejected),
        exit_code=3 if rejected else 0,
    )


def _by_patient(
    cases: Sequence[Case], facts: Mapping[str, CaseFacts], groups: Mapping[str, Columns], how: str
) -> tuple[list[Case], dict[str, Columns]]:
    """Return a row a patient."""
    patients = chosen_patients(
        cases, how, facts=facts, distances=lambda: _distances(groups["classic"].values)
    )
    found = {name: combined_columns(part, patients) for name, part in groups.items()}
    return list(patient_cases(cases, patients)), found


def _distances(values: npt.NDArray[np.floating]) -> DoubleArray:
    """Return how far the columns of each case lie from those of all, without units (cases,)."""
    table = comparable(values.astype(np.float64), np.arange(len(values)))
    return fit_centre(table).distance(table)


def classic_of(
    gathered: Gathered,
    plan: Plan,
    *,
    like: tuple[Plan, Classified | None] | None = None,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Classified | None:
    """Measure the cases of a run as its plan asks; None where it does not, or a mask is missing.

    Parameters
    ----------
    like : tuple, optional
        An earlier plan of the same cases with what it gave: the same settings give the same.
    """
    facts = [gathered.facts[case.id] for case in gathered.cases]
    settings = plan.classic.value
    if settings is None or not all(fact.mask_voxels for fact in facts):
        return None
    if like is not None and like[0].classic.value == settings:
        return like[1]
    return measured_by(gathered.cases, settings, len(facts[0].size), workers, on_event)


def provenance_of(settings: Classic, fact: CaseFacts) -> dict[str, str]:
    """Return what the numbers of classic columns came from."""
    return {
        "classic": f"{settings.describe()} ({AGGREGATIONS[settings.aggregation]})",
        "intensity_unit": fact.value_unit,
    }


def measured_by(
    cases: Sequence[Case],
    settings: Classic,
    dimension: int,
    workers: int | None,
    on_event: OnEvent,
) -> Classified:
    """Measure cases by given settings, through the cache that every command shares."""
    return measure_classic(
        cases,
        settings,
        dimension,
        cache=cache_folder(),
        workers=workers,
        on_done=counter("classic", len(cases), "classic radiomics", on_event),
    )


def _settings(
    masked: Sequence[Case],
    facts: Mapping[str, CaseFacts],
    given: Mapping[str, object],
    source: Path,
) -> tuple[Classic, int]:
    """Return the settings that were given with those that the cohort decides, and its dimension."""
    found = fingerprint_of(masked, [facts[case.id] for case in masked])
    choice = choose_classic(found).value
    chosen = {} if choice is None else choice.model_dump()
    if "bins" in given:
        chosen["bin_width"] = None
    if "bin_width" in given:
        chosen["bins"] = None
    wanted = {**chosen, **given}
    spacing = wanted["spacing"]
    if isinstance(spacing, tuple) and len(spacing) == 1:
        wanted["spacing"] = spacing * found.dimension
    wanted["rounded"] = found.modality == "CT" and spacing is not None
    try:
        return Classic.model_validate(wanted), found.dimension
    except ValidationError as error:
        raise RequestError(
            f"the settings make no sense: {error.errors()[0]['msg'].removeprefix('Value error, ')}",
            str(source),
            "see 'latentomics classic --help'",
        ) from None
