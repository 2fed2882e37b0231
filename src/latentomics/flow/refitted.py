"""A finished run with everything that it was compared with, fitted again.

In: a run folder whose cohort still lies where it did. Out: a ``Question``, the fittings of the run
as they were. Nothing is trained: networks are read, and baselines, which the seed and the training
cases decide, are fitted again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentomics.core import DoubleArray, IntegrityError, RequestError
from latentomics.flow.asked import PLAN
from latentomics.flow.baselines import baselines, inputs, unfitted
from latentomics.flow.fitting import (
    Fitting,
    Stores,
    described,
    fit_split,
    stores_of,
    trainings_of,
)
from latentomics.flow.gather import Gathered, Split, gather, prepare_cases, without
from latentomics.flow.measuring import classic_of
from latentomics.flow.model import load_fitted
from latentomics.flow.question import Question
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.planning import Plan, load_plan
from latentomics.training import EpochRecord, Fitted, lock_folder

LARGEST = 1e-10  # of an axis' variance to the largest: below lies rounding
MOST_AXES = 8000  # cases or values: a square of them takes 512 MB


def refit(
    run: Path,
    *,
    labels: Sequence[str] = (),
    folds: bool = False,
    errors: bool = False,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Question:
    """Open a finished run, and fit its baselines again.

    Parameters
    ----------
    labels : sequence of str
        In place of the run's own; they may be any columns of its manifest.
    folds, errors : bool
        Whether the run's folds are opened too, and errors of reconstruction measured.

    Raises
    ------
    RequestError
        When no finished run lies there, or its cohort is not where it was.
    IntegrityError
        When the cohort is split in another way than the run's was: it has changed.
    """
    if not (run / "cohort.parquet").is_file() or not (run / "model").is_dir():
        raise RequestError(
            "no finished run lies here", str(run), "give the folder of a run that ended"
        )
    plan = load_plan(run / PLAN)
    gathered = gather(plan.request, shares=plan.split.value, workers=workers, on_event=on_event)
    prepared = prepare_cases(gathered.cases, plan, workers=workers, on_event=on_event)
    gathered = without(gathered, prepared.rejected)
    _refuse_another_cohort(run, gathered)
    stores = stores_of(plan, prepared, gathered.cases, gathered.split)
    on_event(Event(stage="encode", done=0, total=1, message="encoding every case"))
    main = _main(run, plan, stores, errors=errors, sharing=gathered.folds if folds else ())
    classic = classic_of(gathered, plan, workers=workers, on_event=on_event)
    question = Question(
        gathered=gathered,
        main=replace(main, classic=classic),
        stores=stores,
        workers=workers,
        on_event=on_event,
    )
    if folds and gathered.folds:
        question = replace(question, folds=_folds(run, question))
    if labels:
        request = gathered.request.model_copy(update={"labels": tuple(labels)})
        question = replace(question, gathered=replace(gathered, request=request))
    return question


def _main(
    run: Path, plan: Plan, stores: Stores, *, errors: bool, sharing: Sequence[Split]
) -> Fitting:
    """Return the run's own split, described by the network that it stored."""
    import torch

    torch.set_num_threads(plan.threads.value)
    model = load_fitted(run / "model")
    lines = (run / "history.jsonl").read_text().splitlines()
    provenance = json.loads((run / "provenance.json").read_text())
    fitted = Fitted(
        network=model.network,
        spec=model.network.spec,
        plan=plan,
        history=tuple(EpochRecord(**json.loads(line)) for line in lines),
        outcome=str(provenance["outcome"]),
        weights_sha256=model.weights_sha256,
    )
    beside = unfitted(plan, stores.every, trainings_of(stores, sharing))
    fixed = baselines(plan, stores.train, stores.every, beside, judged=errors)
    return described(
        fitted, stores, beside, fixed, judged=errors, components=model.pooled_components
    )


def _folds(run: Path, question: Question) -> tuple[Fitting, ...]:
    """Return the folds of a run, from the checkpoints at which their training ended.

    Raises
    ------
    RequestError
        When one of them is gone: it would have to be trained.
    """
    gathered, workers = question.gathered, question.workers
    found = []
    with lock_folder(run):
        for number, split in enumerate(gathered.folds):
            place = run / "folds" / str(number)
            if not (place / "checkpoint").is_dir() or not (place / PLAN).is_file():
                raise RequestError(
                    f"fold {number + 1} of the run is not there any more",
                    str(place),
                    "repeat the run, or ask what its own split answers: mmd, stability, ...",
                )
            plan = load_plan(place / PLAN)
            prepared = prepare_cases(gathered.cases, plan, workers=workers)
            fitting = fit_split(
                plan,
                stores_of(plan, prepared, gathered.cases, split),
                place,
                resume=True,
                like=question.main,
                on_event=question.on_event,
            )
            like = (question.main.plan, question.main.classic)
            classic = classic_of(gathered, plan, like=like, workers=workers)
            found.append(replace(fitting, classic=classic))
    return tuple(found)


def raw_values(stores: Stores) -> tuple[DoubleArray, int] | None:
    """Return all values of every case, and how many they are.

    Where these are more than cases they come on as many axes as there are cases, a rotation that
    loses nothing: distances and inner products are those of the values, and so is every model with
    an L2 penalty. None where a case has several samples, samples differ in size, or cases and
    values are both so many that memory should not hold a square of them.
    """
    every = stores.every
    if len(set(every.cases)) < len(every) or not every.uniform:
        return None
    values = every.channels * every.sample(0).mask.size
    if min(len(every), values) > MOST_AXES:
        return None
    rows = inputs(every, every.channels, 2**62).reshape(len(every), -1)
    if values <= len(rows):
        return rows.astype(np.float64), values
    train = np.isin(np.array(every.cases), np.array(stores.train.cases))
    gram = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], 4096):  # in float64 without a copy of all
        part = rows[:, start : start + 4096].astype(np.float64)
        part -= part[train].mean(axis=0)
        gram += part @ part.T
    variances, axes = np.linalg.eigh(gram)
    kept = variances > LARGEST * variances[-1]
    return axes[:, kept] * np.sqrt(variances[kept]), values


def _refuse_another_cohort(run: Path, gathered: Gathered) -> None:
    import pandas

    written = pandas.read_parquet(run / "cohort.parquet", columns=["case", "split"])
    before = dict(zip(written["case"], written["split"], strict=True))
    now = {case.id: gathered.split[case.id] for case in gathered.cases}
    if before != now:
        changed = sorted(
            name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
        )
        raise IntegrityError(
            f"the cohort has changed since the run: {len(changed)} cases are split in another way, "
            f"the first of them {changed[0]}",
            str(gathered.cohort.manifest),
            "bring the cohort back to what it was, or run again",
        )
