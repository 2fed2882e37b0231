"""Some cases beside those whose codes lie nearest.

In: thumbnails and words for a query and its neighbours. Out: a figure, one row a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.images import draw_grey, draw_trace, new_canvas, put_text
from latentomics.report.figures.planes import Values
from latentomics.report.figures.signals import limits_of
from latentomics.report.figures.style import INK, LEARNED, QUIET, styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL, _WORDS, _GAP, _TOP = 1.2, 0.44, 0.12, 0.28  # inches
_LINES = 3
_TRACE = 0.55  # height of a signal, as a share of its width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbour:
    """A thumbnail (height, width), or a signal (samples,), with its case and short lines below."""

    image: Values
    case: str
    lines: tuple[str, ...]


@styled
def neighbour_rows(rows: tuple[tuple[Neighbour, ...], ...]) -> Figure:
    """Draw each row's query first, framed, then its neighbours from near to far."""
    columns = max(len(row) for row in rows)
    cell = _CELL * (_TRACE if rows[0][0].image.ndim == 1 else 1.0)
    height = _TOP + len(rows) * (cell + _WORDS + _GAP)
    figure, axes = new_canvas(columns * (_CELL + _GAP) + 0.25, height)
    for column in range(columns):
        title = ("case", "nearest")[column] if column < 2 else f"{column}."
        put_text(axes, (_across(column) + _CELL / 2, height - 0.14), title, size=8.5, bold=True)
    for down, row in enumerate(rows):
        bottom = height - _TOP - (down + 1) * (cell + _WORDS + _GAP) + _WORDS + _GAP
        span = limits_of(*(neighbour.image for neighbour in row))
        for column, neighbour in enumerate(row):
            _thumbnail(axes, neighbour, (_across(column), bottom), span, query=column == 0)
    return figure


def _across(column: int) -> float:
    return column * (_CELL + _GAP) + (0.2 if column else 0.03)


def _thumbnail(
    axes: Axes,
    neighbour: Neighbour,
    place: tuple[float, float],
    span: tuple[float, float],
    *,
    query: bool,
) -> None:
    """Draw a signal on the scale of its row, ``span``, or a picture on its own grey scale."""
    if neighbour.image.ndim == 1:
        left, bottom, width, height = box = (*place, _CELL, _CELL * _TRACE)
        draw_trace(axes, neighbour.image, box, span)
    else:
        rows, columns = neighbour.image.shape
        width, height = _CELL * min(1, columns / rows), _CELL * min(1, rows / columns)
        left, bottom = place[0] + (_CELL - width) / 2, place[1]
        low, high = np.nanquantile(neighbour.image, (0.01, 0.99))
        draw_grey(axes, neighbour.image, (left, bottom, width, height), (float(low), float(high)))
    if query:
        across = [left, left + width, left + width, left]
        up = [bottom, bottom, bottom + height, bottom + height]
        axes.fill(across, up, fill=False, edgecolor=LEARNED, linewidth=2.5)
    lines = (neighbour.case, *neighbour.lines)[:_LINES]
    for down, (line, colour) in enumerate(zip(lines, (INK, QUIET, QUIET), strict=False)):
        below = (place[0] + _CELL / 2, bottom - 0.05 - 0.125 * down)
        put_text(axes, below, short(line, 20), down="top", size=7, colour=colour)
