"""A peer's run of the race: MONAI's network in a plain loop, on our crops.

In: crops, a pair of rivals, settings, seconds of a clock and a seed. Out: the curve of held-out
errors. The loop sees the same crops with the same random shifts as ours; its schedule runs over the
given time, so that one-cycle ends when the time does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import peers
import torch
from crops import Crops
from curve import Curve
from torch import nn

from latentomics.training.augment import draw_moves, move_batch

POINTS = 24  # measured, each 1.2 times later than the one before
GROWTH = 1.2


def network_of(pair: str, crops: Crops) -> nn.Module:
    """Return the peer's network of a pair."""
    spec = crops.plan.network.value
    if pair == "map":
        return peers.autoencoder(spec.size, spec.channels_in)
    return peers.varautoencoder(spec.size, spec.latent, spec.channels_in)


def run(
    pair: str,
    crops: Crops,
    settings: peers.Settings,
    seconds: float,
    seed: int,
    *,
    points: int = POINTS,
    tested: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Curve:
    """Train for so many seconds; the last ``points`` are measured, on the test crops if wanted."""
    network_of(pair, crops)  # its imports are not on the clock
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network: nn.Module

    stores = (crops.validation, crops.test) if tested else (crops.validation,)
    curve = Curve(stores, lambda values: peers.rebuild(network, values), clock)
    network = network_of(pair, crops).to(peers.DEVICE)
    optimiser = torch.optim.Adam(network.parameters(), settings.rate)
    due = [seconds * GROWTH ** (number - points + 1) for number in range(points)]
    queue = np.empty(0, np.int64)
    while due:
        if len(queue) < settings.batch:
            queue = np.concatenate([queue, draw.permutation(len(crops.train))])
        rows, queue = queue[: settings.batch], queue[settings.batch :]
        factor = peers.rate_factor(settings.schedule, curve.watch() / seconds)
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * factor
        peers.plain_step(network, optimiser, peers.LOSSES[pair], _batch(crops, rows, draw))
        if curve.watch() >= due[0]:
            curve.measure(network)
            due = [time for time in due if time > curve.watch()]
    return curve


def _batch(crops: Crops, rows: np.ndarray, draw: np.random.Generator) -> torch.Tensor:
    values = crops.train.batch(rows, None).values.to(peers.DEVICE)
    plan = crops.plan
    moves = draw_moves(draw, plan.dimension.value, plan.shift.value, flips=False)
    return move_batch(values, moves)
