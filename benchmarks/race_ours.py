"""Our run of the race: our network and our trainer, on the same crops as the peer.

In: crops, a pair of rivals, a wall time and a seed. Out: the curve of held-out errors. Everything
that a run of ours does with the crops is on the clock: measuring the precision, the principal
components that the network starts at, training, its own validation passes.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
import torch
from crops import Crops
from curve import Curve
from peers import DEVICE

from latentomics.core import NetworkSpec
from latentomics.dataset import Pca, copies_for, fit_pca, shifted_rows
from latentomics.features import fit_patch_pca
from latentomics.methods import METHODS, Method
from latentomics.models import Network, build_network, centre
from latentomics.planning import Choice, Length, Plan
from latentomics.planning.network import Architecture, choose_network
from latentomics.training import Optimisation, measure_pace, train_network
from latentomics.training.fit import make_task
from latentomics.training.task import AutoencoderTask

MAP_CHANNELS = 8  # at stride 4: as many numbers as 64 channels at stride 8
IMPORTED = ("scipy.linalg", "sklearn.utils.extmath")  # by principal components; not on the clock


def rival_of(pair: str, crops: Crops) -> tuple[NetworkSpec, Method]:
    """Return the network that we plan for a code of the peer's size, and its method."""
    spec = crops.plan.network.value
    if pair == "vector":
        return spec, METHODS["autoencoder"]
    shape = (spec.dimension, spec.size, spec.channels_in)
    local = choose_network(
        Architecture(kind="local", code="map"), *shape, MAP_CHANNELS, len(crops.train)
    )
    return local.value, METHODS["local"]


class Watched:
    """Our task; after each of its validation passes a point is added to the curve."""

    def __init__(self, task: AutoencoderTask, curve: Curve) -> None:
        self.task, self.curve, self.training = task, curve, task.training

    def validation(self, parts: int = 1) -> dict[str, float]:
        terms = self.task.validation(parts)
        self.curve.measure(self.task.network)
        return terms


def run(pair: str, crops: Crops, seconds: float, seed: int) -> Curve:
    """Train for so many seconds."""
    spec, method = rival_of(pair, crops)
    network: Network

    def rebuild(values: torch.Tensor) -> torch.Tensor:
        return network.reconstruct(centre(network.encode(values)))

    for name in IMPORTED:
        import_module(name)
    curve = Curve((crops.validation, crops.test), rebuild)
    plan = _plan(crops.plan, spec, seed)
    network = _start(spec, crops, plan).to(DEVICE)
    task = make_task(plan, method, network, crops.train, crops.validation)
    how = Optimisation(
        learning_rate=plan.learning_rate.value,
        length=Length(budget_s=max(1.0, seconds - curve.watch())),
        epoch_steps=task.epoch_steps,
        precision=plan.precision.value,
        threads=plan.threads.value,
    )
    train_network(network, Watched(task, curve), how, clock=curve.watch)
    return curve


def _plan(plan: Plan, spec: NetworkSpec, seed: int) -> Plan:
    pace = measure_pace(spec, torch.get_num_threads(), plan.batch.value)
    request = plan.request.model_copy(update={"seed": seed})
    return plan.model_copy(
        update={
            "request": request,
            "network": Choice(value=spec, reason="of this pair"),
            "precision": Choice(value=pace.precision, reason=pace.reason),
            "threads": Choice(value=pace.threads, reason=pace.reason),
        }
    )


def _start(spec: NetworkSpec, crops: Crops, plan: Plan) -> Network:
    network = build_network(spec, plan.seed)
    pca = _components(spec, crops, plan)
    network.set_linear_path(
        torch.from_numpy(pca.mean),
        torch.from_numpy(pca.components),
        torch.from_numpy(pca.variances).float(),
    )
    return network


def _components(spec: NetworkSpec, crops: Crops, plan: Plan) -> Pca:
    """Return the components that a run starts at: of blocks, or of shifted copies of crops."""
    if spec.kind == "local":
        stride, channels = spec.stem // 2, spec.channels_in
        found = fit_patch_pca(
            crops.train,
            spec.latent,
            block=spec.stem,
            stride=stride,
            channels=channels,
            seed=plan.seed,
        )
        return found.pca
    samples = crops.train.whole(np.arange(len(crops.train)))
    copies = copies_for(len(samples), samples[0].nbytes, plan.components_bytes.value)
    rows = shifted_rows(samples, plan.shift.value, copies, plan.seed)
    return fit_pca(rows, spec.latent, plan.seed)
