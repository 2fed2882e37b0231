"""How much each latent carries: variances or KL over the cases, from most to least.

In: one number a latent. Out: a bar chart with the line below which a latent counts as unused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.figures.style import (
    BASELINE,
    LEARNED,
    QUIET,
    plain_logarithmic,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def latent_activity(values: DoubleArray, *, axis: str, threshold: float) -> Figure:
    """Draw latents sorted by ``values``, logarithmic; those below the threshold in grey."""
    from matplotlib.figure import Figure

    falling = np.sort(values)[::-1]
    figure = Figure(figsize=(6.4, 2.3), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="y")
    floor = threshold / 4  # a bar of zero has no place on the axis
    colours = [LEARNED if value > threshold else BASELINE for value in falling]
    places = np.arange(1, len(falling) + 1)
    axes.bar(places, np.maximum(falling, floor * 1.15), color=colours, width=0.8)
    axes.axhline(threshold, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(floor, 2 * max(falling[0], threshold))
    plain_logarithmic(axes.yaxis)
    words = f"dashed: unused below {threshold:g}"
    note = axes.text(1, 1, words, transform=axes.transAxes, fontsize=7.5, color=QUIET)
    note.set(ha="right", va="top")
    axes.set_xlim(0.3, len(falling) + 0.7)
    axes.set_xlabel("latents, from most to least active")
    axes.set_ylabel(axis)
    return figure
