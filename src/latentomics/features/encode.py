"""Encode samples with a network: the code of every case as a row of features.

In: a network, its plan and a store. Out: latent features (cases, columns) with names, pooled
encoder maps where the plan asks for them, and the bare codes for judging collapse. Encoding runs in
float32, see ``reading``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, FloatArray, Gaussian, IntArray
from latentomics.dataset import Store
from latentomics.features.reading import chunk_of, chunks, read_each, tensor_of
from latentomics.features.regional import (
    REGIONS,
    WHOLE,
    Members,
    pooled_over,
    statistic_names,
)
from latentomics.features.samples import ByCase, by_case, flips_of, input_of, regions_of

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.models import Network
    from latentomics.planning import Plan

FLIP_VOXELS = 2**21  # voxels of flips read at once
POSITIONS = 32  # of each case's map that are kept as bare codes
OnDone = Callable[[int, int], None]  # samples encoded, samples in all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """What a network says about cases.

    ``codes`` (rows, latent) are codes of unflipped samples, or of some positions of their maps, and
    ``code_samples`` (rows,) the sample of each;
    ``kl`` (n, latent) is the KL of each sample to the prior in nats where the code is Gaussian.
    """

    latent: ByCase
    pooled: ByCase | None
    codes: FloatArray
    code_samples: IntArray
    kl: DoubleArray | None

    @property
    def cases(self) -> tuple[str, ...]:
        """The case of each row."""
        return self.latent.cases


def encode_store(
    network: Network,
    plan: Plan,
    store: Store,
    *,
    regions: tuple[tuple[Members, ...], ...] | None = None,
    on_done: OnDone | None = None,
) -> Encoded:
    """Encode every sample of a store, averaged over the flips that the plan names.

    Parameters
    ----------
    regions : tuple, optional
        Of ``network_regions`` for this store, to share them between networks of one shape.
    on_done : callable, optional
        Called with the samples done and the samples in all.
    """
    if network.spec.block:
        return _encode_maps(network, plan, store, regions, on_done)
    return _encode_whole(network, plan, store, on_done)


def network_regions(
    network: Network, plan: Plan, store: Store
) -> tuple[tuple[Members, ...], ...] | None:
    """Return the positions of core, rim and ring that a map has; None without masks."""
    if plan.loss_region.value == "all":
        return None
    stride, first = lattice(network)
    return regions_of(store, stride=stride, first=first, block=network.spec.block)


def lattice(network: Network) -> tuple[int, float]:
    """Return the stride of a network's map in voxels, and where its first position lies."""
    return int(network.read_stride), float(network.read_offset)  # type: ignore[arg-type]


def _encode_whole(network: Network, plan: Plan, store: Store, on_done: OnDone | None) -> Encoded:
    spec = network.spec
    flips = flips_of(spec.dimension, plan.symmetries.value)
    latent = np.zeros((len(store), spec.latent), np.float64)
    codes = np.zeros((len(store), spec.latent), np.float32)
    kl = np.zeros((len(store), spec.latent)) if spec.code == "gaussian" else None
    pooled: FloatArray | None = None

    def read(rows: range) -> list[_Flip]:
        tensor = chunk_of(network, store, rows)
        flipped = (tensor.flip([2 + axis for axis in axes]) if axes else tensor for axes in flips)
        return [_read_flip(network, some, len(rows), pooled=plan.pooled.value) for some in flipped]

    every = chunks(store)
    for rows, found in zip(every, read_each(network, read, every), strict=True):
        here = slice(rows.start, rows.stop)
        for flip in found:
            latent[here] += flip.mean / len(flips)
        codes[here] = found[0].mean
        if kl is not None and found[0].kl is not None:
            kl[here] = found[0].kl
        if plan.pooled.value:
            maps = [flip.pooled for flip in found if flip.pooled is not None]
            if pooled is None:
                pooled = np.empty((len(store), maps[0].shape[1]), np.float32)
            pooled[here] = np.stack(maps).mean(axis=0, dtype=np.float64)
        if on_done:
            on_done(rows.stop, len(store))
    names = [f"latent_{number:03d}" for number in range(spec.latent)]
    return Encoded(
        latent=by_case(store, latent.astype(np.float32), names),
        pooled=_pooled(store, pooled),
        codes=codes,
        code_samples=np.arange(len(store)),
        kl=kl,
    )


def _encode_maps(
    network: Network,
    plan: Plan,
    store: Store,
    regions: tuple[tuple[Members, ...], ...] | None,
    on_done: OnDone | None,
) -> Encoded:
    spec = network.spec
    regions = network_regions(network, plan, store) if regions is None else regions
    flips = flips_of(spec.dimension, plan.symmetries.value)
    latent: list[FloatArray] = []
    codes: list[FloatArray] = []

    def read(row: int) -> tuple[FloatArray, FloatArray]:
        members = None if regions is None else regions[row]
        maps = _maps(network, input_of(store, row, spec.channels_in), flips)
        flat: FloatArray = maps[0].reshape(spec.latent, -1)
        inside = np.arange(flat.shape[1]) if members is None else np.concatenate(members)
        some = inside[:: max(1, len(inside) // POSITIONS)]
        return pooled_over(maps, members).ravel(), np.take(flat, some, axis=1).T

    for row, (pooled, code) in enumerate(read_each(network, read, range(len(store)))):
        latent.append(pooled)
        codes.append(code)
        if on_done:
            on_done(row + 1, len(store))
    names = statistic_names(spec.latent, WHOLE if regions is None else tuple(REGIONS))
    return Encoded(
        latent=by_case(store, np.stack(latent), names),
        pooled=None,
        codes=np.concatenate(codes),
        code_samples=np.repeat(np.arange(len(store)), [len(part) for part in codes]),
        kl=None,
    )


def _maps(network: Network, values: FloatArray, flips: tuple[tuple[int, ...], ...]) -> FloatArray:
    """Return the map of every flip of one sample, flipped back: (flips, K, *positions)."""
    import torch

    tensor = tensor_of(network, values[None])
    step = max(1, FLIP_VOXELS // int(np.prod(values.shape)))
    found = []
    for start in range(0, len(flips), step):
        some = flips[start : start + step]
        batch = torch.cat([tensor.flip([2 + axis for axis in axes]) for axes in some])
        maps = network.read(batch).z  # type: ignore[operator]
        found += [
            one.flip([1 + axis for axis in axes]) for one, axes in zip(maps, some, strict=True)
        ]
    stacked: FloatArray = torch.stack(found).float().cpu().numpy()
    return stacked


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Flip:
    """Codes (rows, latent) of some samples flipped one way, their KL and their pooled maps."""

    mean: FloatArray
    kl: DoubleArray | None
    pooled: FloatArray | None


def _read_flip(network: Network, tensor: Tensor, count: int, *, pooled: bool) -> _Flip:
    mean, divergence = _code(network, tensor)
    maps = network.pooled(tensor).float().cpu().numpy()[:count] if pooled else None
    return _Flip(
        mean=mean[:count], kl=None if divergence is None else divergence[:count], pooled=maps
    )


def _code(network: Network, tensor: Tensor) -> tuple[FloatArray, DoubleArray | None]:
    code = network.encode(tensor)
    if not isinstance(code, Gaussian):
        return code.z.float().cpu().numpy(), None
    mean, log_var = code.mean.double(), code.log_var.double()
    kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var)
    return code.mean.float().cpu().numpy(), kl.cpu().numpy()


def _pooled(store: Store, values: FloatArray | None) -> ByCase | None:
    if values is None:
        return None
    return by_case(store, values, [f"pooled_{number:03d}" for number in range(values.shape[1])])
