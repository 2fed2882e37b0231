"""Capsules that are told how an image moved learn where their parts are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentomics.core import Capsules, NetworkSpec
from latentomics.models import Network, build_network, centre
from latentomics.models.capsules import shifted
from latentomics.training.asked import draw_shifts
from latentomics.training.augment import move_batch

EDGE = 18


def blobs(count: int, seed: int, spread: float) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    axes = np.stack(np.meshgrid(np.arange(EDGE), np.arange(EDGE), indexing="ij"))
    place = (EDGE - 1) / 2 + generator.uniform(-spread, spread, (count, 2, 1, 1))
    width = generator.uniform(1.5, 3, (count, 2, 1, 1))
    values = np.exp(-0.5 * (((axes - place) / width) ** 2).sum(1))
    return torch.from_numpy(values[:, None].astype(np.float32))


def encoded(network: Network, values: torch.Tensor) -> Capsules:
    code = network.encode(values)
    assert isinstance(code, Capsules)
    return code


@pytest.mark.slow
def test_KA_13_2_poses_follow_the_true_shift() -> None:
    spec = NetworkSpec(
        kind="capsules", dimension=2, size=(EDGE, EDGE), channels_in=1, channels_out=1, latent=6,
        code="capsules", widths=(20, 30),
    )  # fmt: skip
    network = build_network(spec, 0)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for step in range(2000):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * (1 - step / 2000)
        moves, shifts = draw_shifts(np.random.default_rng(step), 64, 2, 3)
        values = blobs(64, step, 3)
        output = network.decode(shifted(encoded(network, values), torch.from_numpy(shifts)))
        loss = (output - move_batch(values, moves)).square().sum((1, 2, 3)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    values = blobs(512, 10**6, 1)
    moves, shifts = draw_shifts(np.random.default_rng(10**6), 512, 2, 2)
    moved = move_batch(values, moves)
    with torch.no_grad():
        before, after = encoded(network, values), encoded(network, moved)
        told = network.decode(shifted(before, torch.from_numpy(shifts)))
        untold = network.decode(centre(before))
    assert (told - moved).square().mean() < 0.2 * (untold - moved).square().mean()
    apart = ((after.pose - before.pose) * before.presence[..., None]).sum(1)
    apart = (apart / before.presence.sum(1, keepdim=True)).numpy()
    for axis in range(2):
        slope, offset = np.polyfit(shifts[:, axis], apart[:, axis], 1)
        assert slope == pytest.approx(1, abs=0.1)
        assert offset == pytest.approx(0, abs=0.1)
