"""Random patches: one from each of some crops, inside the loss region, turned at random.

In: samples of any size, rows, the patch's size, a generator. Out: values (B, C, *patch), mask and
loss region (B, 1, *patch). All draws are made at once, so a batch is a function of its generator.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from latentomics.core import FloatArray, IntArray
from latentomics.dataset.samples import Bytes, Samples

TRIES = 16  # draws of a patch's middle before the middle of the region is taken
SAME_SPACING = 0.01  # relative: axes this alike may change places

Turn = tuple[tuple[int, ...], tuple[slice, ...]]  # an order of the axes, then flips
Patch = tuple[int, ...]


def cut_patches(
    samples: Samples, rows: IntArray, patch: Patch, generator: np.random.Generator | None
) -> tuple[FloatArray, Bytes, Bytes]:
    """Return values, mask and loss region of one patch a row.

    Parameters
    ----------
    generator : Generator, optional
        None: from the middle of the loss region, not turned.
    """
    first = _places(samples, rows, patch, generator)
    turns = _turns(samples, rows, patch, generator)
    shape = (len(rows), 1, *patch)
    values = np.empty((len(rows), samples.channels, *patch), np.float32)
    masks = np.empty(shape, np.uint8)
    near = masks if samples.near is samples.masks else np.empty(shape, np.uint8)
    outs: dict[str, npt.NDArray[np.generic]] = {"values": values, "masks": masks, "near": near}
    for b, row in enumerate(rows.tolist()):
        window = tuple(slice(a, a + n) for a, n in zip(first[b], patch, strict=True))
        axes, flips = turns[b]
        for name, out in outs.items():
            whole = samples.part(name, row)
            out[b] = whole[(slice(None), *window)].transpose(axes)[flips]
    return values, masks, near


def _places(
    samples: Samples, rows: IntArray, patch: Patch, generator: np.random.Generator | None
) -> IntArray:
    # a patch's middle is a random voxel of the loss region, as far as the crop allows
    low, high = samples.boxes[rows, 0], samples.boxes[rows, 1]  # (B, d)
    sizes = samples.sizes[rows]
    centre = (low + high) // 2
    if generator is not None:
        draws = generator.random((len(rows), TRIES, len(patch)))
        tried = low[:, None] + (draws * (high - low + 1)[:, None]).astype(np.int64)
        steps = np.ones_like(sizes)
        steps[:, :-1] = np.cumprod(sizes[:, :0:-1], axis=1)[:, ::-1]
        index = (tried * steps[:, None]).sum(-1) + samples.starts[rows, None]
        hit = samples.near[index] > 0  # (B, TRIES)
        chosen = tried[np.arange(len(rows)), hit.argmax(1)]
        centre = np.where(hit.any(1)[:, None], chosen, centre)
    first: IntArray = np.clip(centre - np.array(patch) // 2, 0, sizes - np.array(patch))
    return first


def _turns(
    samples: Samples, rows: IntArray, patch: Patch, generator: np.random.Generator | None
) -> list[Turn]:
    d = len(patch)
    flips = [
        (slice(None), *(slice(None, None, sign) for sign in signs))
        for signs in product((1, -1), repeat=d)
    ]
    if generator is None:
        return [(tuple(range(d + 1)), flips[0])] * len(rows)
    turns = []
    for row, (one, two) in zip(rows.tolist(), generator.random((len(rows), 2)), strict=True):
        orders = _orders(samples, row, patch)
        axes = orders[int(one * len(orders))]
        turns.append(((0, *(a + 1 for a in axes)), flips[int(two * len(flips))]))
    return turns


def _orders(samples: Samples, row: int, patch: Patch) -> list[tuple[int, ...]]:
    # axes may change places where patch and spacing are the same along them
    frame, axes = samples.frames[row], range(len(patch))
    spacing = frame.target.spacing
    if len(spacing) != len(patch):  # planes of a volume
        spacing = tuple(s for s, n in zip(spacing, frame.size, strict=True) if n > 1)
    same = [
        [patch[a] == patch[b] and abs(spacing[a] / spacing[b] - 1) < SAME_SPACING for a in axes]
        for b in axes
    ]
    return [order for order in permutations(axes) if all(same[b][order[b]] for b in axes)]
