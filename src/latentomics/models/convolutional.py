"""Residual convolutional encoder and decoder with one code for the whole sample.

In: samples (batch, channels_in, *size) of any size. Out: a code (batch, latent) and reconstructions
(batch, channels_out, *size). The first layer reads whole patches (``stem``) into ``widths[0]``
channels, each further level halves the positions; sizes that do not divide are padded inside and
cropped at the output. With ``linear_path`` PCA runs beside the convolutions, which then add to it.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from latentomics.core import Code, NetworkSpec
from latentomics.models.blocks import (
    PatchIn,
    PatchOut,
    ResidualBlock,
    convolution,
    crop_to,
    normalisation,
    pad_to,
)
from latentomics.models.codes import CodeHead, spread_of
from latentomics.models.entrance import Entrance
from latentomics.models.linear_path import LinearPath, make_zero
from latentomics.models.network import NETWORKS, Network

STEADY_FAN_IN = 512  # the widest layer into the code that keeps the plan's learning rate


def _blocks(spec: NetworkSpec, channels: int) -> list[nn.Module]:
    return [ResidualBlock(spec.dimension, channels, normalise=True) for _ in range(spec.blocks)]


class Encoder(nn.Module):
    """Patches, then residual levels; returns the maps of every stage."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        d, widths = spec.dimension, spec.widths
        stem = PatchIn(d, spec.channels_in, widths[0], spec.stem)
        stages = [nn.Sequential(stem, *_blocks(spec, widths[0]))]
        for before, after in pairwise(widths):
            down = convolution(d, before, after, 2, stride=2)
            stages.append(nn.Sequential(normalisation(before), down, *_blocks(spec, after)))
        self.stages = nn.ModuleList(stages)

    def forward(self, values: Tensor) -> list[Tensor]:
        """Return maps (batch, width, *positions), finest first."""
        maps = []
        for stage in self.stages:
            values = stage(values)
            maps.append(values)
        return maps


class Decoder(nn.Module):
    """The encoder's mirror, from a map of its coarsest stage to samples."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        d, widths = spec.dimension, spec.widths[::-1]
        layers = _blocks(spec, widths[0])
        for before, after in pairwise(widths):
            layers += [normalisation(before), PatchOut(d, before, after, 2), *_blocks(spec, after)]
        self.levels = nn.Sequential(*layers, normalisation(widths[-1]), nn.SiLU())
        self.head = PatchOut(d, widths[-1], spec.decoder_channels, spec.stem, kernel=3)

    def forward(self, values: Tensor) -> Tensor:
        """Return samples (batch, channels_out, *padded size)."""
        return torch.as_tensor(self.head(self.levels(values)))


@NETWORKS.register("convolutional")
class ConvolutionalNetwork(Network):
    """Patches, residual levels, one linear layer into the code; the decoder mirrors it."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        self.multiple = spec.stem * 2 ** (len(spec.widths) - 1)
        positions = tuple(math.ceil(n / self.multiple) for n in spec.size)
        self.coarse = (spec.widths[-1], *positions)
        self.encoder = Encoder(spec)
        self.into_norm = nn.Sequential(normalisation(spec.widths[-1]), nn.SiLU())
        width = math.prod(self.coarse)
        self.code_head = CodeHead(spec)
        self.into_code = nn.Linear(width, self.code_head.width)
        self.from_code = Entrance(spec, width)
        self.decoder = Decoder(spec)
        shape = (spec.channels_in, *spec.size)
        self.linear_path = LinearPath(spec, shape) if spec.linear_path else None

    def encode(self, values: Tensor) -> Code:
        """Return the code of samples (batch, channels_in, *size)."""
        coarse = self.into_norm(self.encoder(pad_to(values, self.multiple))[-1])
        linear = None if self.linear_path is None else self.linear_path.encode(values)
        code: Code = self.code_head(self.into_code(coarse.flatten(1)), linear)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size)."""
        padded = self.decoder(self.from_code(code).reshape(-1, *self.coarse))
        output = crop_to(padded, self.spec.size).float()
        return output if self.linear_path is None else output + self.linear_path.decode(code)

    def pooled(self, values: Tensor) -> Tensor:
        """Return mean, SD and maximum over positions of each stage, (batch, 3 sum(widths))."""
        flat = [stage.float().flatten(2) for stage in self.encoder(pad_to(values, self.multiple))]
        return torch.cat(
            [part for m in flat for part in (m.mean(2), m.std(2, correction=0), m.amax(2))], dim=1
        )

    def last_layers(self) -> tuple[nn.Module, ...]:
        """Return the last layers before the code and before the output."""
        return (self.into_code, self.decoder.head.convolution)

    @torch.no_grad()
    def set_probabilistic(
        self, mean: Tensor, components: Tensor, variances: Tensor, noise_variance: float
    ) -> None:
        """Start exactly at probabilistic PCA, the posterior's width included."""
        if self.linear_path is None or self.spec.code != "gaussian":
            super().set_probabilistic(mean, components, variances, noise_variance)
            return
        log_var, _ = self.linear_path.set_probabilistic(mean, components, variances, noise_variance)
        make_zero(*self.last_layers())
        self.into_code.bias[self.spec.latent :] = spread_of(log_var)

    def rate_factors(self) -> dict[str, float]:
        """Slow down the linear path, and the layer into the code by its fan-in."""
        code_rate = min(1.0, STEADY_FAN_IN / self.into_code.in_features)
        return {"into_code.weight": code_rate} | super().rate_factors()
