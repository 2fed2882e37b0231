"""Methods over seeds, as a picture that stands by itself.

In: figures of runs of several methods and seeds. Out: SVG bytes: one panel for each label and for
each measure that needs none, a row a method, a dot a seed and a bar at their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentomics.report.figures.style import BASELINE, LEARNED, columns_for, styled, svg
from latentomics.report.words import metric_name, short, target_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEST = "test"
NAMES = {
    ("reconstruction", "mse_ratio_to_mean"): (
        "reconstruction",
        "error over that of the mean image",
    ),
    ("stability", "icc_median"): ("stability", "median ICC(A,1)"),
    ("udr", "udr"): ("same latents for every seed", "UDR"),
    ("site", "auroc"): ("site", "AUROC, 0.5 is best"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFigure:
    """One figure of one run; ``part`` says on which cases: test, val, or training and validation.

    Other names are those of results.json.
    """

    method: str
    seed: int
    evaluation: str
    target: str | None
    metric: str
    part: str
    value: float
    low: float | None
    high: float | None
    n: int


def draw_methods(figures: Sequence[MethodFigure]) -> bytes:
    """Return the picture as SVG."""
    return svg(_figure(tuple(figures))).content


@styled
def _figure(figures: tuple[MethodFigure, ...]) -> Figure:
    from matplotlib.figure import Figure

    methods = list(dict.fromkeys(one.method for one in figures))
    keys = dict.fromkeys((one.evaluation, one.target, one.metric) for one in figures)
    panels_of = sorted(keys, key=lambda key: (key[0] != "probe", key[0], str(key[1])))
    across = columns_for(len(panels_of))
    down = -(-len(panels_of) // across)
    size = (3.5 * across, (1.0 + 0.34 * len(methods)) * down)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes, key in zip(panels, panels_of, strict=False):
        own = [one for one in figures if (one.evaluation, one.target, one.metric) == key]
        _panel(axes, own, methods)
    for axes in panels[len(panels_of) :]:
        axes.set_visible(False)
    panels[0].set_yticks(range(len(methods)), [short(name, 24) for name in methods])
    panels[0].invert_yaxis()
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=2, fontsize=7, frameon=False)
    return figure


def _panel(axes: Axes, figures: Sequence[MethodFigure], methods: Sequence[str]) -> None:
    """Draw seeds of test cases filled; a little below and hollow those that a choice rests on."""
    first = figures[0]
    title, axis = NAMES.get(
        (first.evaluation, first.metric), (target_name(first.target), metric_name(first.metric))
    )
    axes.set_title(short(title, 36))
    axes.set_xlabel(axis)
    axes.grid(axis="x")
    named: set[str] = set()
    for row, method in enumerate(methods):
        for part in dict.fromkeys(one.part for one in figures):
            values = [one.value for one in figures if (one.method, one.part) == (method, part)]
            if not values:
                continue
            test = part == TEST
            place = row + (-0.13 if test else 0.13)
            colour = LEARNED if test else BASELINE
            name = f"{part} cases" if part not in named else None
            named.add(part)
            axes.scatter(values, [place] * len(values), s=18, color=colour, label=name, zorder=3,
                         facecolors=colour if test else "white", linewidths=0.9)  # fmt: skip
            mean = sum(values) / len(values)
            axes.vlines(mean, place - 0.17, place + 0.17, color=colour, linewidth=2, zorder=2)
