"""What the features know of each label, beside PCA, untrained encoders and plain size.

In: records of the evaluations ``probe`` and ``label_efficiency``. Out: one section.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.core import Result
from latentomics.report.page import Block, Cell, Fold, Gallery, Heading, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import (
    chosen,
    difference_table,
    distinct,
    forest_picture,
    is_difference,
    record_table,
    without_repeats,
)
from latentomics.report.words import (
    feature_name,
    interval,
    metric_name,
    number,
    scored,
    target_name,
)

MAIN = ("auroc", "r2")
WITHOUT_INTERVALS = (
    "Intervals and p values are left out: they would suggest a cohort that is not there."
)


def evidence_section(files: RunFiles) -> Section:
    """Return the section with a forest plot a target and the paired differences."""
    intervals = files.demonstration is None
    results = chosen(files.results, "probe")
    blocks: list[Block] = [] if intervals else [Words(text=WITHOUT_INTERVALS, tone="warn")]
    if results:
        blocks += _probes(results, intervals=intervals)
    else:
        reason = files.missing.get("results.json") or (
            "No label was probed: name one with --label, or the label has too few cases of a class"
        )
        blocks.append(Words(text=f"{reason}.", tone="note"))
    blocks += _few_labels(chosen(files.results, "label_efficiency"), intervals=intervals)
    if files.results:
        every = record_table(files.results, intervals=intervals)
        blocks.append(
            Fold(summary=f"All {len(files.results)} records of results.json", blocks=(every,))
        )
    return Section(
        anchor="evidence",
        title="What the features know",
        lead="A linear model reads each target from each set of features, on patients that neither "
        "the encoder nor the model has seen. Blue: learned features; grey: what they must beat.",
        blocks=tuple(blocks),
    )


def main_metric(results: Sequence[Result]) -> str:
    """Return the metric that leads: AUROC for classes, R2 for quantities, else the first."""
    metrics = [result.metric for result in results if not is_difference(result)]
    return next((metric for metric in MAIN if metric in metrics), metrics[0] if metrics else "")


def _probes(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    pictures, tables = [], []
    for index, target in enumerate(distinct(result.target for result in results)):
        own = [result for result in results if result.target == target]
        metric = main_metric(own)
        plotted = [result for result in own if result.metric == metric]
        if not plotted:
            continue
        pictures.append(
            forest_picture(
                plotted,
                name=f"probe_{index + 1:02d}",
                title=target_name(target),
                intervals=intervals,
            )
        )
        tables.append(_all_metrics(own, title=target_name(target)))
    differences = [result for result in results if is_difference(result)]
    blocks: list[Block] = [Gallery(pictures=tuple(pictures), columns=2)]
    if differences:
        caption = "Paired differences on the same patients: is there more than in the baseline?"
        blocks += [
            Heading(text="Against the baselines"),
            difference_table(differences, intervals=intervals, caption=caption),
        ]
    blocks.append(Fold(summary="All metrics of each target", blocks=tuple(tables)))
    return blocks


def _all_metrics(results: Sequence[Result], *, title: str) -> Table:
    """Return features by metrics for one target."""
    plain = [result for result in results if not is_difference(result)]
    metrics = [str(name) for name in distinct(result.metric for result in plain)]
    rows: list[tuple[Cell, ...]] = []
    for features in distinct(result.features for result in plain):
        own = [result for result in plain if result.features == features]
        values = [
            [row.value for row in without_repeats([r for r in own if r.metric == metric])][:1]
            for metric in metrics
        ]
        cells = [scored(v[0], m) if v else "–" for v, m in zip(values, metrics, strict=True)]
        rows.append((feature_name(str(features)), *cells))
    return Table(
        columns=("features", *(metric_name(m) for m in metrics)),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(metrics) + 1)),
        caption=title,
    )


def _few_labels(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    plain = [result for result in results if not is_difference(result)]
    if not plain:
        return []
    counts = sorted({str(r.settings.get("n_labels", "")) for r in plain}, key=lambda c: (len(c), c))
    rows: list[tuple[Cell, ...]] = []
    for target in distinct(result.target for result in plain):
        for features in distinct(r.features for r in plain if r.target == target):
            cells = [
                _cell(
                    [
                        r
                        for r in plain
                        if (r.target, r.features) == (target, features)
                        and str(r.settings.get("n_labels", "")) == count
                    ],
                    intervals=intervals,
                )
                for count in counts
            ]
            rows.append((target_name(target), feature_name(str(features)), *cells))
    heads = tuple(f"{number(int(c)) if c.isdigit() else c} labelled patients" for c in counts)
    table = Table(
        columns=("target", "features", *heads),
        rows=tuple(rows),
        numeric=frozenset(range(2, len(counts) + 2)),
        caption="AUROC with few labelled training patients, mean over many draws of them.",
    )
    differences = [result for result in results if is_difference(result)]
    blocks: list[Block] = [Heading(text="With few labels"), table]
    if differences:
        paired = difference_table(differences, intervals=intervals, caption="Paired differences.")
        blocks.append(Fold(summary="Against the baselines, with few labels", blocks=(paired,)))
    return blocks


def _cell(results: Sequence[Result], *, intervals: bool) -> str:
    if not results:
        return "–"
    text = scored(results[0].value, results[0].metric)
    if intervals and results[0].low is not None:
        text += f" ({interval(results[0].low, results[0].high, results[0].metric)})"
    return text
