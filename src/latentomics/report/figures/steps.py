"""How many columns of a table are left after each step, by group.

In: names of steps and counts of groups. Out: a figure of stacked bars, each with its total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.style import CATEGORIES, INK, styled
from latentomics.report.words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def columns_left(steps: Sequence[str], counts: Sequence[Mapping[str, int]]) -> Figure:
    """Draw one bar a step, from the whole table downwards.

    Parameters
    ----------
    counts : sequence of mapping
        Columns of each group after each step.
    """
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(group for count in counts for group in count))
    figure = Figure(figsize=(6.4, 0.7 + 0.36 * len(steps)), layout="constrained")
    axes = figure.subplots()
    places, start = np.arange(len(steps)), np.zeros(len(steps))
    for index, group in enumerate(groups):
        values = np.array([count.get(group, 0) for count in counts], np.float64)
        axes.barh(places, values, left=start, height=0.66, label=group,
                  color=CATEGORIES[index % len(CATEGORIES)])  # fmt: skip
        start = start + values
    for place, total in zip(places, start, strict=True):
        axes.annotate(number(int(total)), (total, place), xytext=(4, 0), fontsize=8, color=INK,
                      textcoords="offset points", va="center")  # fmt: skip
    axes.set_yticks(places, list(steps))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1 * max(1.0, float(start.max())))
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.set_xlabel("columns")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7.5, frameon=False)
    return figure
