"""What the learned features are measured against, all fitted on the training cases alone.

In: the stores of one split and its plan. Out: named features of every case (PCA of the same size,
untrained encoders of the same shape, pooled intensities) and reconstruction errors of every sample
(PCA, the mean image). They come before training, so that its wall time can be planned.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latentomics.core import DoubleArray, FloatArray, NetworkSpec
from latentomics.dataset import Pca, Store, copies_for, deformed_rows, fit_pca, shifted_rows
from latentomics.features import (
    ByCase,
    Encoded,
    PatchPca,
    Regions,
    encode_store,
    fit_patch_pca,
    intensity_features,
    lattice,
    mean_errors,
    mean_image,
    network_regions,
    patch_pca_errors,
    patch_pca_features,
    pca_errors,
    pca_features,
)
from latentomics.models import Network, build_network
from latentomics.planning import Plan

POOLED_COLUMNS = 64
TOGETHER = 4096  # cases whose pooled maps are reduced at once
POOLED_ROWS = 10_000  # training cases that components of pooled maps are fitted on, at most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unfitted:
    """What needs no training case: untrained encoders and intensities of all cases.

    ``regions`` are those of every sample that local networks pool over. ``pooled`` are maps of each
    encoder, reduced to their leading components on the training cases of each split: whole ones are
    the widest features of all. All of it took ``took_s`` seconds of wall time, encoding all cases
    with one network ``encoding_s``.
    """

    encoded: tuple[Encoded, ...]
    pooled: Mapping[frozenset[str], tuple[ByCase, ...]]
    intensity: ByCase
    regions: Regions | None
    took_s: float
    encoding_s: float

    def serves(self, training: frozenset[str]) -> bool:
        """Whether it has all that a split with these training cases needs."""
        return not self.pooled or training in self.pooled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baselines:
    """Features and errors by name (random/0, random/1, ...); ``initial`` starts training."""

    features: Mapping[str, ByCase]
    errors: Mapping[str, DoubleArray]
    initial: Pca | None


def untrained(spec: NetworkSpec, seed: int) -> Network:
    """Return a network of this shape that has learned nothing, and nothing from PCA either."""
    return build_network(replace(spec, linear_path=False), seed)


def unfitted(
    plan: Plan,
    every: Store,
    trainings: Sequence[frozenset[str]],
    *,
    affords: Callable[[float], bool] = lambda _: True,
) -> Unfitted:
    """Describe every case by what learns nothing; folds with the same samples share it.

    Parameters
    ----------
    trainings : sequence of frozenset of str
        The training cases of every split that shares it.
    affords : callable, optional
        Says of the seconds that one untrained encoder took whether there is time for the others.
    """
    spec = plan.network.value
    begun = time.monotonic()
    networks = [untrained(spec, 1000 + number) for number in range(plan.effort.value.untrained)]
    regions = network_regions(networks[0], plan, every) if spec.block else None
    intensity = intensity_features(every, by_region=plan.loss_region.value != "all")
    ready = time.monotonic()
    encoded: list[Encoded] = []
    pooled: dict[frozenset[str], tuple[ByCase, ...]] = {}
    for network in networks:
        found = encode_store(network, plan, every, regions=regions)
        if found.pooled is not None:
            for training in trainings:
                components = pooled_components(found.pooled, training, plan.seed)
                own = reduce_pooled(found.pooled, components)
                pooled[training] = (*pooled.get(training, ()), own)
        none = found.codes[:0].copy(), found.code_samples[:0].copy()  # a view would keep all
        found = replace(found, pooled=None, codes=none[0], code_samples=none[1])
        encoded.append(found)
        if not affords((time.monotonic() - ready) / len(encoded)):
            break
    done = time.monotonic()
    return Unfitted(
        encoded=tuple(encoded),
        pooled=pooled,
        intensity=intensity,
        regions=regions,
        took_s=done - begun,
        encoding_s=(done - ready) / len(encoded),
    )


def baselines(
    plan: Plan, train: Store, every: Store, beside: Unfitted, *, judged: bool = True
) -> Baselines:
    """Fit on the training store, describe every case; without ``judged`` no error is measured."""
    spec, flips = plan.network.value, plan.symmetries.value
    others = _of_unfitted(beside, frozenset(train.cases))
    if spec.block:
        patch_pca = _patch_pca(plan, train)
        pca = patch_pca_features(patch_pca, every, regions=beside.regions, symmetries=flips)
        errors = _errors_of_maps(plan, patch_pca, train, every) if judged else {}
        return Baselines(features={"pca": pca, **others}, errors=errors, initial=patch_pca.pca)
    rows = inputs(train, spec.channels_in, plan.components_bytes.value)
    components = fit_pca(rows.reshape(len(rows), -1), spec.latent, plan.seed)
    errors = {}
    if judged:
        of_images = _of_images(rows, every.channels, components, plan)
        errors["pca"] = pca_errors(of_images, every)
        errors["mean"] = mean_errors(mean_image(train), every)
    return Baselines(
        features={"pca": pca_features(components, every, symmetries=flips), **others},
        errors=errors,
        initial=_initial(plan, rows, components),
    )


def _of_unfitted(beside: Unfitted, training: frozenset[str]) -> dict[str, ByCase]:
    features = {}
    pooled = beside.pooled[training] if beside.pooled else ()
    for number, encoded in enumerate(beside.encoded):
        features[f"random/{number}"] = encoded.latent
        if pooled:
            features[f"random pooled/{number}"] = pooled[number]
    features["intensity"] = beside.intensity
    return features


def _of_images(rows: FloatArray, channels: int, pca: Pca, plan: Plan) -> Pca:
    """Return the components that rebuild images best: of images alone, where masks go in too."""
    if rows.shape[1] == channels:
        return pca
    return fit_pca(rows[:, :channels].reshape(len(rows), -1), len(pca.components), plan.seed)


def inputs(store: Store, channels: int, most_bytes: int) -> FloatArray:
    """Return a network's inputs (n, channels, *size), the mask last where it goes in.

    Of more samples than ``most_bytes`` hold, evenly chosen ones.
    """
    most = max(2, most_bytes // (4 * channels * store.sample(0).mask.size))
    rows = np.arange(len(store))[:: -(-len(store) // most)]
    if store.patch is None and channels == store.channels:
        return store.whole(rows)
    batch = store.batch(rows, None)
    values = batch.values.numpy()
    if channels > values.shape[1]:
        mask = batch.mask.numpy() * np.float32(store.mask_channel)
        values = np.concatenate([values, mask], axis=1)
    return values


def _patch_pca(plan: Plan, train: Store) -> PatchPca:
    """Fit components of the blocks that a network with a map as code reads."""
    spec = plan.network.value
    stride, _ = lattice(untrained(spec, 0))
    return fit_patch_pca(
        train,
        spec.latent,
        block=spec.block,
        stride=stride,
        channels=spec.channels_in,
        seed=plan.seed,
    )


def _errors_of_maps(
    plan: Plan, patch_pca: PatchPca, train: Store, every: Store
) -> dict[str, DoubleArray]:
    if plan.view.value == "local":  # crops of many sizes have no mean image, their blocks do
        mean = patch_pca_errors(patch_pca, every, components=False)
    else:
        mean = mean_errors(mean_image(train), every)
    return {"pca": patch_pca_errors(patch_pca, every), "mean": mean}


def _initial(plan: Plan, rows: FloatArray, pca: Pca) -> Pca | None:
    """Return the components that a linear path starts at: of moved copies where cases are few."""
    spec = plan.network.value
    if spec.kind == "linear" or not spec.linear_path:
        return pca if spec.kind == "linear" else None
    bent, reach = plan.deformation.value, plan.shift.value
    copies = (
        copies_for(len(rows), rows[0].nbytes, plan.components_bytes.value) if bent or reach else 0
    )
    if not copies:
        return pca
    if bent:
        # half of what training sees: components have to be right, not robust (docs/decisions)
        moved = deformed_rows(rows, bent.gentle(), plan.spacing.value, copies, plan.seed)
    else:
        moved = shifted_rows(rows, reach, copies, plan.seed)
    return fit_pca(moved, spec.latent, plan.seed)


def pooled_components(
    pooled: ByCase, training: Container[str], seed: int
) -> tuple[DoubleArray, DoubleArray]:
    """Fit components of pooled maps at unit variance, on evenly chosen training cases."""
    rows = np.flatnonzero([case in training for case in pooled.cases])
    rows = rows[:: -(-len(rows) // POOLED_ROWS)]
    values = pooled.values[rows].astype(np.float64)
    mean, scale = values.mean(0), np.maximum(values.std(0), 1e-6)
    values -= mean
    values /= scale
    pca = fit_pca(values.astype(np.float32), POOLED_COLUMNS, seed)
    return mean, pca.components.astype(np.float64) / scale


def reduce_pooled(pooled: ByCase, components: tuple[DoubleArray, DoubleArray]) -> ByCase:
    """Return the leading components of pooled maps as columns pooled_000, pooled_001, ..."""
    mean, directions = components
    values = np.empty((len(pooled.values), len(directions)), np.float32)
    for start in range(0, len(values), TOGETHER):
        some = slice(start, start + TOGETHER)
        values[some] = (pooled.values[some] - mean) @ directions.T
    names = tuple(f"pooled_{number:03d}" for number in range(values.shape[1]))
    return ByCase(cases=pooled.cases, values=values, names=names)
