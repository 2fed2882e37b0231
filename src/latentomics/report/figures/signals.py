"""Signals as lines: a case beside its reconstruction, and what a latent does to them.

In: one-dimensional values with the time between two samples. Out: figures on one scale of values,
differences red where the reconstruction is too high and blue where it is too low.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.planes import Values
from latentomics.report.figures.reconstruction import WIDTH, Shown
from latentomics.report.figures.style import INK, LEARNED, OUTLINE, QUIET, styled
from latentomics.report.figures.traversal import TraversalRow
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGH, LOW = "#b2182b", "#2166ac"  # the ends of the scale that differences of images have
_AXIS = {"s": "time (s)", "px": "sample"}
_MARGIN = 0.06  # of the span of values, above and below


@styled
def traces(shown: Shown) -> Figure:
    """Draw one signal: input and reconstruction over each other, their difference below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    time = np.arange(len(shown.values)) * shown.spacing[0]
    above.plot(time, shown.values, color=INK, linewidth=0.9, label="input")
    above.plot(time, shown.reconstruction, color=LEARNED, linewidth=1.1, alpha=0.85,
               label="reconstruction")  # fmt: skip
    above.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1)
    above.set_ylabel(short(shown.unit, 24))
    above.set_ylim(*limits_of(shown.values, shown.reconstruction))
    _difference(below, time, shown.reconstruction - shown.values, shown.limit)
    below.set_ylabel("difference")
    below.set_xlabel(_AXIS.get(shown.length_unit, shown.length_unit))
    if shown.mask is not None:
        for axes in (above, below):
            axes.fill_between(time, 0, 1, where=shown.mask, color=OUTLINE, alpha=0.18, linewidth=0,
                              transform=axes.get_xaxis_transform(), zorder=0)  # fmt: skip
    for axes in (above, below):
        axes.grid(axis="x")
        axes.margins(x=0)
    return figure


@styled
def moved_traces(
    rows: tuple[TraversalRow, ...],
    positions: tuple[float, ...],
    *,
    spacing: float,
    time_unit: str,
    unit: str,
) -> Figure:
    """Draw one row a latent: signals decoded along it over each other, and high minus low.

    Parameters
    ----------
    rows : tuple of TraversalRow
        From top to bottom; images (T, samples).
    positions : tuple of float
        Where on the latent each signal lies, in standard deviations.
    spacing : float
        Between two samples, in ``time_unit``.
    time_unit : str
        s, or px where a signal has no rate.
    unit : str
        Of the signals' values.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 1.2 * len(rows) + 0.7), layout="constrained")
    panels = figure.subplots(len(rows), 2, sharex=True, sharey="col", squeeze=False,
                             width_ratios=(2.2, 1))  # fmt: skip
    colours = colormaps["viridis"](np.linspace(0, 0.88, len(positions)))
    time = np.arange(rows[0].images.shape[1]) * spacing
    limit = max(float(np.abs(row.images[-1] - row.images[0]).max()) for row in rows) or 1.0
    for (left, right), row in zip(panels, rows, strict=True):
        for position, values, colour in zip(positions, row.images, colours, strict=True):
            name = f"{position:+.3g} SD".replace("-", "−") if position else "mean"
            left.plot(time, values, color=colour, linewidth=0.9, label=name)
        _difference(right, time, row.images[-1] - row.images[0], limit)
        left.set_ylabel(short(row.name, 16), rotation=0, ha="right", va="center", color=INK)
        left.margins(x=0)
    panels[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(positions),
                        fontsize=7, handlelength=0.9, columnspacing=0.7, borderaxespad=0.1,
                        handletextpad=0.3)  # fmt: skip
    panels[0, 1].set_title("high − low")
    for axes in panels[-1]:
        axes.set_xlabel(_AXIS.get(time_unit, time_unit))
    figure.supylabel(short(unit, 24), fontsize=8, color=QUIET)
    return figure


def limits_of(*signals: Values) -> tuple[float, float]:
    """Return limits of an axis that shows all of the signals, with a margin."""
    low = min(float(np.nanmin(signal)) for signal in signals)
    high = max(float(np.nanmax(signal)) for signal in signals)
    margin = _MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def _difference(axes: Axes, time: Values, values: Values, limit: float) -> None:
    """Fill from zero, red above and blue below; what exceeds the limit is cut there."""
    for part, colour in ((np.maximum(values, 0), HIGH), (np.minimum(values, 0), LOW)):
        axes.fill_between(time, 0, part, color=colour, linewidth=0.3)
    axes.set_ylim(-1.05 * limit, 1.05 * limit)
