"""The neighbourhood of a mask, in voxels or in millimetres.

In: masks, true inside. Out: what lies in a mask or near it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, IntArray
from latentomics.preprocess import occupied

RING_VOXELS = 2  # DESIGN 12


def near_voxels(masks: npt.NDArray[np.uint8], steps: int = RING_VOXELS) -> npt.NDArray[np.uint8]:
    """Return masks (n, *size) grown by ``steps`` voxels along the axes (city-block distance)."""
    grown = masks.copy()
    for _ in range(steps):
        before = grown.copy()
        for axis in range(1, masks.ndim):
            ahead, behind = np.moveaxis(grown, axis, 0), np.moveaxis(before, axis, 0)
            ahead[1:] |= behind[:-1]
            ahead[:-1] |= behind[1:]
    return grown


def near_mm(mask: BoolArray, spacing: Sequence[float], distance_mm: float) -> BoolArray:
    """Return a mask (*size) and what lies within ``distance_mm`` of it.

    Exact: squared distances are the least sums along one axis after the other. Within a few
    millimetres this is eight times faster than a distance transform of everything.
    """
    near: BoolArray = np.zeros_like(mask)
    first, last = box_of(mask)
    reach = [int(distance_mm / step) for step in spacing]
    window = tuple(
        slice(max(0, a - r), b + r + 1) for a, b, r in zip(first, last, reach, strict=True)
    )
    squared = np.where(mask[window], np.float32(0), np.float32(np.inf))
    for axis, step in enumerate(spacing):
        before, after = np.moveaxis(squared.copy(), axis, 0), np.moveaxis(squared, axis, 0)
        for shift in range(1, min(reach[axis], len(after) - 1) + 1):
            cost = np.float32((shift * step) ** 2)
            np.minimum(after[shift:], before[:-shift] + cost, out=after[shift:])
            np.minimum(after[:-shift], before[shift:] + cost, out=after[:-shift])
    near[window] = squared <= distance_mm**2 * (1 + 1e-6)
    return near


def box_of(mask: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the first and last index (d,) of what is true; of an empty mask the whole array."""
    found = occupied(mask)
    if found is None:
        return np.zeros(mask.ndim, np.int64), np.array(mask.shape, np.int64) - 1
    return found
