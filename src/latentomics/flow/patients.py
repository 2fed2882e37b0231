"""Several regions a patient: rows of cases become rows of patients, for the table and its evidence.

In: a cohort that was read and fittings whose rows are cases. Out: both with a row a patient. What
is fitted is fitted on cases, and how far cases repeat is asked of cases; probes, sites and the
table take patients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import Case, DoubleArray, RequestError, Target
from latentomics.features import (
    ByCase,
    Classified,
    Columns,
    Patients,
    combined,
    fit_centre,
    patients_of,
)
from latentomics.flow.gather import Gathered, Split
from latentomics.planning import Request
from latentomics.sources import CaseFacts

if TYPE_CHECKING:
    from latentomics.flow.fitting import Fitting

MEAN = "mean"  # what becomes of a patient's cases where nothing else is asked
WORDS = {
    MEAN: "mean of the patient's cases",
    "largest": "the patient's case with the largest mask",
    "deviant": "the patient's case whose code lies furthest from the training cases",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What the table and its evidence are made of; ``patients`` is None where rows are cases."""

    gathered: Gathered
    main: Fitting
    folds: tuple[Fitting, ...]
    patients: Patients | None = None


def rows_of(gathered: Gathered, main: Fitting, folds: Sequence[Fitting]) -> Rows:
    """Return a run's rows as its request asks for them."""
    if gathered.request.per == "case":
        return Rows(gathered=gathered, main=main, folds=tuple(folds))
    patients = _of_fitting(gathered, main)
    return Rows(
        gathered=_gathered(gathered, patients),
        main=_fitting(gathered, main),
        folds=tuple(_fitting(gathered, fold) for fold in folds),
        patients=patients,
    )


def chosen_patients(
    cases: Sequence[Case],
    how: str,
    *,
    facts: Mapping[str, CaseFacts],
    distances: Callable[[], DoubleArray],
) -> Patients:
    """Return the rows that stand for each patient.

    Parameters
    ----------
    cases : sequence of Case
        Of the rows.
    how : str
        mean, largest or deviant.
    facts : mapping
        Of every case.
    distances : callable
        Gives how far the code of each row lies from the centre of the training cases.

    Raises
    ------
    RequestError
        When the largest mask is asked for and a case has none.
    """
    leading = None
    if how == "largest":
        refuse_bare(cases, facts)
        leading = np.array([facts[case.id].mask_mm3 for case in cases])
    elif how == "deviant":
        leading = distances()
    return patients_of([case.patient for case in cases], leading)


def combined_columns(columns: Columns, patients: Patients) -> Columns:
    """Return a group of columns with a row a patient."""
    return Columns(names=columns.names, values=combined(columns.values, patients))


def patient_cases(cases: Sequence[Case], patients: Patients) -> tuple[Case, ...]:
    """Return one case a patient, with what is known of any of its cases.

    Raises
    ------
    RequestError
        When the cases of a patient come from different sites.
    """
    refuse_several_sites(cases)
    own: dict[str, list[Case]] = {name: [] for name in patients.names}
    for case in cases:
        own[case.patient].append(case)
    return tuple(
        replace(
            of_patient[0],
            id=patient,
            roi=None,
            retest_of=None,
            site=next((case.site for case in of_patient if case.site is not None), None),
            targets=_targets(of_patient),
        )
        for patient, of_patient in own.items()
    )


def refuse_mixed(gathered: Gathered) -> None:
    """Refuse a cohort whose patients cannot be rows, before anything is trained.

    Raises
    ------
    RequestError
        When the cases of a patient differ in a label or in their site, or have no mask where the
        largest one is asked for.
    """
    request, cases = gathered.request, gathered.cases
    if request.per == "case":
        return
    for label in gathered.labels(cases):
        _refuse_several(cases, label.values, f"label {label.name!r}")
    refuse_several_sites(cases)
    if request.aggregate == "largest":
        refuse_bare(cases, gathered.facts)


