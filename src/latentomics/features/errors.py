"""Reconstruction errors of a network, of components of the same size, and of the mean image.

In: a store and what rebuilds its samples. Out: the mean squared error a voxel of each sample, (n,),
over the image's channels alone, in the sample's normalised unit. Voxels count as they do in the
loss: all alike, or those in and near the mask; all rivals are judged on the same voxels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, FloatArray
from latentomics.dataset import Pca, Store
from latentomics.features.baselines import PatchPca, blocks_of
from latentomics.features.reading import chunk_of, chunks, read_each, tensor_of
from latentomics.features.samples import input_of

if TYPE_CHECKING:
    from latentomics.models import Network

ELSEWHERE = 0.02  # weight outside mask and ring of whole samples (DESIGN 12)
Rebuild = Callable[[int, FloatArray], npt.NDArray[np.floating]]  # row, values -> the same, rebuilt


def network_errors(network: Network, store: Store) -> DoubleArray:
    """Return the error of each sample, rebuilt from the centre of its code in float32."""

    def read(rows: range) -> list[float]:
        output = network.rebuild(chunk_of(network, store, rows)).float().cpu().numpy()
        pairs = zip(rows, output[:, : store.channels], strict=False)  # the last chunk is padded
        return [_error(store, row, rebuilt) for row, rebuilt in pairs]

    def read_map(row: int) -> list[float]:
        return [_error(store, row, _rebuilt_map(network, store, row))]

    found = (
        read_each(network, read_map, range(len(store)))
        if network.spec.block
        else read_each(network, read, chunks(store))
    )
    return np.concatenate([*found])


def pca_errors(pca: Pca, store: Store) -> DoubleArray:
    """Return the error of each sample, rebuilt from components of whole samples."""
    channels = pca.mean.size // int(np.prod(store.sample(0).mask.shape))

    def rebuild(row: int, values: FloatArray) -> FloatArray:
        flat = input_of(store, row, channels).reshape(1, -1)
        output = pca.decode(pca.encode(flat)).reshape(channels, *values.shape[1:])
        return output[: len(values)]

    return _errors(store, rebuild)


def mean_image(store: Store) -> FloatArray:
    """Return the mean (C, *size) of samples of one size."""
    total = np.zeros(store.sample(0).values.shape, np.float64)
    for row in range(len(store)):
        total += store.sample(row).values
    return (total / len(store)).astype(np.float32)


def mean_errors(mean: FloatArray, store: Store) -> DoubleArray:
    """Return the error of each sample when all are rebuilt as the mean image of the training."""
    return _errors(store, lambda _, __: mean)


def patch_pca_errors(patch_pca: PatchPca, store: Store, *, components: bool = True) -> DoubleArray:
    """Return the error of each crop, rebuilt block by block from components of patches.

    Parameters
    ----------
    components : bool
        False: every block is the training's mean block, the mean image of a local code.
    """
    pca, block = patch_pca.pca, patch_pca.block

    def rebuild(row: int, values: FloatArray) -> FloatArray:
        windows = blocks_of(input_of(store, row, patch_pca.channels), block, block)
        flat = windows.reshape(-1, pca.mean.size)
        output = pca.decode(pca.encode(flat)) if components else np.tile(pca.mean, (len(flat), 1))
        return _joined(output.reshape(windows.shape))[: len(values)]

    return _errors(store, rebuild)


def _joined(blocks: FloatArray) -> FloatArray:
    """Put blocks (*positions, C, *block) side by side again, (C, *padded size)."""
    dimension = blocks.ndim // 2
    axes = [dimension]
    for axis in range(dimension):
        axes += [axis, dimension + 1 + axis]
    size = [n * b for n, b in zip(blocks.shape[:dimension], blocks.shape[-dimension:], strict=True)]
    return blocks.transpose(axes).reshape(blocks.shape[dimension], *size)


def _rebuilt_map(network: Network, store: Store, row: int) -> FloatArray:
    values = input_of(store, row, network.spec.channels_in)
    output: FloatArray = network.rebuild(tensor_of(network, values[None]))[0].cpu().numpy()
    return output[: store.channels]


def _errors(store: Store, rebuild: Rebuild) -> DoubleArray:
    rows = range(len(store))
    return np.array([_error(store, row, rebuild(row, store.sample(row).values)) for row in rows])


def _error(store: Store, row: int, rebuilt: npt.NDArray[np.floating]) -> float:
    values = store.sample(row).values
    inside = (slice(None), *(slice(0, n) for n in values.shape[1:]))  # padded ones are cropped
    return _mean_square(values - rebuilt[inside], _weight(store, row))


def _weight(store: Store, row: int) -> DoubleArray | None:
    if store.loss_region == "all":
        return None
    near: DoubleArray = store.samples.part("near", row)[0].astype(np.float64)
    if store.patch is None and store.loss_region == "mask+ring":
        return near * (1 - ELSEWHERE) + ELSEWHERE
    return near


def _mean_square(apart: npt.NDArray[np.floating], weight: DoubleArray | None) -> float:
    squared = np.square(apart, dtype=np.float64).mean(axis=0)
    if weight is None:
        return float(squared.mean())
    return float((squared * weight).sum() / max(float(weight.sum()), 1e-12))
