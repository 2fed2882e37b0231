"""The latent space as a map: one dot a case, the same map once for each colouring.

In: places (N, 2) and, for each panel, a group or a number a case. Out: a figure; groups differ by
shape as well as colour, and large ones carry their name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.figures.style import CATEGORIES, MARKERS, QUIET, columns_for, styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GROUPS = len(CATEGORIES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colouring:
    """What colours a panel: numbers (N,), NaN unknown, or a group a case, None unknown."""

    name: str
    numbers: DoubleArray | None = None
    groups: tuple[str | None, ...] = ()


@styled
def latent_map(
    places: DoubleArray, colourings: tuple[Colouring, ...], *, axes_names: tuple[str, str]
) -> Figure:
    """Draw one panel a colouring; ``axes_names`` are those of the two directions."""
    from matplotlib.figure import Figure

    across = columns_for(len(colourings))
    down = -(-len(colourings) // across)
    figure = Figure(figsize=(3.5 * across, 3.5 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    size = float(np.clip(4000 / max(1, len(places)), 3, 26))  # points²
    for index, (axes, colouring) in enumerate(zip(panels, colourings, strict=False)):
        if colouring.numbers is not None:
            _numbers(axes, places, colouring.numbers, size)
        else:
            _groups(axes, places, colouring.groups, size)
        axes.set_title(short(colouring.name, 36))
        axes.set_xlabel(axes_names[0])
        axes.set_ylabel(axes_names[1] if index % across == 0 else "")
        axes.set_xticks([])
        axes.set_yticks([])
    for axes in panels[len(colourings) :]:
        axes.set_visible(False)
    return figure


def _numbers(axes: Axes, places: DoubleArray, numbers: DoubleArray, size: float) -> None:
    known = np.isfinite(numbers)
    _unknown(axes, places[~known], size)
    low, high = np.quantile(numbers[known], (0.01, 0.99)) if known.any() else (0.0, 1.0)
    drawn = axes.scatter(
        places[known, 0],
        places[known, 1],
        c=numbers[known],
        s=size,
        cmap="viridis",
        vmin=low,
        vmax=high,
        linewidths=0,
    )
    bar = axes.figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.7, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=4)


def _groups(axes: Axes, places: DoubleArray, groups: tuple[str | None, ...], size: float) -> None:
    names, counts = np.unique([g for g in groups if g is not None] or [""], return_counts=True)
    largest = [str(name) for name in names[np.argsort(-counts, kind="stable")[:_GROUPS]]]
    shown = sorted(largest, key=_natural)
    labels = np.array(["" if group is None else group for group in groups])
    _unknown(axes, places[~np.isin(labels, shown)], size)
    for index, name in enumerate(shown):
        inside = places[labels == name]
        axes.scatter(
            inside[:, 0],
            inside[:, 1],
            s=size,
            marker=MARKERS[index],
            color=CATEGORIES[index],
            linewidths=0,
            alpha=0.8,
            label=f"{short(name, 18)} (n = {len(inside)})",
        )
    columns = 2 if len(shown) > 1 else 1
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.08),
        ncols=columns,
        markerscale=1.3,
        handletextpad=0.2,
        columnspacing=1.0,
        fontsize=7.5,
    )


def _unknown(axes: Axes, places: DoubleArray, size: float) -> None:
    axes.scatter(places[:, 0], places[:, 1], s=size * 0.6, color="#d5dae0", linewidths=0)
    if len(places):
        axes.text(
            1,
            1,
            f"grey: {len(places)} other or unknown",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=7,
            color=QUIET,
        )


def _natural(name: str) -> tuple[int, float, str]:
    """Sort groups named by numbers by their value."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
