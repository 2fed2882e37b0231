"""Learning curves: one small panel a term, training and validation labelled at their ends.

In: values a term over optimiser steps. Out: a figure; the step whose weights were kept is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.style import (
    BASELINE,
    LEARNED,
    QUIET,
    columns_for,
    plain_logarithmic,
    styled,
)
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One term over time; ``training`` or ``validation`` may be empty."""

    name: str
    unit: str
    steps: tuple[float, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]


@styled
def learning_curves(curves: tuple[Curve, ...], *, best_step: float | None, axis: str) -> Figure:
    """Draw the curves; ``axis`` names the horizontal axis."""
    from matplotlib.figure import Figure

    across = columns_for(len(curves))
    down = -(-len(curves) // across)
    figure = Figure(figsize=(3.35 * across, 2.35 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, curve in zip(panels, curves, strict=False):
        _panel(panel, curve, best_step, axis)
    for panel in panels[len(curves) :]:
        panel.set_visible(False)
    return figure


def _panel(axes: Axes, curve: Curve, best_step: float | None, axis: str) -> None:
    axes.grid(axis="y")
    axes.set_title(short(curve.name, 40))
    axes.set_xlabel(axis)
    axes.set_ylabel(curve.unit)
    if best_step is not None:
        _mark_kept(axes, best_step, curve.steps)
    ends = []
    if curve.training:
        _line(axes, curve.steps, curve.training, BASELINE, "--")
        ends.append((_last(curve.training), "training", BASELINE))
    if curve.validation:
        _line(axes, curve.steps, curve.validation, LEARNED, "-")
        ends.append((_last(curve.validation), "validation", LEARNED))
    _scale(axes, curve)
    _direct_labels(axes, curve.steps[-1], ends)


def _mark_kept(axes: Axes, step: float, steps: tuple[float, ...]) -> None:
    """Draw a line at the step whose weights were kept, its name on the side where there is room."""
    late = step - steps[0] >= (steps[-1] - steps[0]) / 2
    axes.axvline(step, color=QUIET, linewidth=0.9, linestyle=(0, (2, 2)))
    axes.annotate(
        "kept",
        (step, 1),
        xycoords=("data", "axes fraction"),
        fontsize=7,
        color=QUIET,
        ha="right" if late else "left",
        va="top",
        xytext=(-2 if late else 2, 0),
        textcoords="offset points",
    )


def _line(
    axes: Axes, steps: tuple[float, ...], values: tuple[float, ...], colour: str, style: str
) -> None:
    """Draw a line through what is finite; a point alone, which no line shows, as a dot."""
    finite = np.isfinite(values)
    marker = "o" if finite.sum() < 3 else ""
    x, y = np.array(steps)[finite], np.array(values)[finite]
    axes.plot(x, y, color=colour, linestyle=style, marker=marker, markersize=4)


def _scale(axes: Axes, curve: Curve) -> None:
    """Use a logarithmic axis where positive values span more than a factor of twenty."""
    values = np.array([*curve.training, *curve.validation], dtype=float)
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > 20 * values.min():
        plain_logarithmic(axes.yaxis)
    else:
        axes.ticklabel_format(axis="y", useOffset=False)


def _direct_labels(axes: Axes, step: float, ends: list[tuple[float, str, str]]) -> None:
    """Name the lines at their right ends, the higher one above, so that they never overlap."""
    ends = sorted((end for end in ends if np.isfinite(end[0])), key=lambda end: end[0])
    shifts = (-4.0, 4.0) if len(ends) == 2 else (0.0,)
    for (value, name, colour), shift in zip(ends, shifts, strict=False):
        axes.annotate(
            name,
            (step, value),
            xytext=(4, shift),
            textcoords="offset points",
            fontsize=7.5,
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _last(values: tuple[float, ...]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return finite[-1] if finite else float("nan")
