"""Look before you run: what a cohort holds, and what would be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentomics.flow.gather import counter, gather
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.planning import Plan, Request
from latentomics.sources import CohortCheck, check_cohort, label_of, read_cohort


def check(
    source: Path,
    *,
    labels: Sequence[str] = (),
    site: str | None = None,
    channels: tuple[str, ...] = ("image",),
    mask_label: int | None = None,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> CohortCheck:
    """Read every file of a cohort and say what was found."""
    cohort = read_cohort(source, channels=channels, site=site, mask_label=mask_label)
    told = counter("read", len(cohort.cases), "reading every file", on_event)
    of_cases = [label_of(cohort.cases, name) for name in labels]
    return check_cohort(cohort, of_cases, workers=workers, on_done=told)


def make_plan(
    source: Path,
    asked: Request | None = None,
    *,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Plan:
    """Plan a run without running it."""
    from latentomics.flow.decide import decide

    request = (asked or Request()).of(source)
    gathered = gather(request, workers=workers, on_event=on_event)
    on_event(Event(stage="plan", done=0, total=1, message="from the training cases"))
    plan = decide(gathered, gathered.split, workers=workers)
    on_event(Event(stage="memory", done=1, total=1, message=plan.memory.reason))
    return plan
