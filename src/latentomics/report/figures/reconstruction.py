"""Input, reconstruction and their difference, as a radiologist would hang them.

In: one case (values, reconstruction, mask on one grid) with its display window. Out: a figure with
one row a plane, true to physical size, the mask as a thin line, the difference in the unit of the
image on a symmetric diverging scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.images import (
    Box,
    draw_difference,
    draw_grey,
    new_canvas,
    put_on_picture,
    put_text,
    shadow,
    slim_bar,
)
from latentomics.report.figures.planes import Plane, Values, focus_of, planes_of
from latentomics.report.figures.style import INK, OUTLINE, styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

WIDTH = 4.2  # inches; half of the page's width
_GAP, _TOP, _FOOT, _MOST = 0.05, 0.26, 0.52, 7.0  # inches
_FLAT = 0.55  # inches; lower planes have no room for letters at four sides
_COLUMN = (WIDTH - 2 * _GAP) / 3
_TITLES = ("input", "reconstruction", "difference")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """One case to show: arrays (*size), spacing a voxel, and the words for its units."""

    case: str
    values: Values
    reconstruction: Values
    mask: Values | None  # bool; None where all of the image counts
    spacing: tuple[float, ...]
    length_unit: str  # mm or px
    unit: str  # of the values
    window: tuple[float, float]  # grey scale from black to white
    limit: float  # of the difference's scale, either way
    anatomical: bool  # RAS+ axes, not rows and columns of a picture
    flat: int = 2  # RAS+ axis that a plane of a volume was cut across


@styled
def comparison(shown: Shown) -> Figure:
    """Draw one case: rows are planes; columns input, reconstruction and difference."""
    size = shown.values.shape
    focus = focus_of(shown.mask, size)
    planes = planes_of(size, shown.spacing, focus, anatomical=shown.anatomical, flat=shown.flat)
    room = _MOST - _TOP - _FOOT - _GAP * (len(planes) - 1)
    scale = min(  # inches a unit of length, one for all planes
        _COLUMN / max(plane.width for plane in planes),
        room / sum(plane.height for plane in planes),
    )
    height = _TOP + _FOOT + sum(plane.height * scale + _GAP for plane in planes) - _GAP
    figure, axes = new_canvas(WIDTH, height)
    bottom = height - _TOP
    for plane in planes:
        bottom -= plane.height * scale
        grey, difference = _row(axes, shown, plane, bottom, scale)
        bottom -= _GAP
    for column, title in enumerate(_TITLES):
        centre = column * (_COLUMN + _GAP) + _COLUMN / 2
        put_text(axes, (centre, height - 0.15), title, size=9, bold=True)
    unit = short(shown.unit)
    slim_bar(axes, (0.55 * _COLUMN + _GAP / 2, 0.36, 0.9 * _COLUMN, 0.07), grey, unit, 4)
    slim_bar(axes, (2.05 * _COLUMN + 2 * _GAP, 0.36, 0.9 * _COLUMN, 0.07), difference, unit, 4)
    return figure


def _row(
    axes: Axes, shown: Shown, plane: Plane, bottom: float, scale: float
) -> tuple[AxesImage, AxesImage]:
    """Draw the three pictures of a plane whose lower edge is ``bottom`` inches high."""
    width, height = plane.width * scale, plane.height * scale
    lefts = [column * (_COLUMN + _GAP) + (_COLUMN - width) / 2 for column in range(3)]
    boxes = [(left, bottom, width, height) for left in lefts]
    original, output = plane.cut(shown.values), plane.cut(shown.reconstruction)
    grey = draw_grey(axes, original, boxes[0], shown.window)
    draw_grey(axes, output, boxes[1], shown.window)
    difference = draw_difference(axes, output - original, boxes[2], shown.limit)
    if shown.mask is not None:
        for box, colour in zip(boxes, (OUTLINE, OUTLINE, INK), strict=True):
            _outline(axes, plane.cut(shown.mask), box, colour)
    _letters(axes, boxes[0], plane)
    if height >= _FLAT:  # it is the same in every plane
        _scale_bar(axes, boxes[1], shown, scale)
    return grey, difference


def _outline(axes: Axes, mask: Values, box: Box, colour: str) -> None:
    """Draw the mask's border; a rim of zeros closes it where it meets the picture's edge."""
    if not mask.any():
        return
    left, bottom, width, height = box
    padded = np.pad(mask.astype(np.float32), 1)
    rows, columns = mask.shape
    across = left + (np.arange(-1, columns + 1) + 0.5) * width / columns
    down = bottom + height - (np.arange(-1, rows + 1) + 0.5) * height / rows
    axes.contour(across, down, padded, levels=[0.5], colors=[colour], linewidths=0.9)


def _letters(axes: Axes, box: Box, plane: Plane) -> None:
    left, right, bottom, top = plane.letters
    flat = box[3] < _FLAT
    put_on_picture(axes, box, (0.02, 0.12 if flat else 0.5), left, "left", "center")
    put_on_picture(axes, box, (0.98, 0.12 if flat else 0.5), right, "right", "center")
    if not flat:
        put_on_picture(axes, box, (0.5, 0.02), bottom, "center", "bottom")
        put_on_picture(axes, box, (0.5, 0.98), top, "center", "top")
    put_on_picture(axes, box, (0.02, 0.98), plane.name, "left", "top")


def _scale_bar(axes: Axes, box: Box, shown: Shown, scale: float) -> None:
    """Draw a bar of a round length, the same in every plane: at most 45 % of the shortest edge."""
    edges = zip(shown.values.shape, shown.spacing, strict=True)
    longest = 0.45 * min(count * step for count, step in edges)
    power = 10.0 ** np.floor(np.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest)
    left, low = box[0] + 0.06, box[1] + 0.06
    axes.plot(
        [left, left + length * scale],
        [low, low],
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=shadow(3.2),
    )
    place = (0.06 / box[2], 0.09 / box[3])
    put_on_picture(axes, box, place, f"{length:g} {shown.length_unit}", "left", "bottom")
