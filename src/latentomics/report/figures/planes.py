"""Planes of a volume as a reading room hangs them.

In: volumes (x, y, z) in RAS+ and their spacing, or pictures (row, column). Out: two-dimensional
arrays with the first row on top, their physical extent, and the letters at their four sides.
Radiological convention: the patient's right is on the viewer's left, anterior and superior on top,
anterior on the left of a sagittal plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[Any]
_PLANES = (  # name, axis that is cut, letters left, right, bottom, top
    ("axial", 2, ("R", "L", "P", "A")),
    ("coronal", 1, ("R", "L", "I", "S")),
    ("sagittal", 0, ("A", "P", "I", "S")),
)
_NO_LETTERS = ("", "", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Which cut of an array is shown, and how large it is: width and height in the grid's unit."""

    name: str
    axis: int | None  # that is cut; None for a picture
    index: int
    width: float
    height: float
    letters: tuple[str, str, str, str]
    turned: bool  # RAS+ axes, to be turned for display

    def cut(self, values: Values) -> Values:
        """Return the plane of an array of the same size, first row on top."""
        flat = values if self.axis is None else values.take(self.index, axis=self.axis)
        return flat[::-1, ::-1].T if self.turned else flat


def planes_of(
    size: tuple[int, ...],
    spacing: tuple[float, ...],
    focus: tuple[int, ...],
    *,
    anatomical: bool,
    flat: int = 2,
) -> tuple[Plane, ...]:
    """Return the three planes through ``focus`` of a volume, or the one plane of a picture.

    ``flat`` is the RAS+ axis that an anatomical picture was cut across: 2 is an axial plane.
    """
    extent = [count * step for count, step in zip(size, spacing, strict=True)]
    if len(size) == 2:
        width, height = (extent[0], extent[1]) if anatomical else (extent[1], extent[0])
        of_axis = {axis: (name, letters) for name, axis, letters in _PLANES}
        name, letters = of_axis[flat] if anatomical else ("", _NO_LETTERS)
        return (
            Plane(
                name=name,
                axis=None,
                index=0,
                width=width,
                height=height,
                letters=letters,
                turned=anatomical,
            ),
        )
    return tuple(
        Plane(
            name=name,
            axis=axis,
            index=focus[axis],
            turned=True,
            letters=letters,
            width=extent[1 if axis == 0 else 0],
            height=extent[1 if axis == 2 else 2],
        )
        for name, axis, letters in _PLANES
    )


def focus_of(mask: Values | None, size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index at which most of the mask is cut along each axis; else the middle."""
    if mask is None or not mask.any() or mask.all():
        return tuple(count // 2 for count in size)
    axes = range(mask.ndim)
    areas = [mask.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    return tuple(_middle_of_largest(area) for area in areas)


def finite_box(values: Values) -> tuple[slice, ...]:
    """Return the smallest box of finite values; views of any size are stored padded."""
    finite = np.isfinite(values)
    if not finite.any():
        return tuple(slice(None) for _ in values.shape)
    box = []
    for axis in range(values.ndim):
        others = tuple(other for other in range(values.ndim) if other != axis)
        inside = np.flatnonzero(finite.any(axis=others))
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(box)


def _middle_of_largest(areas: Values) -> int:
    largest = np.flatnonzero(areas == areas.max())
    return int(largest[len(largest) // 2])
