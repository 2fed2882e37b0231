"""The main job: a cohort goes in; a feature table, a report and a model come out.

In: a manifest, a folder or an edited plan, the run folder and what is asked. Out: a ``RunRecord``.
Each stage below is one call, and leaves a file of the run folder (DESIGN, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from latentomics.core import Result, write_atomic
from latentomics.dataset import Prepared
from latentomics.features import write_with_dictionary
from latentomics.flow.asked import PLAN, edited_plan, order_of
from latentomics.flow.clock import Clock, budget_of
from latentomics.flow.decide import decide, within_memory
from latentomics.flow.evaluations import by_default
from latentomics.flow.evidence import without_intervals
from latentomics.flow.finished import asked_sha256, now
from latentomics.flow.fitting import Fitting, Stores, fit_split, stores_of
from latentomics.flow.folder import (
    provenance,
    write_cohort,
    write_json,
    write_rejected,
    write_results,
    write_verdict,
)
from latentomics.flow.foresight import Foresight
from latentomics.flow.gather import Gathered, Split, gather, prepare_cases, without
from latentomics.flow.judging import judge
from latentomics.flow.measuring import classic_of
from latentomics.flow.model import write_model
from latentomics.flow.patients import Rows, refuse_mixed, rows_of
from latentomics.flow.pictures import write_pictures
from latentomics.flow.question import Question
from latentomics.flow.records import Event, OnEvent, RunRecord, ignore
from latentomics.flow.sealing import seal
from latentomics.flow.tables import table_of
from latentomics.flow.tracking import Track, of_record, of_results, refuse_missing, tracking
from latentomics.planning import Plan, Request, load_plan

DONE = "before, by the same request on the same files: nothing was done again"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What the stages of one run share."""

    folder: Path
    request: Request
    edited: Plan | None  # by the user; without one every split is planned from its own cases
    shares: tuple[float, float, float]
    resume: bool
    workers: int | None
    clock: Clock
    on_event: OnEvent
    track: Track
    begun: str = field(default_factory=now)

    def place(self, fold: int | None) -> Path:
        """Return the folder of a fold, None the run's own split; made where it is missing."""
        place = self.folder if fold is None else self.folder / "folds" / str(fold)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def tell(self, stage: str, message: str) -> None:
        """Say that a stage has begun."""
        self.on_event(Event(stage=stage, done=0, total=1, message=message))


def run(
    source: Path,
    folder: Path,
    asked: Request | None = None,
    *,
    resume: bool = False,
    workers: int | None = None,
    track: Sequence[str] = (),
    begun: float | None = None,
    on_event: OnEvent = ignore,
) -> RunRecord:
    """Learn features from a cohort, and show what they are worth.

    A folder in which the same was done already, by the same version and on files that were not
    written since, is left as it is.

    Parameters
    ----------
    source : Path
        A manifest, a folder of images, or a plan (``.yaml``).
    folder : Path
        The run folder; made where it is missing.
    asked : Request, optional
        What is asked of the cohort; a plan holds its own.
    resume : bool
        Go on where the folder's run stopped, with its plan.
    workers : int, optional
        Processes that read cases; all cores by default.
    track : sequence of str
        Trackers that are told as the run goes: mlflow, tensorboard.
    begun : float, optional
        When the budget began to run, by ``time.monotonic``; now by default.
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

    asked = asked or Request()
    refuse_missing(track)
    edited = edited_plan(source, asked)
    with lock_folder(folder):  # before its plan is read: a run that is under way is not resumable
        order = order_of(source, folder, asked, edited, resume=resume)
        if order.done:
            on_event(Event(stage="done", done=1, total=1, message=DONE))
            return order.done
        with tracking(track, folder) as told:
            job = Job(
                folder=folder,
                request=order.request,
                edited=edited,
                shares=order.shares,
                resume=resume,
                workers=workers,
                clock=Clock(budget_s=budget_of(order.request, edited), begun=begun),
                on_event=on_event,
                track=told,
            )
            return _run(job)


def _run(job: Job) -> RunRecord:
    with job.clock.stage("read"):
        gathered = gather(
            job.request,
            shares=job.shares,
            workers=job.workers,
            on_event=job.on_event,
            on_rejected=partial(write_rejected, job.folder / "rejected.csv"),
        )
        write_json(job.folder / "check.json", gathered.check.overview())
        refuse_mixed(gathered)
    with job.clock.stage("plan"):
        plan = _plan(job, gathered)
    with job.clock.stage("prepare"):
        prepared = _prepared(job, gathered, plan)
        gathered = without(gathered, prepared.rejected)
        write_rejected(job.folder / "rejected.csv", gathered.rejected)
    write_cohort(job.folder / "cohort.parquet", gathered)
    with job.clock.stage("classic"):
        classic = classic_of(gathered, plan, workers=plan.workers, on_event=job.on_event)
    with job.clock.stage("plan"):
        of_folds = [_plan(job, gathered, fold, plan) for fold in range(len(gathered.folds))]
    time_of = Foresight(
        clock=job.clock,
        gathered=gathered,
        main=plan,
        folds=of_folds,
        classic=classic,
        on_event=job.on_event,
    )
    time_of.begin()
    with job.clock.stage("train"):
        main, stores = _fit(job, gathered, plan, prepared, time_of)
        main = replace(main, classic=classic)
    folds = [_fold(job, gathered, fold, main, time_of) for fold in range(len(gathered.folds))]
    with job.clock.stage("evidence"):
        job.tell("evidence", "probes, sites and shift")
        rows = rows_of(gathered, main, folds)
        question = Question(
            gathered=gathered, main=main, stores=stores, workers=plan.workers, on_event=job.on_event
        )
        results = by_default(question, rows)
        sentences = judge(results, main, job.request)
        if job.request.demonstration:
            results = without_intervals(results)
    return _write(job, gathered, main, stores, rows, results, sentences)


def _plan(job: Job, gathered: Gathered, fold: int | None = None, like: Plan | None = None) -> Plan:
    """Return the plan of a split: the one it was begun with, the user's, or a new one."""
    path, split = job.place(fold) / PLAN, _split(gathered, fold)
    given = load_plan(path) if path.is_file() else job.edited
    job.tell("plan", "from the training cases")
    if given:
        plan = within_memory(given, gathered, split, workers=job.workers)
    else:
        plan = decide(gathered, split, like=like, workers=job.workers)
    job.tell("memory", plan.memory.reason)
    write_atomic(path, plan.to_yaml())
    return plan


