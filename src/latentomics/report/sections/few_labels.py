"""What the features know when few patients have a label, and how many labels they save.

In: records of the evaluation ``label_efficiency``. Out: blocks of the section on the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentomics.core import Result
from latentomics.evaluation import COMPARED
from latentomics.report.figures import LabelCurve, label_curves, svg
from latentomics.report.page import Block, Cell, Fold, Gallery, Heading, Picture, Table, Words
from latentomics.report.sections.records import (
    LEARNED_SETS,
    REFERENCES,
    difference_table,
    distinct,
    is_difference,
)
from latentomics.report.words import (
    feature_name,
    fixed,
    interval,
    metric_name,
    number,
    scored,
    target_name,
)

NEEDED, OVER = "labels_for_95", "labels_over_"
FEWEST = 3  # numbers of labels that make a curve
MEANING = (
    "Labels needed: patients with a label that give 95 % of what all labels give beyond chance, on "
    "the curve 1 − score = a + b·n^−c. Ratio: labels that the code needs over those that the "
    "baseline needs, for 95 % of what the baseline reaches; below 1 the code saves labels. The "
    "heuristic (k + 1) / (d + 1) compares the parameters of linear models on k latents and d raw "
    "values."
)


def few_label_blocks(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    """Return curves where there are some, what they save, and the table of all figures."""
    plain = [r for r in results if "n_labels" in r.settings and not is_difference(r)]
    if not plain:
        return []
    blocks: list[Block] = [Heading(text="With few labels")]
    pictures = [
        _picture(index, own, intervals=intervals)
        for index, own in enumerate(_by_target(plain))
        if len({_count(r) for r in own}) >= FEWEST
    ]
    saved = [r for r in results if r.metric == NEEDED or r.metric.startswith(OVER)]
    if pictures:
        blocks.append(Gallery(pictures=tuple(pictures), columns=2))
    if saved:
        blocks += [Words(text=MEANING), _saved(saved, intervals=intervals)]
        blocks += [Words(text=text) for text in _never(saved)]
    table = _every(plain, intervals=intervals)
    blocks.append(Fold(summary="All numbers of labels", blocks=(table,)) if pictures else table)
    differences = [r for r in results if is_difference(r)]
    if differences:
        caption = "Paired differences" + _resampled(differences) * intervals
        paired = difference_table(differences, intervals=intervals, caption=f"{caption}.")
        blocks.append(Fold(summary="Against the baselines, with few labels", blocks=(paired,)))
    return blocks


def _draws(results: Sequence[Result]) -> str:
    """Return of how many draws of the labelled patients the figures are the mean."""
    known = {r.settings.get("draws_of_labels") for r in results} - {None}
    return f"{number(known.pop())} draws" if len(known) == 1 else "draws"


def _resampled(results: Sequence[Result]) -> str:
    """Return of how many resamples the intervals and p are, where the records say it."""
    known = {r.settings.get("interval") for r in results} - {None}
    return f"; intervals and p: {known.pop()}" if len(known) == 1 else ""


def _by_target(results: Sequence[Result]) -> list[list[Result]]:
    targets = distinct(r.target for r in results)
    return [[r for r in results if r.target == target] for target in targets]


def _count(result: Result) -> int:
    count = result.settings.get("n_labels", 0)
    return int(count) if isinstance(count, (int, float, str)) else 0


def _picture(index: int, results: Sequence[Result], *, intervals: bool) -> Picture:
    metric, target = results[0].metric, target_name(results[0].target)
    curves = []
    for features in distinct(r.features for r in results):
        own = sorted((r for r in results if r.features == features), key=_count)
        bounded = intervals and all(r.low is not None and r.high is not None for r in own)
        curves.append(
            LabelCurve(
                name=feature_name(str(features)),
                labels=tuple(_count(r) for r in own),
                values=tuple(r.value for r in own),
                low=tuple(float(r.low or 0) for r in own) if bounded else (),
                high=tuple(float(r.high or 0) for r in own) if bounded else (),
                learned=str(features).startswith(LEARNED_SETS),
            )
        )
    image = svg(
        label_curves(tuple(curves), axis=metric_name(metric), reference=REFERENCES.get(metric))
    )
    listed = "; ".join(f"{one.name} {scored(one.values[-1], metric)}" for one in curves)
    shade = " Shaded: 95 % interval over labelled and scored patients." if intervals else ""
    draws = _draws(results)
    return Picture(
        name=f"few_labels_{index + 1:02d}",
        image=image,
        alternative=f"{target}: {metric_name(metric)} against labelled patients; with all: "
        f"{listed}.",
        caption=f"{target}, mean over {draws} of the labelled patients, scored on "
        f"{number(results[0].n)} test patients.{shade}",
    )


def _saved(results: Sequence[Result], *, intervals: bool) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        over = result.metric.removeprefix(OVER) if result.metric.startswith(OVER) else None
        row: tuple[Cell, ...] = (
            target_name(result.target),
            feature_name(result.features),
            "labels needed" if over is None else f"ratio to {feature_name(over)}",
            number(round(result.value)) if over is None else fixed(result.value, 2),
        )
        row += (_span(result, whole=over is None),) if intervals else ()
        rows.append((*row, _remark(result)))
    heads: tuple[str, ...] = ("target", "features", "figure", "value")
    heads += ("95 % interval",) if intervals else ()
    return Table(columns=(*heads, "of"), rows=tuple(rows), numeric=frozenset({3, 4}))


def _never(saved: Sequence[Result]) -> list[str]:
    """Say which levels no number of labels gives: such a ratio has no record."""
    found = []
    for target in distinct(r.target for r in saved):
        own = [r for r in saved if r.target == target]
        level_of = {r.features for r in own if r.metric == NEEDED}
        for features, bases in COMPARED.items():
            given = {r.metric.removeprefix(OVER) for r in own if r.features == features}
            beyond = [base for base in bases if base in level_of and base not in given]
            if features in level_of and beyond:
                names = ", ".join(feature_name(base) for base in beyond)
                found.append(
                    f"{target_name(target)}: on its curve {feature_name(features)} never reaches "
                    f"95 % of what all labels give to {names}."
                )
    return found


def _span(result: Result, *, whole: bool) -> str:
    if result.low is None:
        return "–"
    if result.high is None:  # so many labels that there is no end
        return f"above {number(round(result.low)) if whole else fixed(result.low, 2)}"
    if whole:
        return f"{number(round(result.low))} to {number(round(result.high))}"
    return f"{fixed(result.low, 2)} to {fixed(result.high, 2)}"


def _remark(result: Result) -> str:
    settings: Mapping[str, object] = result.settings
    words = []
    labels = settings.get("labels")
    if isinstance(labels, (list, tuple)) and len(labels) == 2:
        words.append(f"{number(round(labels[0]))} against {number(round(labels[1]))} labels")
        most = settings.get("measured_to")
        if isinstance(most, int) and max(labels) > most:
            words.append(f"beyond the {number(most)} measured, on the fitted curve alone")
    level = settings.get("level")
    if isinstance(level, (int, float)):
        words.append(f"for a score of {fixed(float(level))}")
    if "heuristic" in settings:
        latents, values = number(settings.get("latents")), number(settings.get("raw_values"))
        words.append(
            f"heuristic ({latents} + 1) / ({values} + 1) = {number(settings['heuristic'])}"
        )
    return "; ".join(words)


def _every(plain: Sequence[Result], *, intervals: bool) -> Table:
    counts = sorted({_count(r) for r in plain})
    rows: list[tuple[Cell, ...]] = []
    for of_target in _by_target(plain):
        for features in distinct(r.features for r in of_target):
            own = [r for r in of_target if r.features == features]
            cells = [
                _cell([r for r in own if _count(r) == count], intervals=intervals)
                for count in counts
            ]
            target = target_name(of_target[0].target)
            rows.append((target, feature_name(str(features)), *cells))
    metrics = " or ".join(metric_name(str(m)) for m in distinct(r.metric for r in plain))
    return Table(
        columns=("target", "features", *(f"{number(c)} labelled patients" for c in counts)),
        rows=tuple(rows),
        numeric=frozenset(range(2, len(counts) + 2)),
        caption=f"{metrics} with few labelled training patients, mean over {_draws(plain)} of "
        "them.",
    )


def _cell(results: Sequence[Result], *, intervals: bool) -> str:
    if not results:
        return "–"
    text = scored(results[0].value, results[0].metric)
    if intervals and results[0].low is not None:
        text += f" ({interval(results[0].low, results[0].high, results[0].metric)})"
    return text
