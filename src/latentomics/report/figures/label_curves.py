"""A score against the number of labelled patients: one line a set of features, named at its end.

In: points of each set with their intervals. Out: a figure with a logarithmic axis of patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.style import (
    CATEGORIES,
    LEARNED,
    MARKERS,
    QUIET,
    styled,
)
from latentomics.report.words import number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCurve:
    """One set of features; ``low`` and ``high`` are empty where intervals are left out."""

    name: str
    labels: tuple[int, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    learned: bool = False


@styled
def label_curves(
    curves: tuple[LabelCurve, ...], *, axis: str, reference: tuple[float, str] | None
) -> Figure:
    """Draw the curves; learned sets are thick and have their interval shaded.

    Parameters
    ----------
    axis : str
        Name of the score.
    reference : tuple of float and str, optional
        What guessing gives, and what to call it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.grid(axis="y")
    axes.set_xscale("log")
    counts = sorted({count for curve in curves for count in curve.labels})
    axes.set_xticks(counts, [number(count) for count in counts], fontsize=7)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("labelled training patients")
    axes.set_ylabel(axis)
    for index, curve in enumerate(sorted(curves, key=lambda one: not one.learned)):
        _line(axes, curve, index)
    if reference is not None:
        axes.axhline(reference[0], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(reference[1], (1, reference[0]), xycoords=("axes fraction", "data"),
                      fontsize=7, color=QUIET, ha="right", va="bottom", xytext=(0, 1),
                      textcoords="offset points")  # fmt: skip
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7.5, frameon=False)
    return figure


def _line(axes: Axes, curve: LabelCurve, index: int) -> None:
    colour = LEARNED if curve.learned and index == 0 else CATEGORIES[index % len(CATEGORIES)]
    width, style = (2.0, "-") if curve.learned else (1.1, "--")
    axes.plot(curve.labels, curve.values, color=colour, linewidth=width, linestyle=style,
              marker=MARKERS[index % len(MARKERS)], markersize=3.5, label=short(curve.name, 24),
              zorder=3 if curve.learned else 2)  # fmt: skip
    if curve.learned and curve.low:
        low, high = np.array(curve.low), np.array(curve.high)
        axes.fill_between(curve.labels, low, high, color=colour, alpha=0.12, linewidth=0, zorder=1)
