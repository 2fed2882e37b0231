"""How far prepared values lie apart.

In: pairs of prepared volumes. Out: median and largest difference, and the shift in voxels at
which they agree best: tools round odd paddings to different sides. Normalised units; a margin of a
voxel is left out, where a shift brings in others' padding.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np


def difference(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """Return the difference of two volumes of one shape at the best shift of up to a voxel."""
    found = []
    inner = ours[1:-1, 1:-1, 1:-1]
    for shift in sorted(product((-1, 0, 1), repeat=3), key=lambda s: sum(map(abs, s))):
        window = tuple(slice(1 + s, n - 1 + s) for s, n in zip(shift, ours.shape, strict=True))
        apart = np.abs(inner - theirs[window])
        found.append((float(apart.mean()), float(np.median(apart)), float(apart.max()), shift))
    _, median, largest, shift = min(found, key=lambda entry: entry[0])
    return {"median": median, "largest": largest, "shift": list(shift)}


def worst(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict:
    """Return the worst difference over pairs of ours and theirs."""
    return max((difference(*pair) for pair in pairs), key=lambda found: found["median"])
