"""One training step of the peer's very same network: a plain loop in float32 against our trainer.

In: who and which network. Out: one JSON line with the median seconds of a step and, for ours, the
precision that was measured to be faster. ``ours-channels-last`` is the same trainer on a network in
channels-last memory, which the trainer does not choose by itself.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import peers
import torch
from torch import Tensor, nn

from latentomics.planning import Length
from latentomics.training import Optimisation
from latentomics.training.loop import make_optimiser, take_step
from latentomics.training.precision import GAIN
from latentomics.training.state import State

WHO = ("plain", "ours", "ours-channels-last")
LATENT = 64


class Given:
    """The task of rebuilding one given batch with a foreign network."""

    def __init__(self, network: nn.Module, loss: Callable, values: Tensor) -> None:
        self.network, self.loss, self.values = network, loss, values

    def training(self, step: int, *parts: int) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ARG002
        return self.loss(self.network, self.values), {}

    def validation(self, *parts: int) -> dict[str, float]:  # noqa: ARG002
        return {}


def plain(network: nn.Module, loss: Callable, values: Tensor) -> Callable[[], object]:
    """Return a step of the plain loop."""
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    return lambda: peers.plain_step(network, optimiser, loss, values)


def ours(
    network: nn.Module, loss: Callable, values: Tensor, precision: str
) -> Callable[[], object]:
    """Return a step of our trainer."""
    how = Optimisation(
        learning_rate=1e-3, length=Length(steps=10**6), epoch_steps=100, precision=precision
    )
    task, optimiser = Given(network, loss, values), make_optimiser(network)
    state = State(length=how.length)
    return lambda: take_step(network, optimiser, task, how, state)


def seconds_of(step: Callable[[], object], steps: int) -> float:
    """Return the median seconds of a step, after two that choose kernels."""
    taken = []
    for _ in range(steps + 2):
        begin = time.perf_counter()
        step()
        taken.append(time.perf_counter() - begin)
    return median(taken[2:])


def _network(name: str, size: tuple[int, ...]) -> nn.Module:
    return peers.autoencoder(size) if name == "autoencoder" else peers.varautoencoder(size, LATENT)


def measure(who: str, name: str, size: tuple[int, ...], batch: int, steps: int) -> dict:
    """Return seconds and precision."""
    torch.manual_seed(0)
    values = torch.randn(batch, 1, *size).to(peers.DEVICE)
    network = _network(name, size).to(peers.DEVICE)
    loss = peers.LOSSES["map" if name == "autoencoder" else "vector"]
    if who == "plain":
        return {"seconds": seconds_of(plain(network, loss, values), steps), "precision": "float32"}
    if who == "ours-channels-last":
        network = network.to(memory_format=torch.channels_last_3d)
        values = values.contiguous(memory_format=torch.channels_last_3d)
    full = seconds_of(ours(network, loss, values, "float32"), steps)
    half = seconds_of(ours(network, loss, values, "bfloat16"), steps)
    faster = half * GAIN < full  # the trainer's own rule
    return {
        "seconds": half if faster else full,
        "precision": "bfloat16" if faster else "float32",
        "float32": full,
        "bfloat16": half,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=WHO, required=True)
    parser.add_argument("--network", choices=("autoencoder", "varautoencoder"), required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    size, batch, steps = (40, 56, 40), given.batch, given.steps
    if given.smoke:
        size, batch, steps = (16, 16, 16), 2, 2
    print(json.dumps(measure(given.who, given.network, size, batch, steps)))


if __name__ == "__main__":
    main()
