"""What a run would do and what it would take, without doing it: the dry run.

In: what the main job takes. Out: an ``Outlook``, or the refusal that the run would give. No folder
is made; only the cache of prepared samples grows, by those that the plan is made from. Seconds of
wall time.
"""

from __future__ import annotations

from pathlib import Path

from latentomics.flow.asked import PLAN, edited_plan, order_of
from latentomics.flow.clock import budget_of
from latentomics.flow.decide import decide, within_memory
from latentomics.flow.gather import Gathered, gather
from latentomics.flow.patients import refuse_mixed
from latentomics.flow.records import Event, OnEvent, Outlook, ignore
from latentomics.flow.tracking import refuse_missing
from latentomics.methods import method_of
from latentomics.planning import Plan, Request, load_plan, pipeline_of


def outlook(
    source: Path,
    folder: Path,
    asked: Request | None = None,
    *,
    resume: bool = False,
    workers: int | None = None,
    track: tuple[str, ...] = (),
    on_event: OnEvent = ignore,
) -> Outlook:
    """Say what a run would do and take, by the words of ``run``.

    What only shows when samples are prepared (a case that cannot be resampled, values outside of
    what a likelihood takes) is not foreseen.

    Raises
    ------
    RequestError, IncompleteError
        As the run would.
    """
    from latentomics.training import refuse_held

    asked = asked or Request()
    refuse_missing(track)
    edited = edited_plan(source, asked)
    refuse_held(folder)
    order = order_of(source, folder, asked, edited, resume=resume)
    if order.done:
        return Outlook(
            plan=load_plan(folder / PLAN),
            seconds=0.0,
            time="none: the same was done before, on the same files",
            rejected=order.done.rejected,
            exit_code=order.done.exit_code,
            done_before=True,
        )
    gathered = gather(order.request, shares=order.shares, workers=workers, on_event=on_event)
    refuse_mixed(gathered)
    on_event(Event(stage="plan", done=0, total=1, message="from the training cases"))
    if order.given:
        plan = within_memory(order.given, gathered, gathered.split, workers=workers)
        method_of(plan)
    else:
        plan = decide(gathered, gathered.split, workers=workers)
    seconds, time = _foreseen(plan, gathered, budget_of(order.request, edited))
    return Outlook(
        plan=plan,
        seconds=seconds,
        time=time,
        rejected=len(gathered.rejected),
        exit_code=3 if gathered.rejected else 0,
    )


def _foreseen(plan: Plan, gathered: Gathered, budget_s: float | None) -> tuple[float, str]:
    """Return the wall time of the run by its budget, or of its training by the steps' own pace."""
    length = plan.length.value
    if budget_s is not None and length.steps is None and length.epochs is None:
        by = "--budget" if gathered.request.budget_s else "the default"
        return budget_s, f"about {budget_s:.0f} s in all ({by})"
    steps = _steps(plan, gathered)
    step_s = _step_s(plan)
    fittings = 1 + len(gathered.folds)
    seconds = fittings * steps * step_s
    times = f"{fittings} times " if fittings > 1 else ""
    words = f"about {seconds:.0f} s of training ({times}{steps:,} steps of {1000 * step_s:.0f} ms)"
    return seconds, f"{words}; reading, encoding and evidence come on top"


def _steps(plan: Plan, gathered: Gathered) -> int:
    from latentomics.training import epoch_rows

    length = plan.length.value
    if length.steps is not None or length.epochs is None:
        return length.stop or length.steps or 0
    training = sum(gathered.split[case.id] == "train" for case in gathered.cases)
    rows = epoch_rows(plan, training * (pipeline_of(plan).samples if plan.several else 1))
    return length.epochs * max(1, rows // min(rows, plan.batch.value))


def _step_s(plan: Plan) -> float:
    from latentomics.training import estimate_step_seconds

    batch, threads = plan.batch.value, plan.threads.value
    return estimate_step_seconds(plan.network.value, batch, plan.precision.value, threads)
