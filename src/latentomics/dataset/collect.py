"""A cohort prepared: every case once, on all cores, from the cache where it is known.

In: cases and a pipeline. Out: ``Prepared``, where each case's samples lie, and who was rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latentomics.core import Case, CaseError, Outcome, Rejection, Sample, map_cases
from latentomics.dataset.cache import (
    Fault,
    Pack,
    pack_key,
    pack_of,
    pack_path,
    read_pack,
    write_pack,
)
from latentomics.preprocess import Pipeline, prepare
from latentomics.sources import read_case

PACK = 256  # rows of an .npz that share a cache file


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where the samples of a case lie: a cache file and the position in it."""

    case: str
    path: Path
    position: int
    count: int  # samples
    shape: tuple[int, ...]  # (C, *size) of each


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared cohort: cases in the given order, without those rejected."""

    entries: tuple[Entry, ...]
    rejected: tuple[Rejection, ...]
    pipeline: Pipeline
    cache: Path

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The cases that have samples."""
        return tuple(entry.case for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    cases: tuple[Case, ...]
    pipeline: Pipeline
    cache: Path

    def __str__(self) -> str:
        return ", ".join(str(case) for case in self.cases[:2])


def prepare_cohort(
    cases: Sequence[Case],
    pipeline: Pipeline,
    cache: Path,
    *,
    workers: int | None = None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    on_done: Callable[[str], None] | None = None,
) -> Prepared:
    """Prepare every case into the cache, or find it there.

    Parameters
    ----------
    cases : sequence of Case
        In the order that the entries take.
    cache : Path
        A folder; made when it is not there, and shared by any number of runs and processes.
    workers : int, optional
        Processes; see ``map_cases``.
    timeout_s, memory_bytes
        Limits of one case, as in ``map_cases``; whoever exceeds them is rejected.
    on_done : callable, optional
        Called with each case's id.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found: dict[str, Entry | Rejection] = {}

    def run(jobs: list[_Job]) -> list[_Job]:
        outcomes = map_cases(
            _prepare_job,
            jobs,
            name=str,
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
        )
        failed = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if outcome.error is not None and len(job.cases) > 1:
                failed.append(job)
                continue
            for case, result in zip(job.cases, _results(job, outcome), strict=True):
                found[case.id] = result
                if on_done is not None:
                    on_done(case.id)
        return failed

    failed = run([_Job(cases=part, pipeline=pipeline, cache=cache) for part in _packs(cases)])
    # one of a pack crashed or hung: alone it costs itself only
    run([replace(job, cases=(case,)) for job in failed for case in job.cases])
    results = [found[case.id] for case in cases]
    return Prepared(
        entries=tuple(r for r in results if isinstance(r, Entry)),
        rejected=tuple(r for r in results if isinstance(r, Rejection)),
        pipeline=pipeline,
        cache=cache,
    )


def _packs(cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    packs: list[list[Case]] = []
    for case in cases:
        row = case.mask is None and case.image[0].npz_index is not None
        last = packs[-1][-1] if packs else None
        together = (
            row
            and last is not None
            and last.mask is None
            and last.image[0].npz_index is not None
            and last.image[0].path == case.image[0].path
            and len(packs[-1]) < PACK
        )
        if together:
            packs[-1].append(case)
        else:
            packs.append([case])
    return [tuple(pack) for pack in packs]


def _results(
    job: _Job, outcome: Outcome[tuple[Entry | Rejection, ...]]
) -> tuple[Entry | Rejection, ...]:
    if outcome.value is not None:
        return outcome.value
    error = outcome.error
    assert error is not None  # an outcome has one or the other
    return tuple(_rejection(case, _fault(error)) for case in job.cases)


def _prepare_job(job: _Job) -> tuple[Entry | Rejection, ...]:
    try:
        key = pack_key(job.cases, job.pipeline)
    except OSError as error:
        return tuple(_rejection(case, _unreadable(case, error)) for case in job.cases)
    path = pack_path(job.cache, key)
    pack = read_pack(path)
    if pack is None:
        pack = pack_of([_attempt(case, job.pipeline) for case in job.cases])
        write_pack(path, pack)
    return tuple(_place(case, path, i, pack) for i, case in enumerate(job.cases))


def _attempt(case: Case, pipeline: Pipeline) -> tuple[Sample, ...] | Fault:
    try:
        acquisition, mask = read_case(case)
        return prepare(pipeline, acquisition, mask, case.id)
    except CaseError as error:
        return _fault(error)


def _place(case: Case, path: Path, position: int, pack: Pack) -> Entry | Rejection:
    fault, values = pack.faults[position], pack.values[position]
    if fault is not None or values is None:
        return _rejection(case, fault or Fault(code="unreadable", reason="", remedy=""))
    return Entry(
        case=case.id, path=path, position=position, count=len(values), shape=values.shape[1:]
    )


def _unreadable(case: Case, error: OSError) -> Fault:
    try:
        read_case(case)
    except CaseError as known:  # the reader says it best
        return _fault(known)
    return Fault(code="unreadable", reason=str(error), remedy="check the file and its permissions")


def _fault(error: CaseError) -> Fault:
    return Fault(code=error.kind, reason=error.what, remedy=error.remedy)


def _rejection(case: Case, fault: Fault) -> Rejection:
    return Rejection(
        case=case.id,
        file=str(case.image[0].path),
        code=fault.code,
        reason=fault.reason,
        remedy=fault.remedy,
    )
