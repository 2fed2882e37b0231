"""MONAI's autoencoders and a plain loop around them, as its tutorials write it.

In: crops (batch, channels, *size) and settings. Out: a network, reconstructions, losses. The
objective is that of our own methods: summed squared error a sample. ``VarAutoEncoder`` is used at
the mean of its posterior: what remains is MONAI's autoencoder with a vector as code. With its noise
it is the same network again, and noise in the code only adds error: it is no rival of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHANNELS = (16, 32, 64)
STRIDES = (2, 2, 2)
RESIDUAL_UNITS = 2
RACE_SECONDS = 120.0  # of a peer, in the race and in the last round of its tuning
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is tuned."""

    batch: int
    rate: float
    schedule: str  # constant or one-cycle


def autoencoder(size: tuple[int, ...], channels: int = 1) -> nn.Module:
    """Return AutoEncoder 16-32-64 with two residual units; its code is a map of 64 channels."""
    from monai.networks.nets import AutoEncoder

    return AutoEncoder(
        len(size), channels, channels, CHANNELS, STRIDES, num_res_units=RESIDUAL_UNITS
    )


def varautoencoder(size: tuple[int, ...], latent: int, channels: int = 1) -> nn.Module:
    """Return VarAutoEncoder 16-32-64 with two residual units and a code of ``latent`` numbers."""
    from monai.networks.nets import VarAutoEncoder

    return VarAutoEncoder(
        len(size),
        in_shape=(channels, *size),
        out_channels=channels,
        latent_size=latent,
        channels=CHANNELS,
        strides=STRIDES,
        num_res_units=RESIDUAL_UNITS,
        use_sigmoid=False,  # intensities here are not between 0 and 1
        use_mean_at_inference=True,
    )


def squared(network: nn.Module, values: Tensor) -> Tensor:
    """Return the squared error of each sample, of AutoEncoder."""
    return _sum(network(values) - values)


def squared_at_mean(network: nn.Module, values: Tensor) -> Tensor:
    """Return the squared error of each sample, of VarAutoEncoder used without its noise."""
    mean, _ = network.encode_forward(values)
    return _sum(network.decode_forward(mean, use_sigmoid=False) - values)


def rebuild(network: nn.Module, values: Tensor) -> Tensor:
    """Return reconstructions from the centre of the code."""
    if hasattr(network, "encode_forward"):
        return network.decode_forward(network.encode_forward(values)[0], use_sigmoid=False)
    return network(values)


LOSSES: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "map": squared,
    "vector": squared_at_mean,
}


PAIRS = tuple(sorted(LOSSES, reverse=True))


def rate_factor(schedule: str, share: float) -> float:
    """Return the factor on the rate after a share of the time; one-cycle is torch's default."""
    if schedule == "constant":
        return 1.0
    if share < 0.3:
        return _between(1 / 25, 1.0, share / 0.3)
    return _between(1.0, 1e-4 / 25, min(1.0, (share - 0.3) / 0.7))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


def _sum(apart: Tensor) -> Tensor:
    return apart.square().flatten(1).sum(1)


def plain_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss: Callable, values: Tensor
) -> float:
    """Do one step in float32, as a plain loop does."""
    network.train()
    optimiser.zero_grad()
    value = loss(network, values).mean()
    value.backward()
    optimiser.step()
    return value.item()
