"""Encode new cases with a stored model, through the very preprocessing it was trained with.

In: a run folder (its ``model/`` alone is read) and a manifest. Out: a table with the model's
columns and, for each case, whether it is like the training cohort (METHODS 29).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentomics.core import Case, IncompleteError, IntegrityError, Rejection, RequestError
from latentomics.dataset import Prepared, Store
from latentomics.features import (
    Columns,
    build_table,
    classic_names,
    encode_store,
    network_errors,
    patients_of,
    posterior_variances,
    require_posterior,
    require_table_path,
    write_with_dictionary,
)
from latentomics.flow.baselines import reduce_pooled
from latentomics.flow.cohorts import new_cohort
from latentomics.flow.fitting import load
from latentomics.flow.folder import write_rejected
from latentomics.flow.gather import measured_facts, prepare_cases
from latentomics.flow.measuring import measured_by
from latentomics.flow.model import Model, case_errors, load_fitted
from latentomics.flow.patients import (
    MEAN,
    WORDS,
    chosen_patients,
    combined_columns,
    patient_cases,
    refuse_several_sites,
)
from latentomics.flow.records import EncodeRecord, Event, OnEvent, ignore
from latentomics.flow.tables import sizes_of
from latentomics.planning import Plan
from latentomics.sources import CaseFacts, mask_rules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Usable:
    """The cases that a model can read, prepared, with their facts; and those that it cannot."""

    cases: tuple[Case, ...]
    facts: Mapping[str, CaseFacts]
    prepared: Prepared
    rejected: tuple[Rejection, ...]


def usable_cases(
    plan: Plan, cases: Sequence[Case], *, workers: int | None, on_event: OnEvent = ignore
) -> Usable:
    """Read and prepare cases through the plan's own pipeline."""
    facts, unread = measured_facts(cases, workers, on_event)
    readable = [case for case in cases if case.id in facts]
    prepared = prepare_cases(readable, plan, workers=workers, on_event=on_event)
    bad = {rejection.case for rejection in prepared.rejected}
    return Usable(
        cases=tuple(case for case in readable if case.id not in bad),
        facts=facts,
        prepared=prepared,
        rejected=(*unread, *prepared.rejected),
    )


