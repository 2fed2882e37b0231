"""A matrix of how alike columns are, with the groups of those that repeat each other outlined.

In: values from 0 to 1, (d, d), columns ordered by group, and the group of each. Out: a figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, IntArray
from latentomics.report.figures.style import LEARNED, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def alike_matrix(alike: DoubleArray, groups: IntArray, *, axis: str, legend: str) -> Figure:
    """Draw the matrix; groups of more than one column are framed."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.imshow(alike, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        if len(members) > 1:
            edge, size = members[0] - 0.5, len(members)
            axes.add_patch(Rectangle((edge, edge), size, size, fill=False, edgecolor=LEARNED,
                                     linewidth=1.4))  # fmt: skip
    axes.set_xlabel(axis)
    axes.set_xticks([])
    axes.set_yticks([])
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=25)
    bar.set_label(legend)
    bar.outline.set_visible(False)
    return figure
