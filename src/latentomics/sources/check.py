"""Read every file of a cohort and say what was found, before anything is trained.

In: a cohort and labels. Out: a `CohortCheck`: facts of the cases that read, rejections of those
that do not, counts, balance of the labels, and whether a label hangs on site or size alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from latentomics.core import Case, Rejection, plain
from latentomics.core.executor import Outcome, map_cases
from latentomics.sources.cohort import Cohort, rejection_of
from latentomics.sources.confounds import Predictability, predictability
from latentomics.sources.duplicates import duplicates
from latentomics.sources.facts import CaseFacts, measure_case
from latentomics.sources.labels import Label
from latentomics.sources.summary import Counts, counts_of, range_lines, remarks

SHOWN = 6  # values of a count that a line names
LIGHT_BYTES = 64 * 2**20  # of an array that is read in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How a label divides the cases that read: counts of its values, or quartiles."""

    label: str
    kind: str
    known: int
    unknown: int
    values: dict[str, float]

    def __str__(self) -> str:
        parts = [f"{name} {value:g}" for name, value in list(self.values.items())[:SHOWN]]
        more = f" and {len(self.values) - SHOWN} more" if len(self.values) > SHOWN else ""
        unknown = f", unknown in {self.unknown}" if self.unknown else ""
        return f"{self.label} ({self.kind}): {', '.join(parts)}{more}{unknown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortCheck:
    """What `check_cohort` found; ``rejections`` are the rows of rejected.csv."""

    cohort: str
    rows: int
    patients: int
    facts: tuple[CaseFacts, ...]
    rejections: tuple[Rejection, ...]
    duplicates: tuple[tuple[str, ...], ...]
    counts: Counts
    balance: tuple[Balance, ...]
    predictability: tuple[Predictability, ...]
    remarks: tuple[str, ...]

    def describe(self) -> list[str]:
        """Say it in lines."""
        lines = [
            f"{self.cohort}: {self.rows} cases, {len(self.facts)} read of {self.patients} "
            f"patients, {len(self.rejections)} rejected"
        ]
        for name in ("modality", "site", "split"):
            if self.counts.get(name):
                lines.append(f"{name:<10} {_count_words(self.counts[name])}")
        lines += range_lines(self.facts)
        lines += [f"label      {balance}" for balance in self.balance]
        lines += [f"confound   {found}" for found in self.predictability]
        lines += [f"remark     {remark}" for remark in self.remarks]
        codes = Counter(rejection.code for rejection in self.rejections)
        if codes:
            lines.append(f"rejected   {_count_words(codes)}")
        for rejection in self.rejections[:SHOWN]:
            lines.append(f"  {rejection.case}: {rejection.reason} ({rejection.file})")
            lines.append(f"    remedy: {rejection.remedy}")
        return lines

    def overview(self) -> dict[str, object]:
        """Return it as what JSON knows, without the facts of each case."""
        names = [field.name for field in fields(self) if field.name != "facts"]
        return {name: plain(getattr(self, name)) for name in names}

    def plain(self) -> dict[str, object]:
        """Return all of it as what JSON knows."""
        return {**self.overview(), "facts": plain(self.facts)}

    def __str__(self) -> str:
        return self.describe()[0]


def check_cohort(
    cohort: Cohort,
    labels: Sequence[Label] = (),
    *,
    workers: int | None = None,
    on_done: Callable[[Outcome[CaseFacts]], None] | None = None,
) -> CohortCheck:
    """Read every file of a cohort and measure it.

    Parameters
    ----------
    cohort : Cohort
        From `read_cohort`.
    labels : sequence of Label
        One value for each case of the cohort.
    workers : int, optional
        Processes; default one a core.
    on_done : callable, optional
        Called with each outcome, for a progress display.

    Returns
    -------
    CohortCheck
        With the facts in the order of the cases.
    """
    outcomes = {o.key: o for o in measure_cases(cohort.cases, workers=workers, on_done=on_done)}
    read = [row for row, case in enumerate(cohort.cases) if outcomes[case.id].error is None]
    cases = [cohort.cases[row] for row in read]
    facts = [fact for case in cases if (fact := outcomes[case.id].value) is not None]
    rejections = [
        rejection_of(case, error)
        for case in cohort.cases
        if (error := outcomes[case.id].error) is not None
    ]
    chosen = [replace(label, values=tuple(label.values[row] for row in read)) for label in labels]
    groups = duplicates(facts)
    return CohortCheck(
        cohort=cohort.name,
        rows=len(cohort.cases) + len(cohort.rejected),
        patients=len({case.patient for case in cases}),
        facts=tuple(facts),
        rejections=(*cohort.rejected, *rejections),
        duplicates=tuple(groups),
        counts=counts_of(cases, facts),
        balance=tuple(_balance(label) for label in chosen),
        predictability=tuple(p for label in chosen for p in predictability(label, cases, facts)),
        remarks=tuple(remarks(cases, facts, groups)),
    )


def measure_cases(
    cases: Sequence[Case],
    *,
    workers: int | None = None,
    on_done: Callable[[Outcome[CaseFacts]], None] | None = None,
) -> Iterator[Outcome[CaseFacts]]:
    """Measure cases in processes that may crash alone; small plain arrays in this one.

    Yields
    ------
    Outcome of CaseFacts
        Small arrays first: thousands of rows share a file, and nothing in reading them can crash.
    """
    light = [_is_light(case) for case in cases]
    arrays = [case for case, here in zip(cases, light, strict=True) if here]
    others = [case for case, here in zip(cases, light, strict=True) if not here]
    for part, processes in ((arrays, 1), (others, workers)):
        yield from map_cases(
            measure_case, part, name=lambda case: case.id, workers=processes, on_done=on_done
        )


def _is_light(case: Case) -> bool:
    """Say whether a case is rows of archives, or arrays that are as small as their files."""
    refs = [*case.image, *([] if case.mask is None else [case.mask])]
    return all(ref.npz_index is not None or _is_small(ref.path) for ref in refs)


def _is_small(path: Path) -> bool:
    try:
        return path.suffix.lower() == ".npy" and path.stat().st_size <= LIGHT_BYTES
    except OSError:
        return True  # missing, which is said without opening anything


def _balance(label: Label) -> Balance:
    import numpy as np

    known = [value for value in label.values if value is not None]
    values: dict[str, float]
    if label.kind == "continuous" and known:
        quartiles = np.quantile(np.array(known, dtype=np.float64), (0, 0.25, 0.5, 0.75, 1))
        names = ("minimum", "lower quartile", "median", "upper quartile", "maximum")
        values = dict(zip(names, quartiles.tolist(), strict=True))
    else:
        words = [value if isinstance(value, str) else f"{value:g}" for value in known]
        values = {name: float(count) for name, count in Counter(words).most_common()}
    return Balance(
        label=label.name,
        kind=label.kind,
        known=len(known),
        unknown=len(label.values) - len(known),
        values=values,
    )


def _count_words(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {count}" for name, count in list(counts.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else "")
