"""A run's table curated: the columns that vary, repeat, stand for themselves and know no site.

In: a run folder. Out: features_curated.parquet with its dictionary, curation.csv with the figures
that decided on each column, and records in results.json. What is learned is learned on training
cases; the run's own stability and shift were measured on test cases, so both are measured anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import (
    Case,
    DoubleArray,
    IntegrityError,
    RequestError,
    Result,
    stream,
    write_atomic,
)
from latentomics.evaluation import (
    CURATION_STEPS,
    LOWEST_ICC,
    Again,
    Curation,
    LabelLike,
    Part,
    Training,
    comparable,
    curate_columns,
    curation_records,
    numbered,
    probe,
    site_label,
)
from latentomics.features import (
    CHAINED,
    FeatureTable,
    Repeated,
    read_table,
    write_with_dictionary,
)
from latentomics.flow.asked import PLAN
from latentomics.flow.asking import put
from latentomics.flow.cohorts import own_cohort
from latentomics.flow.comparing import held_labels
from latentomics.flow.evidence import without_intervals
from latentomics.flow.gather import counter
from latentomics.flow.model import Model
from latentomics.flow.opened import load_run
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.question import one_thread
from latentomics.flow.records import CurateRecord, Event, OnEvent, ignore
from latentomics.flow.sealing import verify
from latentomics.flow.stability import MOST, in_turn, measured_again
from latentomics.planning import load_plan

if TYPE_CHECKING:
    from pandas import DataFrame

CURATED, DICTIONARY = "features_curated.parquet", "features_curated_dictionary.csv"
FIGURES = "curation.csv"
LEAST_VARIANCE = 0.01  # of a latent of a Gaussian code: those below are not in use (METHODS 11)
AS_THEY_ARE = ("latent", "pooled", "posterior")  # groups of one unit
SAME = 1e-3  # of a latent's standard deviation: between machines
SIZE = "size_mm3"


def curate(
    run: Path,
    *,
    lowest_icc: float = LOWEST_ICC,
    without: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> CurateRecord:
    """Write a curated table beside a run's own, and what curation changes.

    Parameters
    ----------
    lowest_icc : float
        The lower 95 % limit of ICC(A,1) of a column that repeats lies above it.
    without : sequence of str
        Steps to leave out: variance, stability, redundancy, shift.

    Raises
    ------
    RequestError
        When a step is unknown, no run lies there, its rows are patients or its manifest is gone.
    IntegrityError
        When a file of the run, or a case that is measured again, is not what it was.
    """
    from latentomics.training import lock_folder

    refuse_unknown(without, lowest_icc)
    model, _ = load_run(run)
    refuse_rows_of_patients(model.plan.request, str(run))
    with lock_folder(run):
        verify(run)
        table = read_table(run / "features.parquet")
        again = None
        if "stability" not in without:
            again = _again(run, model, table, workers=workers, on_event=on_event)
        on_event(
            Event(stage="evidence", done=0, total=1, message="steps, and probes on test cases")
        )
        training = _training(model, table, again)
        found = curate_columns(training, lowest_icc=lowest_icc, without=without)
        results = [*curation_records(found, training), *_probed(run, model, table, found)]
        if model.plan.request.demonstration:
            results = without_intervals(results)
        write_with_dictionary(_curated(table, found), run / CURATED)
        frame = _figures(found)
        write_atomic(run / FIGURES, lambda part: frame.to_csv(part, index=False))
        put(run, results, (CURATED, DICTIONARY, FIGURES))
    return CurateRecord(
        table=run / CURATED,
        report=run / "report.html",
        kept=found.kept,
        columns=len(found.names),
        results=tuple(results),
    )


def refuse_unknown(without: Sequence[str], lowest_icc: float) -> None:
    """Refuse steps that do not exist, and limits that no agreement has.

    Raises
    ------
    RequestError
        With the steps that there are.
    """
    unknown = sorted(set(without) - set(CURATION_STEPS))
    if unknown:
        raise RequestError(
            f"there is no step {unknown[0]!r} of curation",
            "--without",
            f"choose of: {', '.join(CURATION_STEPS)}",
        )
    if not -1 <= lowest_icc < 1:
        raise RequestError(f"no ICC lies above {lowest_icc:g}", "--icc", "try --icc 0.75")


def _again(
    run: Path, model: Model, table: FeatureTable, *, workers: int | None, on_event: OnEvent
) -> Again | None:
    """Measure training cases again; the columns that were, in every way that differs at once."""
    cohort = own_cohort(load_plan(run / PLAN).request)
    training = set(table.frame.loc[table.frame["split"] == "train", "case"])
    cases = [case for case in cohort.cases if case.id in training]
    chosen: list[Case] = in_turn(cases, stream(model.plan.seed, "curation"))[:MOST]
    repeated = measured_again(
        chosen,
        model.plan,
        model.network,
        model.pooled_components,
        seed=model.plan.seed,
        workers=workers,
        on_done=counter("stability", len(chosen), "measuring training cases again", on_event),
    )
    if repeated is None:
        return None
    _refuse_other_pictures(repeated, table, str(cohort.manifest))
    ways = repeated.raters(CHAINED)
    values = {
        name: repeated.tables[group][:, ways, column].astype(np.float64)
        for group in ("latent", "pooled", "classic")
        if group in repeated.tables
        for column, name in enumerate(repeated.names[group])
    }
    if "size" in repeated.tables:
        values[SIZE] = np.exp(repeated.tables["size"][:, ways, 0].astype(np.float64))
    return Again(values=values, cases=len(repeated.cases))


def _refuse_other_pictures(repeated: Repeated, table: FeatureTable, where: str) -> None:
    """Refuse cases whose codes are no longer those of the table."""
    frame = table.frame.set_index("case")[list(table.groups["latent"])]
    before = frame.loc[list(repeated.cases)].to_numpy(np.float64)
    apart = np.abs(repeated.tables["latent"][:, 0] - before)
    changed = (apart > SAME * (frame.to_numpy(np.float64).std(axis=0) + SAME)).any(axis=1)
    if changed.any():
        first = repeated.cases[int(changed.argmax())]
        raise IntegrityError(
            f"{int(changed.sum())} pictures have changed since the run, the first of them {first}",
            where,
            "bring the cohort back to what it was, or run again",
        )


def _training(model: Model, table: FeatureTable, again: Again | None) -> Training:
    rows = np.flatnonzero(table.frame["split"] == "train")
    names = [(group, name) for group, own in table.groups.items() for name in own]
    gaussian = model.plan.network.value.code == "gaussian"
    return Training(
        names=tuple(name for _, name in names),
        groups=tuple(group for group, _ in names),
        values=table.frame[[name for _, name in names]].to_numpy(np.float64)[rows],
        least_variance=np.array(
            [LEAST_VARIANCE if gaussian and group == "latent" else 0.0 for group, _ in names]
        ),
        sites=_sites(table.frame.iloc[rows]),
        patients=numbered(list(table.frame["patient"].iloc[rows])),
        again=again,
    )


def _sites(frame: DataFrame) -> tuple[str | None, ...]:
    return tuple(site if isinstance(site, str) else None for site in frame["site"])


def _curated(table: FeatureTable, found: Curation) -> FeatureTable:
    """Return the table with the columns that are kept, and how they were chosen."""
    kept = set(found.kept)
    groups = {
        group: own
        for group, names in table.groups.items()
        if (own := tuple(name for name in names if name in kept))
    }
    first = list(table.frame.columns[:4])
    rules = [f"{step.name}: {step.rule}" for step in found.steps if not step.skipped]
    return replace(
        table,
        frame=table.frame[[*first, *(name for own in groups.values() for name in own)]],
        groups=groups,
        provenance={**table.provenance, "curation": "; ".join([*rules, "on training cases"])},
    )


def _figures(found: Curation) -> DataFrame:
    """Return one row a column: the figure of each step, what stands for it, what left it out."""
    import pandas

    left = [""] * len(found.names)
    for step in found.steps:
        for column in np.flatnonzero(step.before & ~step.kept):
            left[column] = step.name
    frame: dict[str, Sequence[object]] = {"name": found.names, "group": found.groups}
    for step in found.steps:
        frame[step.name] = step.figure.tolist()
        if step.instead:
            frame["instead"] = step.instead
    frame["left_out_by"] = left
    return pandas.DataFrame(frame)


def _probed(run: Path, model: Model, table: FeatureTable, found: Curation) -> list[Result]:
    """Probe the table and its latent before and after, for the site and every label."""
    import pandas

    frame = table.frame
    train = np.flatnonzero(frame["split"].isin(["train", "val"]))
    sets = _sets(table, set(found.kept), train)
    part = Part(train=train, test=np.flatnonzero(frame["split"] == "test"), blocks=sets)
    patients = numbered(list(frame["patient"]))
    cohort = pandas.read_parquet(run / "cohort.parquet").set_index("case")
    asked: list[LabelLike] = list(held_labels(cohort.loc[list(frame["case"])]))
    known = site_label(_sites(frame), patients)
    judge = partial(
        probe,
        parts=[part],
        patients=patients,
        seed=model.plan.seed,
        evaluation="curation",
        comparisons={name: (name.split()[0],) for name in sets if name.endswith("curated")},
    )
    with one_thread():
        return [
            one for label in (*([] if known is None else [known]), *asked) for one in judge(label)
        ]


def _sets(
    table: FeatureTable, kept: set[str], train: np.ndarray
) -> Mapping[str, Sequence[DoubleArray]]:
    """Return the blocks of the whole table and of the latent, before and after."""
    blocks = {}
    for group, names in table.groups.items():
        values = table.values(group)
        values = values if group in AS_THEY_ARE else comparable(values, train)
        blocks[group] = (values, np.array([name in kept for name in names]))
    sets = {"table": [block for block, _ in blocks.values()], "latent": [blocks["latent"][0]]}
    after = {group: block[:, keep] for group, (block, keep) in blocks.items() if keep.any()}
    if after:
        sets["table curated"] = list(after.values())
    if "latent" in after:
        sets["latent curated"] = [after["latent"]]
    return sets
