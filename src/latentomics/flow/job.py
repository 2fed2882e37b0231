"""The main job: a cohort goes in; a feature table, a report and a model come out.

In: a manifest, a folder or an edited plan, the run folder and the options. Out: a ``RunRecord``.
Each stage below is one call, and leaves a file of the run folder (DESIGN, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from latentomics.core import IntArray, RequestError, Result, write_atomic
from latentomics.dataset import Prepared
from latentomics.flow.clock import Clock
from latentomics.flow.decide import decide
from latentomics.flow.evidence import evidence, without_intervals
from latentomics.flow.fitting import Fitting, Stores, fit_split, stores_of
from latentomics.flow.folder import (
    provenance,
    write_cohort,
    write_json,
    write_rejected,
    write_results,
)
from latentomics.flow.gather import Gathered, Split, gather, prepare_cases, request_of, without
from latentomics.flow.judging import judge
from latentomics.flow.model import write_model
from latentomics.flow.pictures import write_pictures
from latentomics.flow.records import Event, OnEvent, RunOptions, RunRecord, ignore
from latentomics.flow.sealing import seal
from latentomics.flow.tables import write_features
from latentomics.planning import Plan, Request, load_plan

DEFAULT_SHARES = (0.7, 0.1, 0.2)
DEFAULT_BUDGET_S = 600.0
PLAN = "plan.yaml"


def run(
    source: Path,
    folder: Path,
    *,
    request_options: RunOptions | None = None,
    on_event: OnEvent = ignore,
) -> RunRecord:
    """Learn features from a cohort, and show what they are worth.

    Parameters
    ----------
    source : Path
        A manifest, a folder of images, or a plan (``.yaml``).
    folder : Path
        The run folder; made where it is missing.
    request_options : RunOptions, optional
        What is asked; a plan's own request stands where the source is a plan.
    on_event : callable, optional
        Told where the run stands.

    Raises
    ------
    RequestError
        When the request is wrong, or the folder holds another run.
    IncompleteError
        When too few cases are left to train.
    Interrupted
        After Ctrl-C; ``resume`` goes on.
    """
    from latentomics.training import lock_folder

    options = request_options or RunOptions()
    given = _given_plan(source, folder, options)
    with ExitStack() as stack:
        stack.enter_context(lock_folder(folder))
        return _run(source, folder, given, options, on_event)


def _given_plan(source: Path, folder: Path, options: RunOptions) -> Plan | None:
    """Return the plan that the user edited, or the one of the run that is resumed."""
    begun = folder / PLAN
    if options.resume and begun.is_file():
        return load_plan(begun)
    if begun.is_file():
        raise RequestError(
            "a run lies here already",
            str(folder),
            "go on with --resume, or choose another folder",
        )
    if folder.exists() and not folder.is_dir():
        raise RequestError("the run folder is a file", str(folder), "choose another folder")
    return load_plan(source) if source.suffix in (".yaml", ".yml") else None


def _run(
    source: Path, folder: Path, given: Plan | None, options: RunOptions, on_event: OnEvent
) -> RunRecord:
    request = given.request if given else request_of(source, options)
    clock = Clock(budget_s=_budget(request, given))
    shares = given.split.value if given else DEFAULT_SHARES
    seed = given.seed if given else options.seed
    with clock.stage("read"):
        gathered = gather(
            request,
            shares,
            seed,
            workers=options.workers,
            on_event=on_event,
            on_rejected=partial(write_rejected, folder / "rejected.csv"),
        )
        write_json(folder / "check.json", gathered.check.plain())
    with clock.stage("plan"):
        on_event(Event(stage="plan", done=0, total=1, message="from the training cases"))
        plan = given or decide(gathered, gathered.split, options)
        write_atomic(folder / PLAN, plan.to_yaml())
    gathered, prepared = _prepare(gathered, plan, folder, clock, options, on_event)
    write_cohort(folder / "cohort.parquet", gathered)
    main, stores, folds = _fit_all(
        gathered, plan, prepared, folder, clock, options, given, on_event
    )
    write_atomic(folder / PLAN, main.plan.to_yaml())
    with clock.stage("evidence"):
        on_event(Event(stage="evidence", done=0, total=1, message="probes, sites and shift"))
        results = evidence(gathered, main, folds, seed=seed)
        sentences = judge(results, main, request)
        if request.demonstration:
            results = without_intervals(results)
    return _write(gathered, main, stores, results, sentences, folder, clock, on_event)


def _budget(request: Request, given: Plan | None) -> float | None:
    if request.epochs is not None or (given and given.length.value.steps is not None):
        return None
    return request.budget_s or DEFAULT_BUDGET_S


def _prepare(
    gathered: Gathered,
    plan: Plan,
    folder: Path,
    clock: Clock,
    options: RunOptions,
    on_event: OnEvent,
) -> tuple[Gathered, Prepared]:
    with clock.stage("prepare"):
        prepared = prepare_cases(gathered.cases, plan, workers=options.workers, on_event=on_event)
        gathered = without(gathered, prepared.rejected)
        write_rejected(folder / "rejected.csv", gathered.rejected)
    return gathered, prepared


def _fit_all(
    gathered: Gathered,
    plan: Plan,
    prepared: Prepared,
    folder: Path,
    clock: Clock,
    options: RunOptions,
    given: Plan | None,
    on_event: OnEvent,
) -> tuple[Fitting, Stores, list[Fitting]]:
    """Fit the run's own split, and then every fold with a plan from its own training cases."""
    ids = [case.id for case in gathered.cases]
    parts, labels = max(1, len(gathered.folds)), len(gathered.request.labels)

    def fitted(
        plan: Plan,
        prepared: Prepared,
        split: Split,
        where: Path,
        left: int,
        like: Fitting | None = None,
    ) -> tuple[Fitting, Stores]:
        stores = stores_of(plan, prepared, ids, split)
        fitting = fit_split(
            plan,
            stores,
            split,
            where,
            resume=options.resume,
            remaining_s=clock.training_s(left, parts, labels),
            domains=_domains(gathered, stores),
            like=like,
            on_event=on_event,
        )
        return fitting, stores

    with clock.stage("train"):
        main, stores = fitted(plan, prepared, gathered.split, folder, 1 + len(gathered.folds))
    folds = []
    for number, split in enumerate(gathered.folds):
        with clock.stage(f"fold {number + 1}"):
            on_event(Event(stage=f"fold {number + 1}", done=number, total=len(gathered.folds)))
            own = given or decide(gathered, split, options)
            of_fold = prepare_cases(gathered.cases, own, workers=options.workers, on_event=on_event)
            where = folder / "folds" / str(number)
            where.mkdir(parents=True, exist_ok=True)
            left = len(gathered.folds) - number
            folds.append(fitted(own, of_fold, split, where, left, main)[0])
    return main, stores, folds


