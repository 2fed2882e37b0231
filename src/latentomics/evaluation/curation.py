"""Curation: which columns of a table are worth keeping, learned on training cases alone.

In: columns of training cases (n, d), the site and patient of each, and columns of training cases
that were measured again (cases, ways, k). Out: a ``Curation``: what each step kept and by which
figure, and records of how many columns are left (METHODS, section 26). No label goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray, Result
from latentomics.evaluation.agreement import icc_agreement
from latentomics.evaluation.ks import LEVEL, ks
from latentomics.evaluation.stability import FEWEST, GOOD
from latentomics.evaluation.structure import REDUNDANT, redundancy

NOTHING = 1e-9  # of a column's largest value: a standard deviation below is rounding
TABLE = "table"
FEWEST_ROWS = 3  # to rank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Again:
    """Columns by name of training cases in several ways: (cases, ways) each, first as it is."""

    values: Mapping[str, DoubleArray]
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """What is known of training cases; rows of ``values`` are cases, columns have names.

    Attributes
    ----------
    groups : tuple of str
        Of each column.
    least_variance : DoubleArray of shape (d,)
        A column that varies less says nothing; 0: any that varies at all stays.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    values: DoubleArray
    least_variance: DoubleArray
    sites: tuple[str | None, ...]
    patients: IntArray
    again: Again | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What one step did: the columns it took and kept (d,), and the figure it judged each by.

    ``instead`` are the columns that stand for those left out; ``skipped`` says why nothing was
    judged and is empty where something was.
    """

    name: str
    rule: str
    before: BoolArray
    kept: BoolArray
    figure: DoubleArray
    n: int
    instead: tuple[str | None, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curation:
    """A curated table: its columns, and the steps that led there."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def mask(self) -> BoolArray:
        """Whether each column is kept, (d,)."""
        return self.steps[-1].kept

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns that every step kept, in the table's order."""
        return tuple(name for name, keep in zip(self.names, self.mask, strict=True) if keep)


def curate(
    training: Training, *, lowest_icc: float = GOOD, without: Sequence[str] = ()
) -> Curation:
    """Keep the columns that vary, repeat, say something of their own and do not know the site.

    Parameters
    ----------
    lowest_icc : float
        The lower 95 % limit of ICC(A,1) of a column that repeats lies above it.
    without : sequence of str
        Steps that are not taken, of ``STEPS``.
    """
    kept: BoolArray = np.ones(len(training.names), dtype=bool)
    steps: list[Step] = []
    for name, judge in STEPS.items():
        if name in without:
            unknown = np.full(len(kept), np.nan)
            step = Step(name=name, rule="", before=kept, kept=kept, figure=unknown, n=0,
                        skipped="it was not asked for")  # fmt: skip
        else:
            step = judge(training, kept, lowest_icc)
        steps.append(step)
        kept = step.kept
    return Curation(names=training.names, groups=training.groups, steps=tuple(steps))


def curation_records(found: Curation, training: Training) -> list[Result]:
    """Return how many columns each step kept, with the names and figures of those it left out.

    Returns
    -------
    list of Result
        Metric ``columns``: of the whole table (target None), and after each step (target its name).
    """
    patients = len(np.unique(training.patients))
    shared: dict[str, object] = {"scored": "train", "cases": len(training.values)}
    everything = np.ones(len(found.names), dtype=bool)

    def record(target: str | None, kept: BoolArray, **settings: object) -> Result:
        return Result(evaluation="curation", features=TABLE, target=target, metric="columns",
                      value=float(kept.sum()), low=None, high=None, n=patients,
                      settings={**shared, "by_group": _counts(found.groups, kept),
                                **settings})  # fmt: skip

    results = [record(None, everything)]
    for step in found.steps:
        gone = np.flatnonzero(step.before & ~step.kept)
        settings: dict[str, object] = {"rule": step.rule, "judged_on": step.n}
        if step.skipped:
            settings = {"skipped": step.skipped}
        elif len(gone):
            settings["by_feature"] = {
                "names": [found.names[column] for column in gone],
                "figure": [_plain(step.figure[column]) for column in gone],
                "instead": [step.instead[column] for column in gone] if step.instead else [],
            }
        results.append(record(step.name, step.kept, **settings))
    return results