def encode(
    run: Path,
    source: Path,
    output: Path,
    *,
    per: str | None = None,
    aggregate: str | None = None,
    posterior: bool = False,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> EncodeRecord:
    """Encode the cases of a manifest.

    Parameters
    ----------
    per : str, optional
        case or patient: what a row is; as in the run by default.
    aggregate : str, optional
        mean, largest or deviant, where a row is a patient; as in the run by default. A patient is
        flagged where one of its cases is.
    posterior : bool
        Whether the variance of each latent under its posterior stands beside.

    Raises
    ------
    RequestError
        When the manifest or the output's path is wrong, or variances are asked of a code that has
        none.
    IntegrityError
        When the model is not what was written.
    IncompleteError
        When no case could be read.
    """
    require_table_path(output)
    model = load_fitted(run / "model" if (run / "model").is_dir() else run)
    request = model.plan.request
    by_patient = (per or request.per) == "patient"
    if aggregate is not None and not by_patient:
        raise RequestError(
            "what becomes of a patient's cases is asked, and rows are cases",
            f"--aggregate {aggregate}",
            "add --per patient",
        )
    if posterior:
        _refuse_no_posterior(model, by_patient=by_patient)
    cohort = new_cohort(source, request)
    usable = usable_cases(model.plan, cohort.cases, workers=workers, on_event=on_event)
    cases, rejected = usable.cases, (*cohort.rejected, *usable.rejected)
    if rejected:
        write_rejected(output.with_name(f"{output.stem}_rejected.csv"), rejected)
    if not cases:
        raise IncompleteError(
            "no case could be encoded",
            str(source),
            f"see {output.stem}_rejected.csv for each case's reason and remedy",
        )
    store = load(model.plan, usable.prepared, [case.id for case in cases])
    on_event(Event(stage="encode", done=0, total=len(cases), message="encoding"))
    groups = _columns(model, store, usable, workers, on_event)
    if posterior:
        found = posterior_variances(model.network, model.plan, store)
        groups["posterior"] = Columns(names=found.names, values=found.values)
    mask = mask_rules([usable.facts[case.id] for case in cases])
    provenance = {**model.provenance, "mask": mask}
    if by_patient:
        how = aggregate or request.aggregate or MEAN
        cases, groups = _by_patient(model, usable, groups, how)
        provenance["rows"] = WORDS[how]
    else:
        provenance.pop("rows", None)
    table = build_table(cases, {}, groups, provenance)
    flagged = int(groups["likeness"].values[:, -1].sum()) if "likeness" in groups else 0
    write_with_dictionary(table, output)
    return EncodeRecord(
        table=output,
        rows=len(cases),
        flagged=flagged,
        rejected=len(rejected),
        exit_code=3 if rejected else 0,
    )


def _refuse_no_posterior(model: Model, *, by_patient: bool) -> None:
    require_posterior(model.network, model.plan)
    if by_patient:
        raise RequestError(
            "a patient of several cases has a posterior for each and none of its own",
            "--posterior, rows are patients",
            "add --per case",
        )


def _columns(
    model: Model, store: Store, usable: Usable, workers: int | None, on_event: OnEvent
) -> dict[str, Columns]:
    """Return the columns of the run's table, and how like its cohort each case is."""
    encoded = encode_store(model.network, model.plan, store)
    found = {"latent": encoded.latent}
    if encoded.pooled is not None and model.pooled_components is not None:
        found["pooled"] = reduce_pooled(encoded.pooled, model.pooled_components)
    groups = {name: Columns(names=part.names, values=part.values) for name, part in found.items()}
    if "classic" in model.groups:
        groups["classic"] = _classic(model, usable.cases, workers, on_event)
    if "size" in model.groups:
        groups["size"] = sizes_of([usable.facts[case.id] for case in usable.cases])
    if model.reference is None:
        return groups
    errors = case_errors(network_errors(model.network, store), store.cases, encoded.cases)
    likeness = model.reference.compare(encoded.latent.values, errors)
    groups["likeness"] = Columns(
        names=("p_code", "p_error", "unlike_training"),
        values=np.stack([likeness.p_code, likeness.p_error, likeness.unlike], axis=1),
    )
    return groups


def _by_patient(
    model: Model, usable: Usable, groups: Mapping[str, Columns], how: str
) -> tuple[tuple[Case, ...], dict[str, Columns]]:
    """Return a row a patient; one is as unlike the training cohort as any of its cases.

    Raises
    ------
    RequestError
        When cases of a patient come from different sites, or what is asked cannot be known.
    """
    refuse_several_sites(usable.cases)
    reference = model.reference
    if how == "deviant" and reference is None:
        raise RequestError(
            "the model has too few validation cases to know how far a code lies off",
            "--aggregate deviant",
            "use mean or largest",
        )
    patients = chosen_patients(
        usable.cases,
        how,
        facts=usable.facts,
        distances=lambda: reference.distance(groups["latent"].values),  # type: ignore[union-attr]
    )
    found = {name: combined_columns(part, patients) for name, part in groups.items()}
    if "likeness" in groups:
        p_and_flag = groups["likeness"]
        every = patients_of([case.patient for case in usable.cases])
        worst = [
            [*p_and_flag.values[rows, :-1].min(axis=0), p_and_flag.values[rows, -1].max()]
            for rows in every.rows
        ]
        found["likeness"] = Columns(names=p_and_flag.names, values=np.array(worst))
    return patient_cases(usable.cases, patients), found


def _classic(
    model: Model, cases: Sequence[Case], workers: int | None, on_event: OnEvent
) -> Columns:
    """Measure classic radiomics as the run did; a case that cannot be measured has empty columns.

    Raises
    ------
    IntegrityError
        When this version measures other columns than the model's.
    """
    settings, names = model.plan.classic.value, model.groups["classic"]
    dimension = next((d for d in (2, 3) if classic_names(d) == names), None)
    if settings is None or dimension is None:
        raise IntegrityError(
            "the model's classic columns are not those that this version measures",
            "model.json, keys columns and plan.classic",
            "encode with the version that the model card names, or repeat the run",
        )
    found = measured_by(cases, settings, dimension, workers, on_event)
    if found.rejected:
        first = found.rejected[0]
        words = f"{len(found.rejected)} of {len(cases)} cases have empty classic columns"
        on_event(
            Event(
                stage="classic",
                done=len(cases),
                total=len(cases),
                remark=f"{words}; case {first.case}: {first.reason}",
            )
        )
    return found.columns
