"""What a latent looks like: one row a latent, decoded from low to high, others held at their mean.

In: decoded images (T, *size) a latent. Out: a figure; the last column is high minus low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.images import (
    draw_difference,
    draw_grey,
    new_canvas,
    put_text,
    slim_bar,
)
from latentomics.report.figures.planes import Plane, Values, planes_of
from latentomics.report.figures.style import styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_LEFT, _TOP, _GAP, _CELL, _FOOT, _APART = 1.15, 0.3, 0.04, 1.0, 0.42, 0.12  # inches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraversalRow:
    """One latent: its name and the images (T, *size) along it."""

    name: str
    images: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scales:
    """Grey scale and scale of differences, shared by all rows."""

    window: tuple[float, float]
    limit: float


@styled
def traversals(
    rows: tuple[TraversalRow, ...],
    positions: tuple[float, ...],
    *,
    spacing: tuple[float, ...],
    unit: str,
    anatomical: bool,
    flat: int = 2,
) -> Figure:
    """Draw the rows under one grey scale and one scale of differences.

    Parameters
    ----------
    rows : tuple of TraversalRow
        From top to bottom.
    positions : tuple of float
        Where on the latent each image lies, in standard deviations.
    spacing : tuple of float
        Of a voxel, so that proportions are physical.
    unit : str
        Of the images' values.
    anatomical : bool
        Axes are those of RAS+, not rows and columns of a picture.
    flat : int
        RAS+ axis that planes of volumes were cut across.
    """
    planes = [_plane(row.images, spacing, anatomical, flat) for row in rows]
    heights = [min(1.6, _CELL * plane.height / plane.width) for plane in planes]
    scales = _scales(rows)
    bottom = _FOOT + sum(heights) + len(rows) * _GAP
    last = _across(len(positions)) + _APART
    figure, axes = new_canvas(last + _CELL + _GAP, bottom + _TOP)
    _titles(axes, positions, bottom + 0.14)
    for row, plane, height in zip(rows, planes, heights, strict=True):
        bottom -= height + _GAP
        image = _row(axes, row, plane, scales, (bottom, height))
    slim_bar(axes, (last + 0.05, 0.32, _CELL - 0.1, 0.06), image, short(unit, 20), 2)
    return figure


def _row(
    axes: Axes, row: TraversalRow, plane: Plane, scales: _Scales, place: tuple[float, float]
) -> AxesImage:
    """Draw one latent at ``place``, bottom and height in inches."""
    bottom, height = place
    words = f"{short(row.name, 16)}\n{plane.name}".strip()
    put_text(axes, (_LEFT - 0.08, bottom + height / 2), words, across="right")
    for column, image in enumerate(row.images):
        draw_grey(axes, plane.cut(image), (_across(column), bottom, _CELL, height), scales.window)
    box = (_across(len(row.images)) + _APART, bottom, _CELL, height)
    return draw_difference(axes, plane.cut(row.images[-1] - row.images[0]), box, scales.limit)


def _across(column: int) -> float:
    return _LEFT + column * (_CELL + _GAP)


def _titles(axes: Axes, positions: tuple[float, ...], height: float) -> None:
    names = [f"{p:+.3g} SD".replace("-", "−") if p else "mean" for p in positions]
    places = [_across(column) + _CELL / 2 for column in range(len(names) + 1)]
    places[-1] += _APART
    for name, place in zip([*names, "high − low"], places, strict=True):
        put_text(axes, (place, height), name, bold=True)


def _plane(images: Values, spacing: tuple[float, ...], anatomical: bool, flat: int) -> Plane:
    """Return the plane in which the images change most; of a volume, through the largest change."""
    change = np.abs(images[-1].astype(np.float64) - images[0])
    focus = tuple(int(i) for i in np.unravel_index(int(change.argmax()), change.shape))
    planes = planes_of(change.shape, spacing, focus, anatomical=anatomical, flat=flat)
    return max(planes, key=lambda plane: float(plane.cut(change).mean()))


def _scales(rows: tuple[TraversalRow, ...]) -> _Scales:
    values = np.concatenate([row.images.ravel() for row in rows])
    changes = np.abs(np.concatenate([(row.images[-1] - row.images[0]).ravel() for row in rows]))
    low, high = np.nanquantile(values, (0.01, 0.99))
    limit = float(np.nanquantile(changes, 0.998)) or 1.0
    return _Scales(window=(float(low), float(high)), limit=limit)