def _split(gathered: Gathered, fold: int | None) -> Split:
    return gathered.split if fold is None else gathered.folds[fold]


def _prepared(job: Job, gathered: Gathered, plan: Plan) -> Prepared:
    return prepare_cases(gathered.cases, plan, workers=plan.workers, on_event=job.on_event)


def _fit(
    job: Job,
    gathered: Gathered,
    plan: Plan,
    prepared: Prepared,
    time_of: Foresight,
    fold: int | None = None,
    like: Fitting | None = None,
) -> tuple[Fitting, Stores]:
    """Fit a split within its share of the time, and keep the plan that it came to."""
    stores = stores_of(plan, prepared, gathered.cases, _split(gathered, fold))
    fitting = fit_split(
        plan,
        stores,
        job.place(fold),
        resume=job.resume,
        sharing=time_of.sharing() if like is None else (),
        timing=None if job.clock.budget_s is None else time_of,
        like=like,
        on_event=job.on_event,
        on_record=lambda record: job.track(of_record(record, fold)),
    )
    write_atomic(job.place(fold) / PLAN, fitting.plan.to_yaml())
    return fitting, stores


def _fold(job: Job, gathered: Gathered, fold: int, main: Fitting, time_of: Foresight) -> Fitting:
    """Do everything again with the training cases of a fold."""
    time_of.begin(fold)
    with job.clock.stage(f"fold {fold + 1}"):
        plan = time_of.folds[fold]
        like = (main.plan, main.classic)
        classic = classic_of(gathered, plan, like=like, workers=plan.workers, on_event=job.on_event)
        prepared = _prepared(job, gathered, plan)
        fitting, _ = _fit(job, gathered, plan, prepared, time_of, fold, main)
        return replace(fitting, classic=classic)


def _write(
    job: Job,
    gathered: Gathered,
    main: Fitting,
    stores: Stores,
    rows: Rows,
    results: Sequence[Result],
    sentences: tuple[tuple[str, str], ...],
) -> RunRecord:
    from latentomics.report import write_card, write_report

    folder = job.folder
    with job.clock.stage("write"):
        job.tell("report", "tables, pictures and report")
        write_results(folder / "results.json", results)
        write_verdict(folder / "verdict.json", sentences)
        features = table_of(gathered, main, rows)
        sha256 = write_model(folder / "model", main, features)
        table = write_with_dictionary(features, folder / "features.parquet")
        unit = next(iter(gathered.facts.values())).value_unit
        write_pictures(folder / "pictures", main, stores.every, unit, gathered.classes())
    outcome = {
        "outcome": main.fitted.outcome,
        "weights_sha256": sha256,
        "asked_sha256": asked_sha256(job.request, job.edited),
        "begun": job.begun,
    }
    stages = job.clock.stages
    write_json(folder / "provenance.json", provenance(gathered, main.plan, stages, outcome))
    report = write_report(folder)
    write_card(folder)
    seal(folder)
    job.track(of_results(results, main.plan, main.fitted.history[-1].step))
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
