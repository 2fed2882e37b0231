"""The first stages: read and check the cohort, split it by patient, plan, and prepare.

In: what is asked of which manifest. Out: the cases that can be used, with their facts, labels,
splits, plan and cached samples. Only training cases decide a plan (PROMISES L2).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from latentomics.core import Case, IncompleteError, Rejection, RequestError, Target
from latentomics.dataset import (
    Prepared,
    drop_duplicates,
    fold_cases,
    left_out,
    prepare_cohort,
    split_cases,
)
from latentomics.flow.cohorts import own_cohort
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.planning import SHARES, Plan, Request, pipeline_of
from latentomics.sources import (
    CaseFacts,
    Cohort,
    CohortCheck,
    Label,
    check_cohort,
    duplicates,
    label_of,
    measure_cases,
    rejection_of,
)

FEWEST_TRAINING = 8  # cases; fewer teach a network nothing
FEWEST_HELD_OUT = 2
Split = Mapping[str, str]  # case id -> train, val or test


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """A cohort that was read: usable cases in the manifest's order, and what was found."""

    request: Request
    cohort: Cohort
    cases: tuple[Case, ...]
    facts: Mapping[str, CaseFacts]
    check: CohortCheck
    split: Split
    folds: tuple[Split, ...]
    rejected: tuple[Rejection, ...]

    def labels(self, cases: Sequence[Case]) -> tuple[Label, ...]:
        """Return the labels asked for, of these cases."""
        return tuple(label_of(cases, name) for name in self.request.labels)

    def classes(self) -> dict[str, object]:
        """Return each case's class by the first label; none where that is a quantity."""
        for label in self.labels(self.cases)[:1]:
            if label.kind != "continuous":
                return {c.id: value for c, value in zip(self.cases, label.values, strict=True)}
        return {}


def gather(
    request: Request,
    *,
    cohort: Cohort | None = None,
    shares: tuple[float, float, float] = SHARES,
    workers: int | None = None,
    on_event: OnEvent = ignore,
    on_rejected: Callable[[Sequence[Rejection]], None] = lambda _: None,
) -> Gathered:
    """Read every file, reject what cannot be used, and split by patient.

    ``cohort`` is one that was read already; by default the request's manifest is read.
    ``on_rejected`` is told of every case left out so far, also where too few are left.

    Raises
    ------
    RequestError
        When the manifest, a label or the site column is wrong.
    IncompleteError
        When too few cases are left to train.
    """
    cohort = cohort or own_cohort(request)
    labels = [label_of(cohort.cases, name) for name in request.labels]
    told = counter("read", len(cohort.cases), "reading every file", on_event)
    check = check_cohort(cohort, labels, workers=workers, on_done=told)
    bad = {rejection.case for rejection in check.rejections}
    kept = [case for case in cohort.cases if case.id not in bad]
    facts = {fact.case: fact for fact in check.facts}
    kept, mixed = _one_dimension(kept, facts)
    on_rejected((*check.rejections, *mixed))
    if len(kept) < FEWEST_TRAINING:
        raise too_few(len(kept), (*check.rejections, *mixed), str(cohort.manifest))
    _refuse_equal([facts[case.id] for case in kept], str(cohort.manifest))
    groups = duplicates([facts[case.id] for case in kept])
    split = split_cases(
        kept, labels=_stratified_by(kept, request), shares=shares, seed=request.seed
    )
    contradicting = left_out(kept, split)
    split, repeated = drop_duplicates(split, groups, cases=kept)
    kept = [case for case in kept if case.id in split]
    rejected = (*check.rejections, *mixed, *contradicting, *repeated)
    on_rejected(rejected)
    found = Gathered(
        request=request,
        cohort=cohort,
        cases=tuple(kept),
        facts=facts,
        check=check,
        split=split,
        folds=_folds(kept, request, groups),
        rejected=rejected,
    )
    return without(found, (), held_out="test" if shares[2] else "val")


def _refuse_equal(facts: Sequence[CaseFacts], where: str) -> None:
    if len({(fact.voxel_hash, fact.mask_hash) for fact in facts}) == 1:
        raise IncompleteError(
            f"all {len(facts)} pictures are equal: there is nothing to learn from them",
            where,
            "look at what wrote the files",
        )


def _one_dimension(
    cases: Sequence[Case], facts: Mapping[str, CaseFacts]
) -> tuple[list[Case], list[Rejection]]:
    """Keep the cases that have the cohort's commonest number of axes and channels."""
    shapes = [(len(facts[case.id].size), facts[case.id].channels) for case in cases]
    commonest = max(set(shapes), key=shapes.count, default=(0, 0))
    kept = [case for case, shape in zip(cases, shapes, strict=True) if shape == commonest]
    odd = [
        Rejection(
            case=case.id,
            file=str(case.image[0]),
            code="dimension",
            reason=f"{shape[0]}-D with {shape[1]} channel(s) in a cohort of {commonest[0]}-D "
            f"with {commonest[1]}",
            remedy="put images of another kind into a manifest of their own",
        )
        for case, shape in zip(cases, shapes, strict=True)
        if shape != commonest
    ]
    return kept, odd