def refuse_rows_of_patients(request: Request, where: str) -> None:
    """Refuse what reads a finished run's table a case a row, where its rows are patients.

    Raises
    ------
    RequestError
        When they are.
    """
    if request.per == "patient":
        raise RequestError(
            "this is asked of cases, and the run's rows are patients",
            where,
            "repeat the run without --per patient",
        )


def refuse_several_sites(cases: Sequence[Case]) -> None:
    """Raise where the cases of a patient come from different sites."""
    _refuse_several(cases, [case.site for case in cases], "site")


def refuse_bare(cases: Sequence[Case], facts: Mapping[str, CaseFacts]) -> None:
    """Raise where a case has no mask to be the largest."""
    bare = next((case for case in cases if not facts[case.id].mask_voxels), None)
    if bare is not None:
        raise RequestError(
            "the largest region of a patient is known by its mask, and a case has none",
            str(bare),
            "draw it, or use --aggregate mean",
        )


def _refuse_several(cases: Sequence[Case], values: Sequence[Target], what: str) -> None:
    known: dict[str, Target] = {}
    for case, value in zip(cases, values, strict=True):
        if value is not None and known.setdefault(case.patient, value) != value:
            raise RequestError(
                f"patient {case.patient} has cases with different values of {what}: "
                f"{known[case.patient]} and {value}",
                str(case),
                "give all cases of a patient one value, or leave out --per patient",
            )


def _targets(cases: Sequence[Case]) -> dict[str, Target]:
    names = dict.fromkeys(name for case in cases for name in case.targets)
    return {
        name: next((v for case in cases if (v := case.targets.get(name)) is not None), None)
        for name in names
    }


def _of_fitting(gathered: Gathered, fitting: Fitting) -> Patients:
    return chosen_patients(
        gathered.cases,
        gathered.request.aggregate or MEAN,
        facts=gathered.facts,
        distances=lambda: _distances(fitting),
    )


def _distances(fitting: Fitting) -> DoubleArray:
    values = fitting.features["latent"].values
    train = np.array([fitting.split.get(case) == "train" for case in fitting.cases])
    return fit_centre(values[train]).distance(values)


def _gathered(gathered: Gathered, patients: Patients) -> Gathered:
    of_patient = {case.id: case.patient for case in gathered.cases}
    cases = patient_cases(gathered.cases, patients)
    volumes = combined(_volumes(gathered), patients)[:, 0]
    first = {case.patient: gathered.facts[case.id] for case in reversed(gathered.cases)}
    facts = {
        patient: replace(first[patient], case=patient, mask_mm3=float(volume))
        for patient, volume in zip(patients.names, volumes, strict=True)
    }
    return replace(
        gathered,
        cases=cases,
        facts=facts,
        split=_split(gathered.split, of_patient),
        folds=tuple(_split(fold, of_patient) for fold in gathered.folds),
    )


def _fitting(gathered: Gathered, fitting: Fitting) -> Fitting:
    patients = _of_fitting(gathered, fitting)
    of_patient = {case.id: case.patient for case in gathered.cases}
    classic = fitting.classic
    if classic is not None:
        columns = combined_columns(classic.columns, patients)
        classic = Classified(columns=columns, rejected=classic.rejected)
    volumes = combined(_volumes(gathered), patients)
    return replace(
        fitting,
        split=_split(fitting.split, of_patient),
        cases=patients.names,
        sample_cases=tuple(of_patient[case] for case in fitting.sample_cases),
        features={
            name: ByCase(
                cases=patients.names, values=combined(part.values, patients), names=part.names
            )
            for name, part in fitting.features.items()
        },
        classic=classic,
        sizes=np.log(volumes) if (volumes > 0).all() else None,
    )


def _volumes(gathered: Gathered) -> DoubleArray:
    """Return the volume of each case's mask (cases, 1), not a number where it has none."""
    volumes = [gathered.facts[case.id].mask_mm3 or np.nan for case in gathered.cases]
    return np.array(volumes, np.float64)[:, None]


def _split(split: Split, of_patient: Mapping[str, str]) -> Split:
    """Return the part of every patient; all cases of a patient are on one side (PROMISES L1)."""
    return {of_patient[case]: part for case, part in split.items() if case in of_patient}
