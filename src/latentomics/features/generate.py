"""Images from codes, and how near they come to samples of a store.

In: a network and codes (n, latent), or images (n, C, *size) in normalised units. Out: images; the
distance of each to the nearest sample, the root of the mean squared difference over the voxels that
count in that sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, FloatArray
from latentomics.dataset import Store
from latentomics.features.reading import CHUNK, reading

if TYPE_CHECKING:
    from latentomics.models import Network

AT_ONCE = 64  # samples compared together


def decode_codes(network: Network, codes: FloatArray, channels: int) -> FloatArray:
    """Return the images that codes (n, latent) stand for, (n, channels, *size), without noise."""
    import torch

    device = next(network.parameters()).device
    images = []
    with reading(network):
        for start in range(0, len(codes), CHUNK):
            some = codes[start : start + CHUNK]
            padded = np.concatenate([some, np.zeros((CHUNK - len(some), codes.shape[1]))])
            output = network.reconstruct(torch.from_numpy(padded.astype(np.float32)).to(device))
            images.append(output[: len(some), :channels].float().cpu().numpy())
    return np.concatenate(images)


def nearest_distances(images: FloatArray, store: Store) -> DoubleArray:
    """Return the distance of each image (n, C, *size) to the nearest sample, (n,)."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    nearest = np.full(len(images), np.inf)
    for start in range(0, len(store), AT_ONCE):
        batch = store.batch(np.arange(start, min(start + AT_ONCE, len(store))), None)
        values = batch.values.flatten(1).double().numpy()  # (samples, D)
        weight = batch.weight.expand(batch.values.shape).flatten(1).double().numpy()
        squared = flat**2 @ weight.T - 2 * flat @ (weight * values).T + (weight * values**2).sum(1)
        squared /= np.maximum(weight.sum(1), 1e-12)
        nearest = np.minimum(nearest, np.sqrt(np.maximum(squared, 0)).min(axis=1))
    return nearest
