"""Whether the features repeat when a case is measured again.

In: records of the evaluation ``stability``. Out: one section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentomics.core import BoolArray, DoubleArray, Result
from latentomics.report.figures import Ladder, ladders, svg
from latentomics.report.page import Block, Cell, Gallery, Heading, Picture, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import column_of
from latentomics.report.sections.records import (
    LEARNED_SETS,
    by_feature,
    chosen,
    distinct,
    scored_on,
)
from latentomics.report.words import feature_name, fixed, number, said

DETAILED = {
    "chained": "Measured again, all at once",
    "retest": "Test and retest",
}
GOOD, EXCELLENT = 0.75, 0.9
LOWEST = -0.5  # drawn; an ICC may lie far below 0 where few cases disagree
HOW = (
    "measured again on paper: turned by up to 10 degrees, moved by up to half a voxel, with the "
    "case's own noise added once more, its contour redrawn by half a voxel (SD), its volume "
    "changed by up to 10 % and the gain by what calibration allows (5 HU at water, else 10 %). "
    "ICC(A,1) is the share of a feature's variance that lies between cases."
)
HOW_TO_READ = (
    "One rung a feature{interval}: what stands {wholly}above 0.75 repeats well, and a feature near "
    "0 gives another number every time. Below 0 its cases differ less than its repetitions{beyond}."
)
BEYOND = "; a triangle stands for one below −0.5 or one that never varies"


def stability_section(files: RunFiles) -> Section:
    """Return the section about repeated measurements."""
    results = chosen(files.results, "stability")
    intervals = files.demonstration is None
    blocks: list[Block] = []
    for target, title in DETAILED.items():
        own = [r for r in results if r.target == target]
        if own:
            how = [Words(text=f"{_how_many(own, files)} {HOW}")] if target == "chained" else []
            blocks += [Heading(text=title), *how, *_detailed(own, target, intervals=intervals)]
    blocks += _kinds(results)
    if not any(r.target == "chained" for r in results):
        reason = files.missing.get("results.json", _why_not(files))
        blocks.append(Words(text=f"{reason}.", tone="note"))
    return Section(
        anchor="stability",
        title="Do the features repeat?",
        lead="A feature that changes when the patient lies a little differently says little about "
        "the patient.",
        blocks=tuple(blocks),
    )


def _how_many(results: Sequence[Result], files: RunFiles) -> str:
    """Return of how many of the test cases the figures are, as the start of a sentence."""
    cases = results[0].settings.get("cases")
    every = column_of(files, "split").count("test")
    if not isinstance(cases, int):
        return "Test cases are"
    of = f" of {number(every)}" if every >= cases else ""
    return f"{number(cases)}{of} test cases, one a patient first, are"


def _why_not(files: RunFiles) -> str:
    effort, entry = files.choice("effort"), files.plan.get("effort")
    if isinstance(effort, Mapping) and effort.get("remeasured") is False:
        reason = entry.get("reason") if isinstance(entry, Mapping) else None
        return f"No test case was measured again, as the plan says: {said(reason)}"
    return "No test case was measured again: there are fewer than five, or they could not be read"


def _detailed(results: Sequence[Result], target: str, *, intervals: bool) -> list[Block]:
    medians = [r for r in results if r.metric == "icc_median"]
    drawn = tuple(
        _ladder(result, intervals=intervals) for result in medians if len(by_feature(result, "icc"))
    )
    blocks: list[Block] = []
    if drawn:
        lines = ((GOOD, "0.75"), (EXCELLENT, "0.9"))
        image = svg(ladders(drawn, axis="ICC(A,1)", lines=lines, limits=_limits_of(drawn)))
        read = HOW_TO_READ.format(
            interval=", the line its 95 % interval" if intervals else "",
            wholly="wholly " if intervals else "",
            beyond=BEYOND if any(_beyond(one).any() for one in drawn) else "",
        )
        listed = "; ".join(f"{one.name} median {_median(one.values)}" for one in drawn)
        picture = Picture(
            name=f"stability_{target}",
            image=image,
            alternative=f"ICC of every feature, sorted: {listed}.",
            caption=f"{read} {scored_on(medians[0])}",
        )
        blocks.append(Gallery(pictures=(picture,)))
    return [*blocks, _shares(results)] if intervals else blocks


def _ladder(result: Result, *, intervals: bool) -> Ladder:
    return Ladder(
        name=feature_name(result.features),
        values=by_feature(result, "icc"),
        low=by_feature(result, "low") if intervals else np.empty(0),
        high=by_feature(result, "high") if intervals else np.empty(0),
        learned=result.features.startswith(LEARNED_SETS),
    )


def _beyond(ladder: Ladder) -> BoolArray:
    return ~(ladder.values >= LOWEST)  # also where it is not a number


def _limits_of(drawn: Sequence[Ladder]) -> tuple[float, float]:
    """Return the axis from the lowest value or limit of an interval, but from LOWEST at most."""
    shown = np.concatenate([part for one in drawn for part in (one.values, one.low)])
    lowest = float(np.nanmin(np.where(np.isfinite(shown), shown, np.inf), initial=0.0))
    if any(_beyond(one).any() for one in drawn):
        lowest = LOWEST
    return max(LOWEST, lowest), 1.0


def _shares(results: Sequence[Result]) -> Table:
    columns = ("icc_median", "share_above_075", "share_above_090", "share_one_way_090")
    rows: list[tuple[Cell, ...]] = []
    for features in distinct(r.features for r in results):
        own = {r.metric: r for r in results if r.features == features}
        first = own.get("icc_median")
        counted = number(first.settings.get("columns")) if first else "–"
        cells = [fixed(own[metric].value, 2) if metric in own else "–" for metric in columns]
        cells.insert(1, _limits(first))
        rows.append((feature_name(str(features)), counted, *cells))
    return Table(
        columns=(
            "features",
            "columns",
            "median ICC(A,1)",
            "95 % interval",
            "share with lower limit > .75",
            "> .9",
            "share with ICC(1,1) ≥ .9",
        ),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3, 4, 5, 6}),
        caption="Constant features count as not repeatable.",
    )


def _limits(result: Result | None) -> str:
    if result is None or result.low is None or result.high is None:
        return "–"
    return f"{fixed(result.low, 2)} to {fixed(result.high, 2)}"


def _kinds(results: Sequence[Result]) -> list[Block]:
    single = [r for r in results if r.target not in DETAILED and r.metric == "icc_median"]
    kinds = distinct(r.target for r in single)
    if not kinds:
        return []
    by_key = {(r.features, r.target): r.value for r in single}
    rows = tuple(
        (
            feature_name(str(features)),
            *(fixed(by_key.get((str(features), kind)), 2) for kind in kinds),
        )
        for features in distinct(r.features for r in single)
    )
    table = Table(
        columns=("features", *(str(kind) for kind in kinds)),
        rows=rows,
        numeric=frozenset(range(1, len(kinds) + 1)),
        caption="Median ICC(A,1) where one thing alone is different, at its full size: which of "
        "them moves the features most.",
    )
    return [Heading(text="What moves them"), table]


def _median(values: DoubleArray) -> str:
    return fixed(float(np.nanmedian(values)), 2) if np.isfinite(values).any() else "–"
