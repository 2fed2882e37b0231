"""Plans that need less memory, and the first of them that fits.

In: a plan, and what says how much memory a plan needs. Out: the plan that fits, with the estimate
(PROMISES M1). What changes no figure comes first: samples in a mapped file; then fewer samples for
principal components; then smaller batches; then a coarser crop, which is a new plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from latentomics.core import RequestError
from latentomics.planning.plan import Choice, Memory, Plan

COARSER = (1.0, 1.26, 1.59, 2.0)  # factors on the spacing: each halves the voxels of a volume
FEWER_COMPONENTS = (2**29, 2**27)  # bytes of samples that components are fitted on
LEAST_BATCH = 4
GIGABYTE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Bytes that a run takes: ``stages`` come one after the other, beside all the others."""

    program: int
    early: int  # of the program while cases are prepared
    worker: int  # of each process that prepares them
    records: int  # of what is known of the cases
    samples: int
    stages: Mapping[str, int]

    def workers(self, asked: int, limit_bytes: int) -> int:
        """Return how many processes may prepare cases, at least one."""
        return max(1, min(asked, (limit_bytes - self.early - self.records) // self.worker))

    def peaks(self, workers: int) -> dict[str, int]:
        """Return the whole memory of each stage, the largest first."""
        beside = self.program + self.records + self.samples
        found = {name: beside + size for name, size in self.stages.items()}
        found["preparing"] = self.early + self.records + workers * self.worker
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def gigabytes(size: int) -> str:
    """Return bytes in words.

    Examples
    --------
    >>> gigabytes(1_340_000_000)
    '1.34 GB'
    """
    return f"{size / GIGABYTE:.2f} GB"


def smaller_plans(plan: Plan, *, only_mapped: bool = False) -> Iterator[Plan]:
    """Give the plan, and plans that need less and less memory.

    ``only_mapped`` leaves out whatever changes a figure: a plan that the user edited stays.
    """
    yield plan
    plan = _with(plan, "mapped", True, "samples lie in a file: memory does not hold them")
    yield plan
    if only_mapped:
        return
    for size in FEWER_COMPONENTS:
        if size < plan.components_bytes.value:
            plan = _with(plan, "components_bytes", size, "of training samples: memory is short")
            yield plan
    while plan.batch.value > LEAST_BATCH:
        reason = plan.batch.reason.removesuffix(_HALVED) + _HALVED
        plan = _with(plan, "batch", plan.batch.value // 2, reason)
        yield plan


def first_that_fits(
    plans: Iterable[Plan], need: Callable[[Plan], Need], limit_bytes: int, asked_workers: int
) -> Plan:
    """Return the first plan that needs no more memory than there is, with its estimate.

    Raises
    ------
    RequestError
        With the figures of the last one, when none fits.
    """
    for plan in plans:
        found = need(plan)
        workers = found.workers(asked_workers, limit_bytes)
        stage, peak = next(iter(found.peaks(workers).items()))
        words = (
            f"the most while {stage}; of it the program {gigabytes(found.program)}, "
            f"records of the cases {gigabytes(found.records)}, samples {gigabytes(found.samples)}"
        )
        if peak <= limit_bytes:
            value = Memory(limit_bytes=limit_bytes, peak_bytes=peak, workers=workers)
            choice: Choice[Memory | None] = Choice(
                value=value, reason=f"about {gigabytes(peak)} of {gigabytes(limit_bytes)}, {words}"
            )
            return plan.model_copy(update={"memory": choice})
    raise RequestError(
        f"the run needs about {gigabytes(peak)} of memory and may take {gigabytes(limit_bytes)}",
        words,
        "give more with --memory, or edit the plan: a coarser spacing, a smaller size or batch",
    )


_HALVED = ", halved so that a step fits in memory"


def _with(plan: Plan, name: str, value: object, reason: str) -> Plan:
    return plan.model_copy(update={name: Choice(value=value, reason=reason)})
