"""What the learned features are measured against, all fitted on the training cases alone.

In: the stores of one split and its plan. Out: named features of every case (PCA of the same size,
untrained encoders of the same shape, pooled intensities) and reconstruction errors of every sample
(PCA, the mean image). They come before training, so that its wall time can be planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentomics.core import DoubleArray, FloatArray, NetworkSpec
from latentomics.dataset import Pca, Store, copies_for, fit_pca, shifted_rows
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
SHIFTED_BYTES = 2**31  # at most, of shifted copies in memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baselines:
    """Features and errors by name (random/0, random/1, ...); ``initial`` starts training."""

    features: Mapping[str, ByCase]
    errors: Mapping[str, DoubleArray]
    initial: Pca | None


def untrained(spec: NetworkSpec, seed: int) -> Network:
    """Return a network of this shape that has learned nothing, and nothing from PCA either."""
    return build_network(replace(spec, linear_path=False), seed)


def baselines(plan: Plan, train: Store, every: Store) -> Baselines:
    """Fit on the training store, describe every case."""
    if plan.view.value == "local":
        return _local(plan, train, every)
    spec = plan.network.value
    rows = inputs(train, spec.channels_in)
    pca = fit_pca(rows.reshape(len(rows), -1), spec.latent, plan.seed)
    flips = plan.symmetries.value
    features = {"pca": pca_features(pca, every, symmetries=flips)}
    features |= {
        f"random/{number}": encode_store(untrained(spec, 1000 + number), _bare(plan), every).latent
        for number in range(RANDOM_SEEDS)
    }
    features["intensity"] = intensity_features(every, by_region=plan.loss_region.value != "all")
    return Baselines(
        features=features,
        errors={
            "pca": pca_errors(pca, every),
            "mean": mean_errors(mean_image(train), every),
        },
        initial=_initial(plan, rows, pca),
    )


def inputs(store: Store, channels: int) -> FloatArray:
    """Return a network's inputs (n, channels, *size), the mask last where it goes in."""
    batch = store.batch(np.arange(len(store)), None)
    values = batch.values.numpy()
    if channels > values.shape[1]:
        values = np.concatenate([values, batch.mask.numpy()], axis=1)
    return values


def _local(plan: Plan, train: Store, every: Store) -> Baselines:
    spec = plan.network.value
    networks = [untrained(spec, 1000 + number) for number in range(RANDOM_SEEDS)]
    regions = network_regions(networks[0], plan, every)
    stride, _ = lattice(networks[0])
    patch_pca = fit_patch_pca(
        train,
        spec.latent,
        block=spec.stem,
        stride=stride,
        channels=spec.channels_in,
        seed=plan.seed,
    )
    flips = plan.symmetries.value
    features = {
        "pca": patch_pca_features(patch_pca, every, regions=regions, symmetries=flips),
        "intensity": intensity_features(every, by_region=regions is not None),
    }
    features |= {
        f"random/{number}": encode_store(network, plan, every, regions=regions).latent
        for number, network in enumerate(networks)
    }
    errors = {
        "pca": patch_pca_errors(patch_pca, every),
        "mean": patch_pca_errors(patch_pca, every, components=False),
    }
    return Baselines(features=features, errors=errors, initial=None)


def _initial(plan: Plan, rows: FloatArray, pca: Pca) -> Pca | None:
    """Return the components that a linear path starts at: of shifted copies where cases are few."""
    spec = plan.network.value
    if spec.kind == "linear" or not spec.linear_path:
        return pca if spec.kind == "linear" else None
    copies = copies_for(len(rows), rows[0].nbytes, SHIFTED_BYTES) if plan.shift.value else 0
    if not copies:
        return pca
    moved = shifted_rows(rows, plan.shift.value, copies, plan.seed)
    return fit_pca(moved, spec.latent, plan.seed)


def _bare(plan: Plan) -> Plan:
    """Return the plan without pooled maps, which untrained encoders need not give."""
    return plan.model_copy(update={"pooled": plan.pooled.model_copy(update={"value": False})})
