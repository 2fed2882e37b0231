"""Images on a canvas measured in inches: grey scale, difference, and a slim colour bar.

In: two-dimensional values, a box and a range. Out: the drawn image, for its colour bar; what is not
finite lies outside the image and is light grey. One pair of axes holds a whole figure: a pair for
each image would cost most of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.planes import Values
from latentomics.report.figures.style import INK, OUTSIDE, QUIET, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.patheffects import AbstractPathEffect

Box = tuple[float, float, float, float]  # left, bottom, width, height in inches


def new_canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure and axes that fill it; their coordinates are inches from the lower left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), autoscale_on=False)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    return figure, axes


def draw_grey(axes: Axes, values: Values, box: Box, window: tuple[float, float]) -> AxesImage:
    """Draw an image from black to white over the window."""
    return _draw(axes, values, box, "gray", window)


def draw_difference(axes: Axes, values: Values, box: Box, limit: float) -> AxesImage:
    """Draw a signed image from blue over white to red, alike on both sides of zero."""
    return _draw(axes, values, box, "RdBu_r", (-limit, limit))


def draw_trace(axes: Axes, values: Values, box: Box, span: tuple[float, float]) -> None:
    """Draw a signal as a line from left to right; ``span`` fills the box from bottom to top."""
    left, bottom, width, height = box
    across = left + np.linspace(0, width, len(values))
    up = bottom + (values - span[0]) / (span[1] - span[0]) * height
    axes.plot(across, up, color=INK, linewidth=0.8)


def slim_bar(axes: Axes, box: Box, image: AxesImage, unit: str, ticks: int) -> None:
    """Add a low horizontal colour bar with its unit."""
    from matplotlib.ticker import MaxNLocator

    place = axes.inset_axes(box, transform=axes.transData)
    locator = MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10])
    bar = axes.figure.colorbar(image, cax=place, orientation="horizontal", ticks=locator)
    bar.outline.set(edgecolor=RULE, linewidth=0.6)
    bar.ax.tick_params(length=2, labelsize=7, pad=1)
    bar.set_label(unit, fontsize=7.5, color=QUIET, labelpad=1)


def put_text(
    axes: Axes,
    place: tuple[float, float],
    text: str,
    *,
    across: str = "center",
    down: str = "center",
    size: float = 8.0,
    colour: str = INK,
    bold: bool = False,
) -> None:
    """Write text at a place in inches; ``across`` and ``down`` align it there."""
    drawn = axes.text(*place, text, fontsize=size, color=colour)
    drawn.set(ha=across, va=down, fontweight="bold" if bold else "normal")


def put_on_picture(
    axes: Axes, box: Box, place: tuple[float, float], text: str, across: str, down: str
) -> None:
    """Write small white text with a dark rim at a place given as shares of a box."""
    left, bottom, width, height = box
    where = (left + place[0] * width, bottom + place[1] * height)
    drawn = axes.text(*where, text, color="white", fontsize=7, path_effects=shadow(1.8))
    drawn.set(ha=across, va=down)


def shadow(width: float) -> list[AbstractPathEffect]:
    """Return a dark rim, so that white on a bright picture can be read."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="black")]


def _draw(
    axes: Axes, values: Values, box: Box, colours: str, span: tuple[float, float]
) -> AxesImage:
    left, bottom, width, height = box
    ground = [left, left + width]
    axes.fill_between(ground, bottom, bottom + height, color=OUTSIDE, linewidth=0, zorder=-1)
    return axes.imshow(
        values,
        cmap=colours,
        vmin=span[0],
        vmax=span[1],
        extent=(left, left + width, bottom, bottom + height),
        aspect="auto",
        interpolation="bilinear",
        interpolation_stage="data",
    )
