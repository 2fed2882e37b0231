"""Fully convolutional autoencoder whose code keeps its place (METHODS, section 30).

In: samples or patches (batch, channels_in, *size) of any size. Out: a map (batch, latent,
*positions), one position for each block of ``stem`` voxels an axis, and reconstructions. For
features the same map is read at half that stride (``read``). No layer normalises over positions, so
a code depends on its neighbourhood alone and not on how the crop was cut. With ``linear_path`` PCA
of the blocks runs beside the convolutions, which then add to it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentomics.core import Map, NetworkSpec, RequestError
from latentomics.models.blocks import (
    CONVOLUTIONS,
    PatchIn,
    PatchOut,
    ResidualBlock,
    convolution,
    crop_to,
    pad_to,
)
from latentomics.models.linear_path import LinearPath
from latentomics.models.network import NETWORKS, Network


class Pointwise(nn.Module):
    """x + conv(silu(x)) at each position alone."""

    def __init__(self, dimension: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.SiLU(), convolution(dimension, channels, channels, 1))

    def forward(self, values: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return torch.add(values, self.layers(values))


@NETWORKS.register("local")
class LocalNetwork(Network):
    """Residual blocks at half the code's stride, then one step to the code; mirrored decoder."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        if spec.code != "map" or spec.stem % 2 or not spec.widths:
            raise RequestError(
                "a local network has a map as code, an even stem and widths",
                f"code {spec.code}, stem {spec.stem}, widths {spec.widths}",
                "set code to map, stem to 4 and widths to two numbers",
            )
        self.patch = spec.stem // 2
        d, fine, coarse = spec.dimension, spec.widths[0], spec.widths[-1]
        self.fine = nn.Sequential(
            PatchIn(d, spec.channels_in, fine, self.patch, kernel=3),
            *(ResidualBlock(d, fine, normalise=False) for _ in range(spec.blocks)),
            nn.SiLU(),
        )
        self.step = CONVOLUTIONS[d](fine, coarse, 2, stride=2)
        self.into_code = nn.Sequential(
            Pointwise(d, coarse), nn.SiLU(), convolution(d, coarse, spec.latent, 1)
        )
        block = (spec.channels_in, *[spec.stem] * d)
        self.linear_path = LinearPath(spec, block) if spec.linear_path else None
        self.decoder = nn.Sequential(
            convolution(d, spec.latent, coarse, 3),
            *(ResidualBlock(d, coarse, normalise=False) for _ in range(spec.blocks)),
            nn.SiLU(),
            PatchOut(d, coarse, fine, 2),
            *(ResidualBlock(d, fine, normalise=False) for _ in range(spec.blocks)),
            nn.SiLU(),
            PatchOut(d, fine, spec.decoder_channels, self.patch, kernel=3),
        )

    @property
    def read_stride(self) -> int:
        """Voxels between two positions of ``read``."""
        return self.patch

    @property
    def read_offset(self) -> float:
        """Voxel coordinate of the first position of ``read``: the centre of its block."""
        return (self.spec.stem - 1) / 2

    def encode(self, values: Tensor) -> Map:
        """Return the map that is decoded: one position a block of ``stem`` voxels an axis."""
        whole = pad_to(values, self.spec.stem)
        return self._code(self.step(self.fine(whole)), whole, self.spec.stem)

    def read(self, values: Tensor) -> Map:
        """Return the map at half the stride: n / half - 1 positions an axis for n voxels.

        Position p is the code of the block around voxel ``read_offset + read_stride * p``; every
        second position is one of ``encode``. Positions lie symmetrically when n is a multiple of
        the stem, so that a flipped image gives the flipped positions.
        """
        convolve = getattr(functional, f"conv{self.spec.dimension}d")
        whole = pad_to(values, self.spec.stem)
        coarse = convolve(self.fine(whole), self.step.weight, self.step.bias)
        return self._code(coarse, whole, self.patch)

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *positions * stem), cropped to the size.

        A map of another number of positions than the spec's patches keeps its own size.
        """
        output: Tensor = self.decoder(code).float()
        if self.linear_path is not None:
            output = output + self.linear_path.decode_blocks(code)
        if not any(n % self.spec.stem for n in self.spec.size):
            return output
        blocks = tuple(-(-n // self.spec.stem) for n in self.spec.size)
        return crop_to(output, self.spec.size) if code.shape[2:] == blocks else output

    def last_layers(self) -> tuple[nn.Module, ...]:
        """Return the last layers before the code and before the output."""
        return (self.into_code[-1], self.decoder[-1])

    def _code(self, coarse: Tensor, whole: Tensor, stride: int) -> Map:
        code = self.into_code(coarse).float()
        if self.linear_path is not None:
            code = code + self.linear_path.encode_blocks(whole, stride).float()
        return Map(z=code)
