"""Our run of the race: our network and our trainer, on the same crops as the peer.

In: crops, a pair of rivals, a wall time and a seed. Out: the curve of held-out errors. Everything
that a run of ours does with the crops is on the clock: measuring the precision, the principal
components, training and its own validation passes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from crops import Crops
from curve import Curve
from peers import DEVICE

from latentomics.core import NetworkSpec
from latentomics.dataset import fit_pca
from latentomics.methods import METHODS, Method
from latentomics.models import Network, build_network, centre
from latentomics.planning import Choice, Length, Plan
from latentomics.training import Optimisation, measure_pace, train_network
from latentomics.training.task import AutoencoderTask

MAP_CHANNELS = 8  # at stride 4: as many numbers as 64 channels at stride 8


def rival_of(pair: str, crops: Crops) -> tuple[NetworkSpec, Method]:
    """Return our network and method with the peer's size of code and its objective."""
    spec = crops.plan.network.value
    if pair == "map":
        local = replace(spec, kind="local", code="map", latent=MAP_CHANNELS, linear_path=False)
        return local, METHODS["local"]
    if pair == "vae":
        vae = replace(METHODS["beta-vae"], penalties={"kl": 1.0})  # the peer's very bound
        return replace(spec, code="gaussian", linear_path=False), vae
    return spec, METHODS["autoencoder"]


class Watched:
    """Our task; after each of its validation passes a point is added to the curve."""

    def __init__(self, task: AutoencoderTask, curve: Curve) -> None:
        self.task, self.curve, self.training = task, curve, task.training

    def validation(self) -> dict[str, float]:
        terms = self.task.validation()
        self.curve.measure(self.task.network)
        return terms


def run(pair: str, crops: Crops, seconds: float, seed: int) -> Curve:
    """Train for so many seconds."""
    spec, method = rival_of(pair, crops)
    network: Network

    def rebuild(values: torch.Tensor) -> torch.Tensor:
        return network.decode(centre(network.encode(values)))

    fit_pca(np.eye(4, 8, dtype=np.float32), 2, seed)  # its imports are not on the clock
    curve = Curve(crops.validation, crops.test, rebuild)
    plan = _plan(crops.plan, spec, seed)
    network = _start(spec, crops, seed).to(DEVICE)
    task = AutoencoderTask(
        network=network, plan=plan, method=method, train=crops.train, held_out=crops.validation
    )
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
    return plan.model_copy(
        update={
            "seed": seed,
            "network": Choice(value=spec, reason="of this pair"),
            "precision": Choice(value=pace.precision, reason=pace.reason),
            "threads": Choice(value=pace.threads, reason=pace.reason),
        }
    )


def _start(spec: NetworkSpec, crops: Crops, seed: int) -> Network:
    network = build_network(spec, seed)
    if spec.linear_path:
        values = crops.train.whole(np.arange(len(crops.train)))
        pca = fit_pca(values.reshape(len(values), -1), spec.latent, seed)
        network.set_linear_path(
            torch.from_numpy(pca.mean),
            torch.from_numpy(pca.components),
            torch.from_numpy(pca.variances).float(),
        )
    return network
