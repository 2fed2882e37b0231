"""Ladders: every feature of a set as one rung, sorted, with its interval where it has one.

In: values of features, one ladder a set. Out: a figure, a panel a set; dashed lines are limits that
have a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import BoolArray, DoubleArray
from latentomics.report.figures.style import (
    BASELINE,
    LEARNED,
    QUIET,
    columns_for,
    styled,
)
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """One value a feature (NaN unknown), its limits (empty: none), and which rungs are filled."""

    name: str
    values: DoubleArray
    low: DoubleArray = field(default_factory=lambda: np.empty(0))
    high: DoubleArray = field(default_factory=lambda: np.empty(0))
    marked: BoolArray = field(default_factory=lambda: np.empty(0, dtype=bool))
    learned: bool = True


@styled
def ladders(
    sets: tuple[Ladder, ...],
    *,
    axis: str,
    lines: tuple[tuple[float, str], ...],
    limits: tuple[float, float],
) -> Figure:
    """Draw one panel a set, its features from the highest value to the lowest.

    Parameters
    ----------
    lines : tuple of (value, name)
        Dashed and named.
    limits : (low, high)
        Of the vertical axis; a value beyond is drawn at its end as a triangle.
    """
    from matplotlib.figure import Figure

    across = columns_for(len(sets))
    down = -(-len(sets) // across)
    figure = Figure(figsize=(3.35 * across, 2.5 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for index, (axes, one) in enumerate(zip(panels, sets, strict=False)):
        _panel(axes, one, limits)
        axes.set_ylabel(axis if index % across == 0 else "")
        for value, name in lines:
            axes.axhline(value, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(name, (1, value), xycoords=("axes fraction", "data"), fontsize=7,
                          color=QUIET, ha="left", va="center", xytext=(2, 0),
                          textcoords="offset points")  # fmt: skip
    for axes in panels[len(sets) :]:
        axes.set_visible(False)
    return figure


def _panel(axes: Axes, one: Ladder, limits: tuple[float, float]) -> None:
    worst = np.where(np.isfinite(one.values), one.values, -np.inf)
    order = np.argsort(-worst, kind="stable")
    values = np.clip(worst[order], *limits)
    places = np.arange(1, len(values) + 1)
    colour = LEARNED if one.learned else BASELINE
    if len(one.low):
        low = np.clip(np.nan_to_num(one.low[order], nan=limits[0]), *limits)
        high = np.clip(np.nan_to_num(one.high[order], nan=limits[0]), *limits)
        axes.vlines(places, low, high, color=colour, alpha=0.35, zorder=2,
                    linewidth=float(np.clip(140 / len(values), 0.4, 2.2)))  # fmt: skip
    size = float(np.clip(700 / len(values), 2.5, 16))
    filled = one.marked[order] if len(one.marked) else np.ones(len(values), bool)
    beyond = worst[order] < limits[0]
    axes.scatter(places[beyond], values[beyond], s=size + 8, marker="v", color=colour,
                 linewidths=0, zorder=3)  # fmt: skip
    places, values, filled = places[~beyond], values[~beyond], filled[~beyond]
    axes.scatter(places[filled], values[filled], s=size, color=colour, linewidths=0, zorder=3)
    axes.scatter(places[~filled], values[~filled], s=size, facecolors="white", edgecolors=colour,
                 linewidths=0.7, zorder=3)  # fmt: skip
    axes.set_title(short(one.name, 36))
    axes.set_xlabel("features, sorted")
    axes.set_ylim(limits[0] - 0.03, limits[1] + 0.03)
    axes.set_xlim(0, len(order) + 1)
    axes.locator_params(axis="x", nbins=4, integer=True)
