"""Which features know the site, one by one.

In: records of the evaluations ``ks`` and ``site_variance``. Out: blocks for the section about
sites.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import DoubleArray, Result
from latentomics.report.figures import Ladder, ladders, svg
from latentomics.report.page import Block, Cell, Gallery, Heading, Picture, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import (
    LEARNED_SETS,
    REFERENCES,
    by_feature,
    chosen,
    is_difference,
    scored_on,
)
from latentomics.report.words import (
    feature_name,
    fixed,
    interval,
    metric_name,
    number,
    p_value,
    scored,
    target_name,
)

SITE = "site"
BEFORE, AFTER = "latent", "latent harmonised"
HARMONISED = (
    "The latent after ComBat minus the latent as it is, on the same test patients; ComBat was "
    "fitted on training cases. It should lower how well the site is told, and keep the label."
)
LEVEL = 0.05
HOW_TO_READ = (
    "One dot a feature: the share of its variance between patients that goes with their site. "
    "Filled dots differ between two sites (Kolmogorov-Smirnov, corrected for all features and "
    "pairs); a feature near 1 is a label of the scanner."
)


def site_feature_blocks(files: RunFiles) -> list[Block]:
    """Return the plot and the table of features by site; nothing where no sites were compared."""
    shares = [r for r in chosen(files.results, "site_variance") if r.target == SITE]
    shifted = {r.features: r for r in chosen(files.results, "ks") if r.target == SITE}
    if not shares:
        return []
    drawn = tuple(_ladder(result, shifted.get(result.features)) for result in shares)
    drawn = tuple(one for one in drawn if len(one.values))
    blocks: list[Block] = [Heading(text="Feature by feature")]
    if drawn:
        image = svg(ladders(drawn, axis="share explained by site", lines=((0.0, ""),),
                            limits=(-0.1, 1.0)))  # fmt: skip
        listed = "; ".join(f"{one.name} mean {fixed(float(one.values.mean()), 2)}" for one in drawn)
        picture = Picture(
            name="site_variance",
            image=image,
            alternative=f"Share of each feature's variance that the site explains: {listed}.",
            caption=f"{HOW_TO_READ} {scored_on(shares[0])}",
        )
        blocks.append(Gallery(pictures=(picture,)))
    return [*blocks, _table(shares, shifted, intervals=files.demonstration is None)]


def _ladder(share: Result, shifted: Result | None) -> Ladder:
    values = by_feature(share, "share")
    p = by_feature(shifted, "p") if shifted is not None else np.empty(0)
    marked: DoubleArray = p if len(p) == len(values) else np.ones(len(values))
    return Ladder(
        name=feature_name(share.features),
        values=values,
        marked=np.asarray(marked < LEVEL),
        learned=share.features.startswith(LEARNED_SETS),
    )


def _table(shares: Sequence[Result], shifted: dict[str, Result], *, intervals: bool) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for result in shares:
        other = shifted.get(result.features)
        row: tuple[Cell, ...] = (feature_name(result.features), fixed(result.value, 2))
        if intervals:
            row += (
                interval(result.low, result.high, result.metric),
                p_value(result.settings.get("p")),
            )
        different = fixed(other.value, 2) if other is not None else "–"
        rows.append((*row, different, number(result.n)))
    columns: tuple[str, ...] = ("features", "mean share of variance")
    columns += ("95 % interval", "p") if intervals else ()
    return Table(
        columns=(*columns, "share that differs", "patients"),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(columns) + 2)),
        caption="Variance is adjusted for the number of sites: 0 is what chance gives. p by "
        "exchanging patients between sites.",
    )


def harmonisation_blocks(files: RunFiles) -> list[Block]:
    """Return what harmonising the latent changes; nothing where it was not tried."""
    results = [r for r in chosen(files.results, "harmonisation") if is_difference(r)]
    if not results:
        return []
    intervals = files.demonstration is None
    columns: tuple[str, ...] = ("told", "metric", "before", "after", "difference")
    columns += ("95 % interval", "p") if intervals else ()
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        metric = result.metric.split("_minus_")[0]
        row: tuple[Cell, ...] = (
            target_name(result.target),
            metric_name(metric),
            *(
                _level(_probed(files, result, name), intervals=intervals)
                for name in (BEFORE, AFTER)
            ),
            scored(result.value, metric, sign=True),
        )
        if intervals:
            span = interval(result.low, result.high, metric, sign=True)
            row += (span, p_value(result.settings.get("p")))
        rows.append(row)
    numeric = frozenset(range(2, len(columns)))
    table = Table(columns=columns, rows=tuple(rows), numeric=numeric, caption=HARMONISED)
    said = [Words(text=_changed(files, result)) for result in results] if intervals else []
    return [Heading(text="After harmonisation"), *said, table]


def _changed(files: RunFiles, result: Result) -> str:
    """Say in words what harmonising changed, and where it went past chance."""
    told = f"{'The' if result.target == SITE else 'The label'} {target_name(result.target)}"
    if result.low is None or result.high is None:
        return f"{told}: no interval, so that nothing can be said of the change."
    if result.high < 0:
        words = f"{told} is told clearly less well after ComBat"
    elif result.low > 0:
        words = f"{told} is told clearly better after ComBat"
    else:
        words = f"{told} is told neither clearly better nor clearly worse after ComBat"
    if result.low > 0 if result.target == SITE else result.high < 0:
        words += ", which it should not be"
    after, metric = _probed(files, result, AFTER), result.metric.split("_minus_")[0]
    chance, _ = REFERENCES.get(metric, (None, ""))
    if after is not None and chance is not None and after.value < chance:
        clear = after.high is not None and after.high < chance
        below = "clearly below chance" if clear else "below chance, though not clearly"
        left = _level(after, intervals=True)
        words += f"; what is left, {left}, lies {below} (it is {number(chance)})"
    return f"{words}."


def _probed(files: RunFiles, difference: Result, features: str) -> Result | None:
    """Return the level that a difference was made of."""
    metric = difference.metric.split("_minus_")[0]
    wanted = ("harmonisation", features, metric, difference.target)
    for one in files.results:
        if (one.evaluation, one.features, one.metric, one.target) == wanted:
            return one
    return None


def _level(result: Result | None, *, intervals: bool) -> str:
    if result is None:
        return "–"
    value = scored(result.value, result.metric)
    if not intervals or result.low is None:
        return value
    return f"{value} ({interval(result.low, result.high, result.metric)})"