def _varies(training: Training, before: BoolArray, _: float) -> Step:
    values = training.values
    whole = np.isfinite(values).all(axis=0)
    variance = np.where(whole, np.where(whole, values, 0.0).var(axis=0), np.nan)
    rounding = NOTHING * np.abs(np.where(whole, values, 0.0)).max(axis=0, initial=0.0)
    floor = np.maximum(training.least_variance, rounding**2)
    return Step(
        name="variance",
        rule="no gaps, and a variance above rounding (above .01 for latents of a Gaussian code)",
        before=before,
        kept=before & whole & (np.nan_to_num(variance) > floor),
        figure=variance,
        n=len(values),
    )


def _repeats(training: Training, before: BoolArray, lowest_icc: float) -> Step:
    """Keep what repeats; a column that was not measured again is not judged."""
    again, low = training.again, np.full(len(before), np.nan)
    skipped = ""
    measured = np.zeros(len(before), dtype=bool)
    if again is None or again.cases < FEWEST:
        skipped = f"fewer than {FEWEST} training cases could be measured again"
    else:
        measured = np.array([name in again.values for name in training.names]) & before
        for column in np.flatnonzero(measured):
            low[column] = float(icc_agreement(again.values[training.names[column]])[1])
    return Step(
        name="stability",
        rule=f"lower 95 % limit of ICC(A,1) above {lowest_icc:g}, measured again",
        before=before,
        kept=before & (~measured | (np.nan_to_num(low, nan=-1.0) > lowest_icc)),
        figure=low,
        n=0 if again is None else again.cases,
        skipped=skipped,
    )


def _own(training: Training, before: BoolArray, _: float) -> Step:
    """Keep of columns that rank the cases alike the one that is most like the others."""
    columns = np.flatnonzero(before)
    figure, kept = np.full(len(before), np.nan), before.copy()
    instead: list[str | None] = [None] * len(before)
    skipped = ""
    if len(training.values) < FEWEST_ROWS or len(columns) < 2:
        skipped = "there are too few columns or training cases"
    else:
        groups, alike = redundancy(training.values[:, columns])
        for group in range(int(groups.max()) + 1):
            members = np.flatnonzero(groups == group)
            medoid = members[int(alike[np.ix_(members, members)].sum(axis=1).argmax())]
            for member in members[members != medoid]:
                kept[columns[member]] = False
                instead[columns[member]] = training.names[columns[medoid]]
                figure[columns[member]] = alike[member, medoid]
    return Step(
        name="redundancy",
        rule=f"one of each group in which every pair has |Spearman| above {REDUNDANT}, its medoid",
        before=before,
        kept=kept,
        figure=figure,
        n=len(training.values),
        instead=tuple(instead),
        skipped=skipped,
    )


def _like_elsewhere(training: Training, before: BoolArray, _: float) -> Step:
    columns = np.flatnonzero(before)
    names = [training.names[column] for column in columns]
    values = training.values[:, columns]
    found = ks(TABLE, names, values, training.sites, training.patients) if len(columns) else []
    p = np.full(len(before), np.nan)
    listed = found[0].settings.get("by_feature") if found else None
    if isinstance(listed, Mapping):
        p[columns] = listed["p"]
    return Step(
        name="shift",
        rule=f"no difference between sites: Kolmogorov-Smirnov, p of {LEVEL} after Holm",
        before=before,
        kept=before & ~(np.nan_to_num(p, nan=1.0) < LEVEL),
        figure=p,
        n=found[0].n if found else 0,
        skipped="" if found else "no two sites have 10 training patients each",
    )


STEPS: Mapping[str, Callable[[Training, BoolArray, float], Step]] = {
    "variance": _varies,
    "stability": _repeats,
    "redundancy": _own,
    "shift": _like_elsewhere,
}


def _counts(groups: Sequence[str], kept: BoolArray) -> dict[str, int]:
    named = np.array(groups)
    return {group: int(kept[named == group].sum()) for group in dict.fromkeys(groups)}


def _plain(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