def _domains(gathered: Gathered, stores: Stores) -> IntArray:
    """Return the site number of each training sample, -1 where it is unknown."""
    sites = {case.id: case.site for case in gathered.cases}
    names = sorted({site for site in sites.values() if site is not None})
    numbers = {name: number for number, name in enumerate(names)}
    known = [sites[case] for case in stores.train.cases]
    return np.array([-1 if site is None else numbers[site] for site in known], np.int64)


def _write(
    gathered: Gathered,
    main: Fitting,
    stores: Stores,
    results: Sequence[Result],
    sentences: tuple[tuple[str, str], ...],
    folder: Path,
    clock: Clock,
    on_event: OnEvent,
) -> RunRecord:
    from latentomics.report import write_report

    with clock.stage("write"):
        on_event(Event(stage="report", done=0, total=1, message="tables, pictures and report"))
        write_results(folder / "results.json", results)
        write_json(
            folder / "verdict.json",
            [{"status": status, "sentence": sentence} for status, sentence in sentences],
        )
        sha256 = write_model(folder / "model", gathered, main, stores, results)
        table = write_features(folder, gathered, main)
        unit = next(iter(gathered.facts.values())).value_unit
        write_pictures(folder / "pictures", main, stores.every, unit)
    outcome = {"outcome": main.fitted.outcome, "weights_sha256": sha256}
    write_json(folder / "provenance.json", provenance(gathered, main.plan, clock.stages, outcome))
    report = write_report(folder)
    seal(folder)
    return RunRecord(
        folder=folder,
        table=table,
        report=report,
        results=tuple(results),
        verdict=sentences,
        rejected=len(gathered.rejected),
        exit_code=_exit_code(main, gathered),
    )


def _exit_code(main: Fitting, gathered: Gathered) -> int:
    if main.fitted.outcome != "finished":
        return 4
    return 3 if gathered.rejected else 0
