"""A store of samples that were never cached: those of perturbed cases.

In: samples, whatever their sizes. Out: a ``Store`` in memory, as ``open_store`` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import Sample
from latentomics.dataset.samples import Samples, outlined
from latentomics.dataset.store import RING_MM, LossRegion, Store, ring_of


def store_of(
    samples: Sequence[Sample],
    *,
    patch: tuple[int, ...] | None = None,
    loss_region: LossRegion = "all",
    ring_mm: float = RING_MM,
    mask_channel: float = 0.0,
    several: bool = False,
) -> Store:
    """Return the store of samples in the given order.

    Parameters
    ----------
    patch, loss_region, ring_mm, mask_channel, several
        As in ``open_store``.
    """
    sizes = np.array([sample.mask.shape for sample in samples], np.int64)
    voxels = sizes.prod(1)
    masks = np.concatenate([sample.mask.ravel() for sample in samples]).astype(np.uint8)
    ring = ring_of(loss_region, patch)
    made = Samples(
        cases=tuple(sample.case for sample in samples),
        frames=tuple(sample.frame for sample in samples),
        sizes=sizes,
        starts=np.cumsum(voxels) - voxels,
        offset=np.array([sample.frame.offset for sample in samples], np.float32),
        scale=np.array([sample.frame.scale for sample in samples], np.float32),
        values=np.concatenate([sample.values.ravel() for sample in samples]),
        masks=masks,
        near=masks if ring == "none" else np.empty_like(masks),
        boxes=np.empty((len(samples), 2, sizes.shape[1]), np.int64),
    )
    outlined(made, ring, ring_mm)
    return Store(
        samples=made,
        patch=patch,
        loss_region=loss_region,
        mask_channel=mask_channel,
        several=several,
    )
