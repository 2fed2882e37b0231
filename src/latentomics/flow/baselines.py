"""What the learned features are measured against, all fitted on the training cases alone.

In: the stores of one split and its plan. Out: named features of every case (PCA of the same size,
untrained encoders of the same shape, pooled intensities) and reconstruction errors of every sample
(PCA, the mean image). They come before training, so that its wall time can be planned.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentomics.core import DoubleArray, FloatArray, NetworkSpec
from latentomics.dataset import Pca, Store, copies_for, deformed_rows, fit_pca, shifted_rows
from latentomics.features import (
    ByCase,
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

RANDOM_SEEDS = 3
POOLED_COLUMNS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baselines:
    """Features and errors by name (random/0, random/1, ...); ``initial`` starts training."""

    features: Mapping[str, ByCase]
    errors: Mapping[str, DoubleArray]
    initial: Pca | None


def untrained(spec: NetworkSpec, seed: int) -> Network:
    """Return a network of this shape that has learned nothing, and nothing from PCA either."""
    return build_network(replace(spec, linear_path=False), seed)


def baselines(
    plan: Plan, train: Store, every: Store, known: Mapping[str, ByCase] | None = None
) -> Baselines:
    """Fit on the training store, describe every case.

    ``known`` holds features of untrained encoders from a fitting with the same samples and shape:
    they learn nothing from a split, so folds share them.
    """
    spec = plan.network.value
    if spec.block:
        return _of_maps(plan, train, every, known or {})
    rows = inputs(train, spec.channels_in, plan.components_bytes.value)
    pca = fit_pca(rows.reshape(len(rows), -1), spec.latent, plan.seed)
    flips = plan.symmetries.value
    features = {"pca": pca_features(pca, every, symmetries=flips)}
    for number in range(RANDOM_SEEDS):
        encoded = encode_store(untrained(spec, 1000 + number), plan, every)
        features[f"random/{number}"] = encoded.latent
        if encoded.pooled is not None:
            components = pooled_components(encoded.pooled, set(train.cases), plan.seed)
            features[f"random pooled/{number}"] = reduce_pooled(encoded.pooled, components)
    features["intensity"] = intensity_features(every, by_region=plan.loss_region.value != "all")
    return Baselines(
        features=features,
        errors={
            "pca": pca_errors(_of_images(rows, every.channels, pca, plan), every),
            "mean": mean_errors(mean_image(train), every),
        },
        initial=_initial(plan, rows, pca),
    )


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
    batch = store.batch(np.arange(len(store))[:: -(-len(store) // most)], None)
    values = batch.values.numpy()
    if channels > values.shape[1]:
        mask = batch.mask.numpy() * np.float32(store.mask_channel)
        values = np.concatenate([values, mask], axis=1)
    return values


def _of_maps(plan: Plan, train: Store, every: Store, known: Mapping[str, ByCase]) -> Baselines:
    """Pool components of blocks and untrained maps exactly as the network's own map."""
    spec = plan.network.value
    networks = [untrained(spec, 1000 + number) for number in range(RANDOM_SEEDS)]
    regions = network_regions(networks[0], plan, every)
    stride, _ = lattice(networks[0])
    patch_pca = fit_patch_pca(
        train,
        spec.latent,
        block=spec.block,
        stride=stride,
        channels=spec.channels_in,
        seed=plan.seed,
    )
    flips = plan.symmetries.value
    features = {
        "pca": patch_pca_features(patch_pca, every, regions=regions, symmetries=flips),
        "intensity": intensity_features(every, by_region=regions is not None),
    }
    for number, network in enumerate(networks):
        name = f"random/{number}"
        features[name] = (
            known.get(name) or encode_store(network, plan, every, regions=regions).latent
        )
    if plan.view.value == "local":  # crops of many sizes have no mean image, their blocks do
        mean = patch_pca_errors(patch_pca, every, components=False)
    else:
        mean = mean_errors(mean_image(train), every)
    errors = {"pca": patch_pca_errors(patch_pca, every), "mean": mean}
    return Baselines(features=features, errors=errors, initial=patch_pca.pca)


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
    """Fit components of pooled maps at unit variance, on training cases."""
    rows = np.array([case in training for case in pooled.cases])
    values = pooled.values[rows].astype(np.float64)
    scale = np.maximum(values.std(0), 1e-6)
    pca = fit_pca(((values - values.mean(0)) / scale).astype(np.float32), POOLED_COLUMNS, seed)
    return values.mean(0), pca.components.astype(np.float64) / scale


def reduce_pooled(pooled: ByCase, components: tuple[DoubleArray, DoubleArray]) -> ByCase:
    """Return the leading components of pooled maps as columns pooled_000, pooled_001, ..."""
    mean, directions = components
    values = ((pooled.values - mean) @ directions.T).astype(np.float32)
    names = tuple(f"pooled_{number:03d}" for number in range(values.shape[1]))
    return ByCase(cases=pooled.cases, values=values, names=names)
