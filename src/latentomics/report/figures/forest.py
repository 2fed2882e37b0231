"""Forest plot: one row a set of features, its score, its interval, and the figure in words.

In: rows with value, interval and single seeds. Out: a figure whose dashed line is what chance, or
no effect, would give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.planes import Values
from latentomics.report.figures.style import (
    BASELINE,
    INK,
    LEARNED,
    QUIET,
    plain_logarithmic,
    styled,
)
from latentomics.report.words import interval, scored, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAR = 8.0  # a ratio above which positive values need a logarithmic axis to be told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """A score with its 95 % interval (None: not shown); ``seeds`` are single repetitions."""

    name: str
    value: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    learned: bool  # features of the trained model, not a baseline


@styled
def forest(
    rows: tuple[ForestRow, ...],
    *,
    axis: str,
    metric: str,
    reference: float | None,
    reference_name: str,
) -> Figure:
    """Draw rows from top to bottom, the trained model's in colour and with round markers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 0.34 * len(rows) + 0.95), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="x")
    places = np.arange(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        _draw_row(axes, float(place), row)
    _labels(axes, places, rows, metric)
    axes.set_xlabel(axis)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    low, high = _limits(rows, reference)
    axes.set_xlim(low, high)
    if low > 0 and high > FAR * low:
        plain_logarithmic(axes.xaxis)
    else:
        axes.locator_params(axis="x", nbins=6)
    if reference is not None:
        axes.axvline(reference, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.text(
            reference,
            len(rows) - 0.35,
            reference_name,
            fontsize=7.5,
            color=QUIET,
            ha="center",
            va="bottom",
        )
    return figure


def _draw_row(axes: Axes, place: float, row: ForestRow) -> None:
    colour = LEARNED if row.learned else BASELINE
    if row.low is not None and row.high is not None:
        axes.plot(
            [row.low, row.high],
            [place, place],
            color=colour,
            linewidth=2.2,
            zorder=2,
            solid_capstyle="round",
        )
    if row.seeds:
        axes.plot(
            row.seeds,
            [place] * len(row.seeds),
            linestyle="none",
            marker="o",
            zorder=3,
            markersize=4,
            markerfacecolor="white",
            markeredgecolor=colour,
        )
    axes.plot(
        [row.value],
        [place],
        marker="o" if row.learned else "s",
        color=colour,
        zorder=4,
        markersize=7 if row.learned else 6,
        markeredgecolor="white",
    )


def _labels(axes: Axes, places: Values, rows: tuple[ForestRow, ...], metric: str) -> None:
    axes.set_yticks(places, [short(row.name) for row in rows])
    axes.tick_params(axis="y", length=0, labelsize=9)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(LEARNED if row.learned else INK)
    for place, row in zip(places, rows, strict=True):
        text = scored(row.value, metric)
        if row.low is not None and row.high is not None:
            text += f"  ({interval(row.low, row.high, metric)})"
        axes.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            annotation_clip=False,
        )
    axes.spines["left"].set_visible(False)


def _limits(rows: tuple[ForestRow, ...], reference: float | None) -> tuple[float, float]:
    ends = [end for row in rows for end in (row.value, row.low, row.high, *row.seeds, reference)]
    finite = [end for end in ends if end is not None and np.isfinite(end)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if low > 0 and high > FAR * low:
        margin = (high / low) ** 0.06
        return low / margin, high * margin
    margin = 0.06 * (high - low) or 0.05
    return low - margin, high + margin
