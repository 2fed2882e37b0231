"""What the features know of each label, beside PCA, untrained encoders and plain size.

In: records of the evaluations ``probe`` and ``label_efficiency``. Out: one section.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.core import Result
from latentomics.report.page import Block, Cell, Fold, Gallery, Heading, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.few_labels import few_label_blocks
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
    metric_name,
    scored,
    target_name,
)

MAIN = ("auroc", "r2")
NESTED = ("size", "classic")  # what the code is added to
CALIBRATION = ("brier", "calibration_slope", "calibration_intercept", "calibration_error")
HOW_CALIBRATED = (
    "{}: are the probabilities right? The slope is 1 and the intercept 0 where they are; a slope "
    "below 1 means predictions that are too bold. The error is the mean distance between predicted "
    "and seen frequencies in ten bins of equal mass."
)
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
    blocks += _supervised(chosen(files.results, "supervised"), intervals=intervals)
    blocks += _elsewhere(chosen(files.results, "external"), intervals=intervals)
    blocks += _chance(chosen(files.results, "permutation"))
    blocks += few_label_blocks(chosen(files.results, "label_efficiency"), intervals=intervals)
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
        told, trusted = _apart(own)
        tables.append(_all_metrics(told, title=f"{target_name(target)}{_by_chance(told)}"))
        if trusted:
            caption = HOW_CALIBRATED.format(target_name(target))
            tables.append(_all_metrics(trusted, title=caption))
    differences = [result for result in results if is_difference(result)]
    added = [one for one in differences if _nested(one)]
    blocks: list[Block] = [Gallery(pictures=tuple(pictures), columns=2)]
    if added:
        caption = "The same model with the code and without it, on the same patients."
        blocks += [
            Heading(text="What the code adds"),
            difference_table(added, intervals=intervals, caption=caption),
        ]
    blocks += _against([one for one in differences if one not in added], intervals=intervals)
    blocks.append(Fold(summary="All metrics of each target", blocks=tuple(tables)))
    return blocks


def _against(differences: Sequence[Result], *, intervals: bool) -> list[Block]:
    """Show what the richest set has beyond the baselines, and folded what the code alone has."""
    if not differences:
        return []
    caption = "Paired differences on the same patients: is there more than in the baseline?"
    richer = [one for one in differences if one.features != "latent"]
    alone = [one for one in differences if one.features == "latent"] if richer else []
    table = difference_table(richer or differences, intervals=intervals, caption=caption)
    blocks: list[Block] = [Heading(text="Against the baselines"), table]
    if alone:
        folded = difference_table(alone, intervals=intervals, caption=caption)
        blocks.append(Fold(summary="The code alone against the baselines", blocks=(folded,)))
    return blocks


def _apart(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Return the figures of how much is known, and those of calibration."""
    plain = [result for result in results if not is_difference(result)]
    trusted = [result for result in plain if result.metric in CALIBRATION]
    return [result for result in plain if result.metric not in CALIBRATION], trusted


def _nested(result: Result) -> bool:
    """Whether a difference is that of a set with the code and the same set without it."""
    return any(
        result.features == f"latent+{base}" and result.metric.endswith(f"_minus_{base}")
        for base in NESTED
    )


def _all_metrics(results: Sequence[Result], *, title: str) -> Table:
    """Return features by metrics for one target."""
    metrics = [str(name) for name in distinct(result.metric for result in results)]
    rows: list[tuple[Cell, ...]] = []
    for features in distinct(result.features for result in results):
        own = [result for result in results if result.features == features]
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


def _by_chance(results: Sequence[Result]) -> str:
    """Say what average precision is by chance: not one half, as the others beside it."""
    ranked = [result for result in results if result.metric == "average_precision"]
    if not ranked:
        return ""
    positive, cases = (ranked[0].settings.get(name) for name in ("positive", "cases"))
    share = "the share of the class, averaged over classes"
    if isinstance(positive, int) and isinstance(cases, int) and cases:
        share = f"the share of positive cases, {scored(positive / cases, 'average_precision')}"
    return f". By chance AUROC and balanced accuracy are 0.5, and average precision is {share}"


def _elsewhere(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    """Show what the run's model and probes give on other cohorts."""
    if not results:
        return []
    plain = [r for r in results if not is_difference(r)]
    lead = (
        "Nothing was fitted there: the linear models are those of the run's training and "
        "validation cases."
    )
    blocks: list[Block] = [Heading(text="On another cohort"), Words(text=lead)]
    return [*blocks, record_table(plain, intervals=intervals)]


def _supervised(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    """Show what the same encoder gives when it is trained on the labels."""
    pictures = []
    for index, target in enumerate(distinct(result.target for result in results)):
        own = [r for r in results if r.target == target and not is_difference(r)]
        plotted = [r for r in own if r.metric == main_metric(own)]
        name = f"supervised_{index + 1:02d}"
        pictures.append(
            forest_picture(plotted, name=name, title=target_name(target), intervals=intervals)
        )
    if not pictures:
        return []
    caption = "The same encoder with a linear head, trained on the label of the training patients."
    differences = [result for result in results if is_difference(result)]
    return [
        Heading(text="Beside an encoder trained on the label"),
        Gallery(pictures=tuple(pictures), columns=2),
        difference_table(differences, intervals=intervals, caption=caption),
    ]


def _chance(results: Sequence[Result]) -> list[Block]:
    """Say what the probe gives on labels dealt out at random."""
    blocks: list[Block] = []
    for result in results:
        count, right = result.settings.get("permutations"), result.settings.get("at_chance")
        text = (
            f"{target_name(result.target)}: on {count} random dealings of the label the same probe "
            f"of {feature_name(result.features)} gives {metric_name(result.metric)} "
            f"{scored(result.value, result.metric)} on average"
        )
        end = ", which is chance." if right else ", which is above chance: something leaks."
        blocks.append(Words(text=text + end, tone="note" if right else "warn"))
    return [Heading(text="On labels dealt at random"), *blocks] if blocks else []
