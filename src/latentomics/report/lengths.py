"""Error and probe against the length of the code, as a picture that stands by itself.

In: figures of runs of several lengths. Out: SVG bytes: one panel for the error, with that of as
many principal components and the tail of their eigenvalues, and one for each label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentomics.report.figures.style import (
    BASELINE,
    LEARNED,
    QUIET,
    columns_for,
    plain_logarithmic,
    styled,
    svg,
)
from latentomics.report.words import feature_name, metric_name, number, short, target_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ERRORS = ("error", "tail")


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthFigure:
    """One figure of a run: error, tail (the error of PCA on training cases), or a score."""

    latents: int
    figure: str
    features: str
    target: str | None
    value: float
    low: float | None
    high: float | None
    n: int


def draw_lengths(figures: Sequence[LengthFigure]) -> bytes:
    """Return the picture as SVG."""
    return svg(_figure(tuple(figures))).content


@styled
def _figure(figures: tuple[LengthFigure, ...]) -> Figure:
    from matplotlib.figure import Figure

    scores = [one for one in figures if one.figure not in ERRORS]
    targets = list(dict.fromkeys((one.target, one.figure) for one in scores))
    across = columns_for(1 + len(targets))
    down = -(-(1 + len(targets)) // across)
    figure = Figure(figsize=(3.5 * across, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    errors = [one for one in figures if one.figure in ERRORS]
    _panel(panels[0], errors, "reconstruction", "mean squared error")
    if errors and min(one.value for one in errors) > 0:
        plain_logarithmic(panels[0].yaxis)
    for axes, (target, metric) in zip(panels[1:], targets, strict=False):
        own = [one for one in scores if (one.target, one.figure) == (target, metric)]
        _panel(axes, own, short(target_name(target), 36), metric_name(metric))
    for axes in panels[1 + len(targets) :]:
        axes.set_visible(False)
    return figure


def _panel(axes: Axes, figures: Sequence[LengthFigure], title: str, axis: str) -> None:
    axes.grid(axis="y")
    axes.set_xscale("log", base=2)
    lengths = sorted({one.latents for one in figures})
    axes.set_xticks(lengths, [number(length) for length in lengths])
    axes.set_xticks([], minor=True)
    axes.set_title(title)
    axes.set_xlabel("latents")
    axes.set_ylabel(axis)
    for features, figure in dict.fromkeys((one.features, one.figure) for one in figures):
        own = [one for one in figures if (one.features, one.figure) == (features, figure)]
        own.sort(key=lambda one: one.latents)
        tail = figure == "tail"
        colour = LEARNED if features == "latent" else QUIET if tail else BASELINE
        name = "tail of PCA, training cases" if tail else feature_name(features)
        x = [one.latents for one in own]
        style = ":" if tail else "-" if features == "latent" else "--"
        values = [one.value for one in own]
        axes.plot(x, values, color=colour, linestyle=style, marker="o", markersize=3.5, label=name)
        low, high = [one.low for one in own], [one.high for one in own]
        if features == "latent" and None not in low and None not in high:
            axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)  # type: ignore[arg-type]
    axes.legend(fontsize=7, frameon=False)