def _folds(
    cases: Sequence[Case], request: Request, groups: Sequence[tuple[str, ...]]
) -> tuple[Split, ...]:
    if request.folds == 0:
        return ()
    if request.folds < 2:
        raise RequestError("--folds needs at least 2", f"--folds {request.folds}", "try --folds 5")
    labels = _stratified_by(cases, request)
    folds = fold_cases(cases, request.folds, labels=labels, seed=request.seed)
    return tuple(drop_duplicates(fold, groups, cases=cases)[0] for fold in folds)


def _stratified_by(cases: Sequence[Case], request: Request) -> list[Sequence[Target]] | None:
    return [label_of(cases, request.labels[0]).values] if request.labels else None


def prepare_cases(
    cases: Sequence[Case], plan: Plan, *, workers: int | None = None, on_event: OnEvent = ignore
) -> Prepared:
    """Bring cases to the plan's samples, through the cache; a mask that is read must be there."""
    needed = bool(plan.mask_channel.value)
    bare = [case for case in cases if needed and case.mask is None]
    prepared = prepare_cohort(
        [case for case in cases if not needed or case.mask is not None],
        pipeline_of(plan),
        cache_folder(),
        workers=workers,
        on_done=counter("prepare", len(cases), "resampling and cropping", on_event),
    )
    return replace(prepared, rejected=(*(_without_mask(case) for case in bare), *prepared.rejected))


def _without_mask(case: Case) -> Rejection:
    return Rejection(
        case=case.id,
        file=str(case.image[0]),
        code="mask",
        reason="the plan reads the mask beside the image, and this case has none",
        remedy="give a mask, or set mask_channel to 0 in the plan",
    )


def counter(stage: str, total: int, message: str, on_event: OnEvent) -> Callable[[object], None]:
    """Return what counts finished cases and tells of them."""
    done = count(1)
    begun = time.monotonic()

    def tell(_: object) -> None:
        finished = next(done)
        left = (time.monotonic() - begun) / finished * (total - finished)
        on_event(Event(stage=stage, done=finished, total=total, seconds_left=left, message=message))

    return tell


def without(
    gathered: Gathered, rejected: Sequence[Rejection], *, held_out: str = "test"
) -> Gathered:
    """Return the cohort without the cases that could not be prepared.

    ``held_out`` is the part that needs cases beside the training part.

    Raises
    ------
    IncompleteError
        When too few are left.
    """
    bad = {rejection.case for rejection in rejected}
    split = {case: part for case, part in gathered.split.items() if case not in bad}
    every = (*gathered.rejected, *rejected)
    parts = list(split.values())
    if parts.count("train") < FEWEST_TRAINING or parts.count(held_out) < FEWEST_HELD_OUT:
        raise too_few(parts.count("train"), every, str(gathered.cohort.manifest))
    return replace(
        gathered,
        cases=tuple(case for case in gathered.cases if case.id not in bad),
        split=split,
        folds=tuple(
            {case: part for case, part in fold.items() if case not in bad}
            for fold in gathered.folds
        ),
        rejected=every,
    )


def too_few(training: int, rejected: Sequence[Rejection], where: str) -> IncompleteError:
    """Return the error of a cohort with too few cases left."""
    kinds = sorted({rejection.code for rejection in rejected})
    return IncompleteError(
        f"{training} cases are left to train and {FEWEST_TRAINING} are needed "
        f"({len(rejected)} rejected: {', '.join(kinds) or 'none'})",
        where,
        "mend the files that rejected.csv or 'latentomics check' names, or add cases",
    )


def measured_facts(
    cases: Sequence[Case], workers: int | None, on_event: OnEvent
) -> tuple[dict[str, CaseFacts], list[Rejection]]:
    """Return the facts of the cases that can be read, by id, and those that cannot."""
    by_id = {case.id: case for case in cases}
    facts: dict[str, CaseFacts] = {}
    rejected = []
    told = counter("read", len(cases), "reading every file", on_event)
    for outcome in measure_cases(cases, workers=workers, on_done=told):
        if outcome.value is not None:
            facts[outcome.key] = outcome.value
        elif outcome.error is not None:
            rejected.append(rejection_of(by_id[outcome.key], outcome.error))
    return facts, rejected


def cache_folder() -> Path:
    """Return where prepared samples are kept: LATENTOMICS_CACHE, or the user's cache folder.

    Raises
    ------
    RequestError
        When it cannot be written.
    """
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("LATENTOMICS_CACHE") or Path(base) / "latentomics")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "no permission"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise RequestError(
            f"the folder for prepared samples cannot be written: {reason}",
            str(folder),
            "set LATENTOMICS_CACHE to a folder that can",
        )
    return folder
