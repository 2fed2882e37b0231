"""Sizes of the regions of interest, by split.

In: volumes (or areas) a case and its split. Out: a histogram on a logarithmic axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.figures.style import CATEGORIES, plain_logarithmic, styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def region_sizes(groups: Mapping[str, DoubleArray], *, axis: str) -> Figure:
    """Draw one stacked histogram; every group holds positive sizes in the unit of ``axis``."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    together = np.concatenate(list(groups.values()))
    low, high = together.min(), together.max()
    spread = high > 20 * low
    edges = np.geomspace(low, high, 25) if spread else np.linspace(low, high, 25)
    figure = Figure(figsize=(6.4, 2.2), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="y")
    names = [f"{short(name, 18)} (n = {len(values)})" for name, values in groups.items()]
    axes.hist(
        list(groups.values()),
        bins=list(edges),
        stacked=True,
        label=names,
        color=list(CATEGORIES[: len(groups)]),
        edgecolor="white",
        linewidth=0.4,
    )
    if spread:
        plain_logarithmic(axes.xaxis)
    axes.set_xlabel(axis)
    axes.set_ylabel("cases")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), borderaxespad=0.2)
    return figure
