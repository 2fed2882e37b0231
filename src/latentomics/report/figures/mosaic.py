"""Many images of one size side by side, under one grey scale; signals as lines.

In: images (n, *size) and a title for each. Out: a figure, row by row from the upper left; of
volumes the axial plane through the middle.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from latentomics.report.figures.images import draw_grey, draw_trace, new_canvas, put_text
from latentomics.report.figures.planes import Values, focus_of, planes_of
from latentomics.report.figures.signals import limits_of
from latentomics.report.figures.style import styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL, _GAP, _TITLE, _MOST_ACROSS = 1.2, 0.05, 0.2, 8  # inches, and images in a row
_TALLEST = 2.0  # of an image, times its width


@styled
def mosaic(
    images: Values,
    titles: tuple[str, ...],
    *,
    spacing: tuple[float, ...],
    anatomical: bool,
    flat: int = 2,
) -> Figure:
    """Draw images (n, *size).

    Parameters
    ----------
    titles : tuple of str
        One an image; empty where there is nothing to say.
    spacing : tuple of float
        Of a voxel, so that proportions are physical.
    anatomical : bool
        Axes are those of RAS+, not rows and columns of a picture.
    flat : int
        RAS+ axis that planes of volumes were cut across.
    """
    size = images.shape[1:]
    across = min(_MOST_ACROSS, math.ceil(math.sqrt(len(images))))
    if any(titles):
        across = min(_MOST_ACROSS, len(images))
    down = math.ceil(len(images) / across)
    plane = None
    height = _CELL / 2
    if len(size) > 1:
        plane = planes_of(size, spacing, focus_of(None, size), anatomical=anatomical, flat=flat)[0]
        height = _CELL * min(_TALLEST, plane.height / plane.width)
    head = _TITLE if any(titles) else 0.0
    figure, axes = new_canvas(across * (_CELL + _GAP) + _GAP, down * (height + head + _GAP) + _GAP)
    low, high = (float(value) for value in np.quantile(images, (0.01, 0.99)))
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(number, across)
        left = _GAP + column * (_CELL + _GAP)
        bottom = (down - 1 - row) * (height + head + _GAP) + _GAP
        if plane is not None:
            draw_grey(axes, plane.cut(image), (left, bottom, _CELL, height), (low, high))
        else:
            draw_trace(axes, image, (left, bottom, _CELL, height), limits_of(images))
        if title:
            put_text(axes, (left + _CELL / 2, bottom + height + head / 2), short(title, 18))
    return figure
