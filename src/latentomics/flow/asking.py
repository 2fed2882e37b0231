"""Evaluations by name: asked of a run that has ended.

In: a run folder, names of evaluations and labels. Out: records, which also go into the run's
results.json in place of those that they renew; verdict and report are written again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from latentomics.core import RequestError, Result
from latentomics.flow.asked import PLAN
from latentomics.flow.evaluations import BY_DEFAULT, EVALUATIONS, ON_DEMAND, answers
from latentomics.flow.evidence import without_intervals
from latentomics.flow.external import external
from latentomics.flow.folder import read_results, write_results, write_verdict
from latentomics.flow.judging import judge
from latentomics.flow.patients import refuse_mixed, refuse_rows_of_patients, rows_of
from latentomics.flow.pictures import add_pictures
from latentomics.flow.question import Arrays, Evaluation, Question
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.flow.refitted import refit
from latentomics.flow.sealing import renew
from latentomics.planning import load_plan
from latentomics.training import lock_folder

RESULTS, VERDICT = "results.json", "verdict.json"


def ask(
    run: Path,
    only: str,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Result, ...]:
    """Answer questions about a finished run, and keep the records with it.

    Parameters
    ----------
    only : str
        Names of evaluations with commas between them: those that every run makes, which are made
        again, and those on demand. What is answered is kept, even where a later one fails.
    labels : sequence of str, optional
        Columns of the run's manifest; by default the run's own labels.

    Raises
    ------
    RequestError
        When there is no such evaluation, no label, no run, or nothing that can be answered.
    IntegrityError
        When the cohort has changed since the run.
    """
    chosen = named(only)
    question = _opened(run, chosen, labels, workers, on_event)
    found: dict[str, list[Result]] = {}
    arrays: Arrays = {}
    try:
        for name, own in _answered(question, chosen):
            if own:
                found[name] = own
                arrays |= chosen[name].pictures(question)
            else:
                remark = f"{name} finds nothing: it needs {chosen[name].needs}"
                on_event(Event(stage="evidence", done=1, total=1, remark=remark))
    finally:
        if found:
            whole = [name for name in found if not labels and not chosen[name].labelled]
            _keep_answers(run, question, found, whole, arrays)
    if not found:
        raise RequestError(
            f"no record of {', '.join(chosen)} can be made",
            str(run),
            "; ".join(f"{name} needs {one.needs}" for name, one in chosen.items()),
        )
    return tuple(result for own in found.values() for result in own)


def named(only: str) -> dict[str, Evaluation]:
    """Return evaluations by name, in the order of a run.

    Raises
    ------
    RequestError
        With the names that are known, those alike first.

    Examples
    --------
    >>> list(named("stability, mmd"))
    ['mmd', 'stability']
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    wanted = {name: EVALUATIONS[name] for name in names or [only]}
    return {name: wanted[name] for name in {**BY_DEFAULT, **ON_DEMAND} if name in wanted}


def _opened(
    run: Path,
    chosen: Mapping[str, Evaluation],
    labels: Sequence[str],
    workers: int | None,
    on_event: OnEvent,
) -> Question:
    question = refit(
        run,
        labels=labels,
        folds=any(one.folds for one in chosen.values()),
        errors=any(one.errors for one in chosen.values()),
        workers=workers,
        on_event=on_event,
    )
    if any(one.labelled for one in chosen.values()) and not question.labels:
        raise RequestError(
            "no label is known", str(run), "name a column of the run's manifest with --label"
        )
    if any(name in ON_DEMAND and not one.of_rows for name, one in chosen.items()):
        refuse_rows_of_patients(question.gathered.request, str(run))
    refuse_mixed(question.gathered)
    return replace(question, asked=frozenset(chosen))


def _answered(
    question: Question, chosen: Mapping[str, Evaluation]
) -> Iterator[tuple[str, list[Result]]]:
    """Give the records of each evaluation, and tell which one is being made."""

    def told() -> Iterator[tuple[str, Evaluation]]:
        for number, (name, one) in enumerate(chosen.items()):
            message = name.replace("_", " ")
            question.on_event(
                Event(stage="evidence", done=number, total=len(chosen), message=message)
            )
            yield name, one

    rows = rows_of(question.gathered, question.main, question.folds)
    for name, found in answers(question, rows, told()):
        demonstration = question.gathered.request.demonstration
        yield name, without_intervals(found) if demonstration else found


def _keep_answers(
    run: Path,
    question: Question,
    found: Mapping[str, Sequence[Result]],
    whole: Sequence[str],
    arrays: Arrays,
) -> None:
    """Keep records with the run, and judge it again where its own evaluations were made again."""
    request = load_plan(run / PLAN).request  # whose labels are the run's own
    again = not request.demonstration and any(name in BY_DEFAULT for name in found)
    with lock_folder(run):
        records = [result for own in found.values() for result in own]
        results = merged(read_results(run / RESULTS), records, whole)
        write_results(run / RESULTS, results)
        if again:
            write_verdict(run / VERDICT, judge(results, question.main, request))
        changed = [RESULTS, *([VERDICT] if again else [])]
        if arrays:
            changed.append(add_pictures(run, arrays))
        renew(run, changed)


def ask_elsewhere(
    run: Path,
    other: Path,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Result, ...]:
    """Judge a finished run on another cohort, and keep the records with the run.

    Raises
    ------
    RequestError, IncompleteError
        See ``external``.
    """
    found = external(run, other, labels=labels, workers=workers, on_event=on_event)
    with lock_folder(run):
        put(run, found)
    return tuple(found)


def put(run: Path, found: Sequence[Result], changed: Sequence[str] = ()) -> None:
    """Write records into a run that is locked, and the report; other files have changed too."""
    write_results(run / RESULTS, merged(read_results(run / RESULTS), found))
    renew(run, (RESULTS, *changed))


def merged(
    before: Sequence[Result], found: Sequence[Result], whole: Container[str] = ()
) -> list[Result]:
    """Put records in place of those of the same evaluation, target and cohort.

    Parameters
    ----------
    whole : container of str
        Evaluations of which nothing old is kept, whatever its target.
    """

    def key(one: Result) -> tuple[object, ...]:
        return one.evaluation, one.target, one.settings.get("on")

    replaced = {key(one) for one in found}
    kept = [one for one in before if key(one) not in replaced and one.evaluation not in whole]
    order = list(dict.fromkeys(one.evaluation for one in (*before, *found)))
    return sorted([*kept, *found], key=lambda one: order.index(one.evaluation))
