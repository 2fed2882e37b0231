"""What curation left of the table, and what it changes.

In: records of the evaluation ``curation``. Out: blocks for the section about the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from latentomics.core import Result
from latentomics.report.figures import columns_left, svg
from latentomics.report.page import Block, Cell, Fold, Gallery, Heading, Picture, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import chosen, difference_table, is_difference
from latentomics.report.words import fixed, interval, metric_name, number, said, target_name

COUNT = "columns"
SHOWN = ("auroc", "r2")
WHOLE = "the whole table"


def curation_blocks(files: RunFiles) -> list[Block]:
    """Return what each step left, what it left out, and probes before and after."""
    results = chosen(files.results, "curation")
    counts = [result for result in results if result.metric == COUNT]
    if not counts:
        return []
    first, last = counts[0], counts[-1]
    words = (
        f"Curation keeps {number(int(last.value))} of {number(int(first.value))} columns "
        f"(features_curated.parquet), by {said(first.settings.get('cases'))} training cases of "
        f"{number(first.n)} patients alone, without any label; curation.csv has the figure that "
        "decided on each."
    )
    blocks: list[Block] = [Heading(text="Curated"), Words(text=words)]
    if not last.value:
        blocks.append(Words(text="No column is left: see which step took them.", tone="warn"))
    return [*blocks, _picture(counts), _steps(counts), *_left_out(counts), *_probes(files, results)]


def _picture(counts: Sequence[Result]) -> Gallery:
    steps = [WHOLE, *(str(one.target) for one in counts[1:])]
    groups = [
        {str(group): int(value) for group, value in by.items()} if isinstance(by, Mapping) else {}
        for by in (one.settings.get("by_group") for one in counts)
    ]
    listed = ", ".join(
        f"{name} {number(int(one.value))}" for name, one in zip(steps, counts, strict=True)
    )
    picture = Picture(
        name="curation",
        image=svg(columns_left(steps, groups)),
        alternative=f"Columns left after each step: {listed}.",
        caption="Columns left after each step, from the top downwards.",
    )
    return Gallery(pictures=(picture,))


def _steps(counts: Sequence[Result]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for before, one in pairwise(counts):
        skipped = one.settings.get("skipped")
        how = f"not done: {said(skipped)}" if skipped else said(one.settings.get("rule"))
        judged = "–" if skipped else said(one.settings.get("judged_on"))
        gone = number(int(before.value - one.value))
        rows.append((str(one.target), number(int(one.value)), gone, how, judged))
    return Table(
        columns=("step", "kept", "left out", "keeps", "judged on"),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 4}),
    )


def _left_out(counts: Sequence[Result]) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    for one in counts[1:]:
        listed = one.settings.get("by_feature")
        if not isinstance(listed, Mapping):
            continue
        instead = listed.get("instead") or [None] * len(listed["names"])
        for name, figure, other in zip(listed["names"], listed["figure"], instead, strict=True):
            rows.append((str(name), str(one.target), number(figure), str(other or "–")))
    if not rows:
        return []
    table = Table(
        columns=("column", "left out by", "its figure", "what stands for it"),
        rows=tuple(rows),
        numeric=frozenset({2}),
        caption="The figure is the variance, the lower limit of ICC(A,1), |Spearman| with what "
        "stands for it, or the smallest corrected p between two sites.",
    )
    return [Fold(summary=f"The {number(len(rows))} columns left out", blocks=(table,))]


def _probes(files: RunFiles, results: Sequence[Result]) -> list[Block]:
    intervals = files.demonstration is None
    shown = [one for one in results if one.metric in SHOWN]
    if not shown:
        return []
    columns: tuple[str, ...] = ("told", "from", "metric", "value")
    columns += ("95 % interval",) if intervals else ()
    rows: list[tuple[Cell, ...]] = []
    for one in sorted(shown, key=lambda one: (str(one.target), one.features)):
        row: tuple[Cell, ...] = (
            target_name(one.target),
            one.features,
            metric_name(one.metric),
            fixed(one.value),
        )
        rows.append((*row, interval(one.low, one.high, one.metric)) if intervals else row)
    table = Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset({3, 4}),
        caption="What can be read before and after, on the same test patients.",
    )
    differences = [one for one in results if is_difference(one)]
    caption = "After curation minus before: fewer columns should keep the label, and lose the site."
    return [table, difference_table(differences, intervals=intervals, caption=caption)]
