"""Features that nobody had to learn: what a network's features are measured against.

In: a store. Out: features by case, pooled exactly as a network's: principal components of whole
samples, principal components of the patches that a local network reads, and the intensities
themselves. Everything fitted is fitted on the training store that is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from latentomics.core import FloatArray, stream
from latentomics.dataset import Pca, Store, fit_pca
from latentomics.features.regional import (
    REGIONS,
    WHOLE,
    Members,
    pooled_over,
    region_members,
    signed_distance,
    statistic_names,
)
from latentomics.features.samples import ByCase, by_case, flips_of, input_of

PATCHES = 50_000  # that components of patches are fitted on
Regions = tuple[tuple[Members, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchPca:
    """Principal components of blocks of ``block`` voxels an axis, read at ``stride``.

    Each is read at a variance of 1, as the channels of a local network's map start.
    """

    pca: Pca
    block: int
    stride: int
    channels: int  # of the input, the mask included where it goes in

    @property
    def scale(self) -> FloatArray:
        """Return the factor of each component, (k,), bounded for those without variance."""
        smallest = max(float(self.pca.variances.max()) * 1e-6, 1e-30)
        scale: FloatArray = (np.maximum(self.pca.variances, smallest) ** -0.5).astype(np.float32)
        return scale

    def read(self, values: FloatArray, flips: tuple[tuple[int, ...], ...]) -> FloatArray:
        """Return the map of every flip of a sample, flipped back: (flips, k, *positions).

        Flipping a sample, projecting its blocks and flipping the map back is the projection on the
        flipped components.
        """
        dimension = values.ndim - 1
        shape = (-1, self.channels, *(self.block,) * dimension)
        whitened = self.pca.components * self.scale[:, None]
        components = whitened.reshape(shape)
        turned = np.stack([np.flip(components, tuple(2 + a for a in axes)) for axes in flips])
        turned = turned.reshape(len(flips) * len(components), -1)
        windows = blocks_of(values, self.block, self.stride)  # (*positions, C, *block)
        positions = windows.shape[:dimension]
        flat = windows.reshape(-1, self.pca.mean.size)
        offset = np.tile(whitened @ self.pca.mean, len(flips))
        codes = turned @ flat.T - offset[:, None]
        maps: FloatArray = codes.reshape(len(flips), -1, *positions).astype(np.float32)
        return maps


def blocks_of(values: FloatArray, block: int, stride: int) -> npt.NDArray[np.float32]:
    """Return the blocks of a sample (C, *size) as a view (*positions, C, *block)."""
    dimension = values.ndim - 1
    short = [-size % block for size in values.shape[1:]]
    whole = (
        np.pad(values, [(0, 0), *((0, n) for n in short)], mode="edge") if any(short) else values
    )
    windows = sliding_window_view(whole, (block,) * dimension, tuple(range(1, dimension + 1)))
    windows = windows[(slice(None), *(slice(None, None, stride),) * dimension)]
    return np.moveaxis(windows, 0, dimension)


def fit_patch_pca(
    store: Store, k: int, *, block: int, stride: int, channels: int, seed: int
) -> PatchPca:
    """Fit components of blocks drawn evenly from the loss region of every training sample."""
    each = max(1, PATCHES // len(store))
    found = []
    for row in range(len(store)):
        windows = blocks_of(input_of(store, row, channels), block, stride)
        dimension = windows.ndim // 2
        inside = _inside(store, row, windows.shape[:dimension], block, stride)
        generator = stream(seed, "patches for components", row)
        chosen = inside[generator.permutation(len(inside))[:each]]
        found.append(windows[tuple(chosen.T)].reshape(len(chosen), -1))
    pca = fit_pca(np.concatenate(found), k, seed)
    return PatchPca(pca=pca, block=block, stride=stride, channels=channels)


def patch_pca_features(
    patch_pca: PatchPca, store: Store, *, regions: Regions | None, symmetries: str
) -> ByCase:
    """Pool components of patches by region, as a local network's map."""
    rows = []
    for row in range(len(store)):
        values = input_of(store, row, patch_pca.channels)
        flips = flips_of(values.ndim - 1, symmetries)
        members = None if regions is None else regions[row]
        rows.append(pooled_over(patch_pca.read(values, flips), members).ravel())
    k = len(patch_pca.pca.components)
    names = statistic_names(k, WHOLE if regions is None else tuple(REGIONS), "pca")
    return by_case(store, np.stack(rows), names)


def pca_features(pca: Pca, store: Store, *, symmetries: str = "none") -> ByCase:
    """Project whole samples on components, averaged over the plan's flips.

    Components with one channel more than the samples also read the mask.
    """
    voxels = int(np.prod(store.sample(0).mask.shape))
    channels = pca.mean.size // voxels
    codes = np.empty((len(store), len(pca.components)), np.float32)
    for row in range(len(store)):
        values = input_of(store, row, channels)
        flips = flips_of(values.ndim - 1, symmetries)
        turned = [np.flip(values, tuple(1 + axis for axis in axes)) for axes in flips]
        mean = np.mean(turned, axis=0, dtype=np.float64).astype(np.float32)
        codes[row] = pca.encode(mean.reshape(1, -1))[0]
    return by_case(store, codes, [f"pca_{number:03d}" for number in range(codes.shape[1])])


def intensity_features(store: Store, *, by_region: bool) -> ByCase:
    """Pool the intensities by region, or over the whole sample: first-order statistics."""
    rows = []
    for row in range(len(store)):
        sample = store.sample(row)
        members = None
        if by_region:
            members = region_members(signed_distance(sample.mask, sample.frame.target.spacing))
        rows.append(pooled_over(sample.values[None], members).ravel())
    names = statistic_names(store.channels, tuple(REGIONS) if by_region else WHOLE, "intensity")
    return by_case(store, np.stack(rows), names)


def _inside(
    store: Store, row: int, positions: tuple[int, ...], block: int, stride: int
) -> npt.NDArray[np.intp]:
    """Return the positions (n, d) whose block's middle lies in the loss region, or all."""
    near = store.samples.part("near", row)[0]
    middle = [
        np.minimum(np.arange(count) * stride + block // 2, size - 1)
        for count, size in zip(positions, near.shape, strict=True)
    ]
    inside = np.argwhere(near[np.ix_(*middle)])
    return inside if len(inside) else np.argwhere(np.ones(positions, dtype=bool))
