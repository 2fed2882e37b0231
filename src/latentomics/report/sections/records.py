"""Records of results.json as rows of plots and tables.

In: records. Out: rows in a fixed order, with intervals only where they would not lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from latentomics.core import DoubleArray, Result
from latentomics.report.figures import ForestRow, forest, svg
from latentomics.report.page import Cell, Mark, Picture, Table
from latentomics.report.words import (
    feature_name,
    interval,
    metric_name,
    number,
    p_value,
    said,
    scored,
    target_name,
)

ORDER = (
    "latent+classic",
    "latent+known",
    "latent+size",
    "latent",
    "latent+pooled",
    "latent+pooled+size",
    "pooled",
    "pca+size",
    "pca",
    "random+size",
    "random",
    "intensity+size",
    "intensity",
    "classic",
    "known",
    "size",
    "site",
    "age",
    "sex",
    "mean",
)
REFERENCES: Mapping[str, tuple[float, str]] = {
    "auroc": (0.5, "chance"),
    "balanced_accuracy": (0.5, "chance"),
    "r2": (0.0, "the mean"),
    "spearman": (0.0, "no relation"),
}
LOWER_IS_BETTER = ("mae", "mse", "rmse", "brier", "calibration_error")
_SPLITS = {"train": "training cases", "val": "validation cases", "test": "test cases"}
LEARNED_SETS = ("latent", "pooled")


def rank(features: str) -> tuple[int, str]:
    """Return where a set of features stands: learned first, baselines after."""
    return (ORDER.index(features) if features in ORDER else len(ORDER), features)


def chosen(results: Iterable[Result], evaluation: str) -> tuple[Result, ...]:
    """Return the records of one evaluation in the fixed order of their features."""
    return tuple(
        sorted((r for r in results if r.evaluation == evaluation), key=lambda r: rank(r.features))
    )


def distinct(names: Iterable[str | None]) -> list[str | None]:
    """Return names once each, in the order of their first appearance."""
    return list(dict.fromkeys(names))


def is_difference(result: Result) -> bool:
    """Whether a record is a paired difference to a baseline."""
    return "_minus_" in result.metric


def without_repeats(results: Sequence[Result]) -> tuple[ForestRow, ...]:
    """Return one row a set of features; records of single seeds become dots and their mean."""
    rows = []
    for features in distinct(result.features for result in results):
        own = [result for result in results if result.features == features]
        seeds = tuple(float(v) for v in _list(own[0].settings.get("by_seed")))
        single = len(own) > 1
        rows.append(
            ForestRow(
                name=feature_name(str(features)),
                value=sum(r.value for r in own) / len(own),
                low=None if single else own[0].low,
                high=None if single else own[0].high,
                seeds=tuple(r.value for r in own) if single else seeds,
                learned=str(features).startswith(LEARNED_SETS),
            )
        )
    return tuple(rows)


def forest_picture(
    results: Sequence[Result], *, name: str, title: str, unit: str = "", intervals: bool
) -> Picture:
    """Return the forest plot of records that share target and metric."""
    rows = without_repeats([r if intervals else bare(r) for r in results])
    metric = results[0].metric
    reference, words = REFERENCES.get(metric, (None, ""))
    axis = metric_name(metric) + (f" ({unit})" if unit else "")
    axis += ", lower is better" if metric in LOWER_IS_BETTER else ""
    image = svg(forest(rows, axis=axis, metric=metric, reference=reference, reference_name=words))
    listed = "; ".join(f"{row.name} {scored(row.value, metric)}" for row in rows)
    return Picture(
        name=name,
        image=image,
        alternative=f"{title}: {metric_name(metric)} of {listed}.",
        caption=f"{title}. {scored_on(results[0])}",
    )


def scored_on(result: Result) -> str:
    """Return on which cases a record was computed (PROMISES L4)."""
    where = result.settings.get("scored", result.settings.get("split"))
    text = f"Scored on {_SPLITS.get(str(where), said(where))}, " if where else ""
    cases = result.settings.get("cases", result.settings.get("samples"))
    text += f"{number(result.n)} patients" if cases else f"n = {number(result.n)}"
    text += f", {said(cases)} cases" if cases else ""
    if isinstance(positive := result.settings.get("positive"), int):
        text += f" ({number(positive)} positive)"
    return text + "."


def plus_minus(result: Result) -> str:
    """Return how far the 95 % interval reaches from the value, nothing where there is none."""
    return "" if result.high is None else f", ± {number(result.high - result.value, 2)} (95 %)"


def difference_table(results: Sequence[Result], *, intervals: bool, caption: str) -> Table:
    """Return paired differences: what is compared, by how much, and in words."""
    columns: tuple[str, ...] = ("target", "features", "minus", "metric", "difference")
    columns += ("95 % interval", "p", "in words") if intervals else ()
    rows = [_difference(result, intervals=intervals) for result in results]
    return Table(columns=columns, rows=tuple(rows), numeric=frozenset({4, 5, 6}), caption=caption)


def record_table(results: Sequence[Result], *, intervals: bool) -> Table:
    """Return records as they stand in results.json, settings in words."""
    columns: tuple[str, ...] = ("evaluation", "features", "target", "metric", "value")
    columns += ("95 % interval",) if intervals else ()
    hidden = () if intervals else ("p", "interval")
    rows = []
    for result in results:
        settings = {k: v for k, v in result.settings.items() if k not in hidden}
        row: tuple[Cell, ...] = (
            result.evaluation.replace("_", " "),
            result.features,
            target_name(result.target),
            result.metric,
            scored(result.value, result.metric),
        )
        row += (interval(result.low, result.high, result.metric),) if intervals else ()
        rows.append((*row, number(result.n), said(settings)))
    last = len(columns)
    return Table(
        columns=(*columns, "n", "settings"),
        rows=tuple(rows),
        numeric=frozenset({*range(4, last + 1)}),
    )


def bare(result: Result) -> Result:
    """Return a record without its interval."""
    return Result(
        evaluation=result.evaluation,
        features=result.features,
        target=result.target,
        metric=result.metric,
        value=result.value,
        low=None,
        high=None,
        n=result.n,
        settings=result.settings,
    )


def _difference(result: Result, *, intervals: bool) -> tuple[Cell, ...]:
    metric, baseline = result.metric.split("_minus_", 1)
    row: tuple[Cell, ...] = (
        target_name(result.target),
        feature_name(result.features),
        feature_name(baseline),
        metric_name(metric),
        scored(result.value, metric, sign=True),
    )
    if not intervals:
        return row
    return (
        *row,
        interval(result.low, result.high, metric, sign=True),
        p_value(result.settings.get("p")),
        verdict_of(result, metric),
    )


def verdict_of(result: Result, metric: str) -> Mark:
    """Return better, worse or no clear difference, by whether the interval holds zero."""
    if result.low is None or result.high is None:
        return Mark(status="none", text="no interval")
    low, high = result.low, result.high
    if metric in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return Mark(status="ok", text="better")
    if high < 0:
        return Mark(status="fail", text="worse")
    return Mark(status="none", text="no clear difference")


def _list(value: object) -> list[float]:
    if not isinstance(value, (list, tuple)):
        return []
    return [float(entry) for entry in value if isinstance(entry, (int, float))]


def by_feature(result: Result, key: str) -> DoubleArray:
    """Return one number a feature from a record's settings, NaN where there is none."""
    listed = result.settings.get("by_feature")
    values = listed.get(key) if isinstance(listed, Mapping) else None
    known = values if isinstance(values, (list, tuple)) else ()
    return np.array([v if isinstance(v, (int, float)) else np.nan for v in known], np.float64)
