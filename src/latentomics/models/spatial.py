"""Convolutional autoencoder whose code is a map of the whole sample, at one resolution.

In: samples (batch, channels_in, *size) of any size. Out: a map (batch, latent, *positions), one
position for each block of ``stem * 2^(levels - 1)`` voxels an axis, and reconstructions. The map's
vectors may be entries of a codebook (METHODS, section 10), and blocks of the input may be hidden,
to be told from the others (section 13). No layer normalises over positions: what is hidden leaves
no trace in what is seen.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentomics.core import Map, NetworkSpec, Quantised, RequestError
from latentomics.models.blocks import (
    PatchIn,
    PatchOut,
    ResidualBlock,
    convolution,
    crop_to,
    pad_to,
)
from latentomics.models.network import NETWORKS, Network, refuse_codes
from latentomics.models.quantiser import Quantiser

FEWEST_BLOCKS = 4  # of which one is seen


def _blocks(spec: NetworkSpec, channels: int) -> list[nn.Module]:
    return [ResidualBlock(spec.dimension, channels, normalise=False) for _ in range(spec.blocks)]


class SpatialEncoder(nn.Module):
    """Patches, then residual levels that halve the positions; ends in ``latent`` channels."""

    def __init__(self, spec: NetworkSpec, channels_in: int) -> None:
        super().__init__()
        d, widths = spec.dimension, spec.widths
        stages = [
            nn.Sequential(PatchIn(d, channels_in, widths[0], spec.stem), *_blocks(spec, widths[0]))
        ]
        for before, after in pairwise(widths):
            down = convolution(d, before, after, 2, stride=2)
            stages.append(nn.Sequential(nn.SiLU(), down, *_blocks(spec, after)))
        self.stages = nn.ModuleList(stages)
        self.into_code = nn.Sequential(nn.SiLU(), convolution(d, widths[-1], spec.latent, 1))

    def forward(self, values: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return the map (batch, latent, *positions).

        Parameters
        ----------
        values : (batch, channels, *size)
            A size of whole blocks.
        seen : (batch, 1, *positions), optional
            1 where a block is seen; after every stage what is hidden becomes zero again, so that
            nothing is carried across it.
        """
        for stage in self.stages:
            values = stage(values)
            if seen is not None:
                values = values * functional.interpolate(seen, values.shape[2:])
        code: Tensor = self.into_code(values)
        return code.float()


class SpatialDecoder(nn.Module):
    """The encoder's mirror, from a map to samples."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        d, widths = spec.dimension, spec.widths[::-1]
        layers = [convolution(d, spec.latent, widths[0]), *_blocks(spec, widths[0])]
        for before, after in pairwise(widths):
            layers += [nn.SiLU(), PatchOut(d, before, after, 2), *_blocks(spec, after)]
        head = PatchOut(d, widths[-1], spec.decoder_channels, spec.stem, kernel=3)
        self.layers = nn.Sequential(*layers, nn.SiLU(), head)

    def forward(self, code: Tensor) -> Tensor:
        """Return samples (batch, channels_out, *positions * block)."""
        output: Tensor = self.layers(code)
        return output.float()


@NETWORKS.register("spatial")
class SpatialNetwork(Network):
    """A map at the coarsest level: of entries of a codebook, or of blocks seen and hidden."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        refuse_codes(spec, "map", "quantised")
        self.read_stride = spec.block  # voxels between two positions
        self.read_offset = (self.read_stride - 1) / 2  # voxel coordinate of the first position
        self.positions = tuple(-(-n // self.read_stride) for n in spec.size)
        hides = spec.code == "map"
        if hides and math.prod(self.positions) < FEWEST_BLOCKS:
            raise RequestError(
                f"blocks of {self.read_stride} voxels are too large to hide some of them",
                f"size {' x '.join(map(str, spec.size))}: {math.prod(self.positions)} blocks",
                "give the network fewer levels or a smaller stem",
            )
        self.encoder = SpatialEncoder(spec, spec.channels_in + hides)
        self.decoder = SpatialDecoder(spec)
        token = torch.zeros(1, spec.latent, *[1] * spec.dimension)
        self.hidden_token = nn.Parameter(token) if hides else None  # stands for what is hidden
        self.quantiser = None if hides else Quantiser(spec.codebook, spec.latent)

    def encode(self, values: Tensor) -> Map | Quantised:
        """Return the map of whole samples (batch, channels_in, *size)."""
        if self.quantiser is None:
            return self.encode_seen(values, values.new_ones(values.shape[0], 1, *self.positions))
        code: Quantised = self.quantiser(self.encoder(pad_to(values, self.read_stride)))
        return code

    def read(self, values: Tensor) -> Map | Quantised:
        """Return the map that features are pooled from: the code itself."""
        return self.encode(values)

    def encode_seen(self, values: Tensor, seen: Tensor) -> Map:
        """Return the map of samples of which some blocks are hidden.

        Parameters
        ----------
        values : (batch, channels_in, *size)
            What lies in hidden blocks changes nothing.
        seen : (batch, 1, *positions)
            1 where a block is seen, 0 where it is hidden.
        """
        if self.hidden_token is None:
            raise RequestError(
                "a code of entries of a codebook cannot hide blocks",
                f"network: code {self.spec.code}",
                "use code 'map'",
            )
        whole = pad_to(values, self.read_stride)
        shown = functional.interpolate(seen, whole.shape[2:])
        code = self.encoder(torch.cat([whole * shown, shown], dim=1), seen)
        return Map(z=code * seen + self.hidden_token * (1 - seen))

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size)."""
        output: Tensor = self.decoder(code)
        return crop_to(output, self.spec.size)

    def rebuild(self, values: Tensor) -> Tensor:
        """Return samples rebuilt; where blocks can be hidden, each from others than itself.

        One block of two an axis (of four in a signal) is seen at a time, in all ways there are,
        and what is said of a block is the mean over those that hide it.
        """
        if self.hidden_token is None:
            return super().rebuild(values)
        total = hidden = torch.zeros(1, device=values.device)
        for seen in self._patterns().to(values.device):
            output = self.reconstruct(
                self.encode_seen(values, seen.expand(len(values), -1, *seen.shape[1:])).z
            )
            here = self.voxels(1 - seen[None])
            total, hidden = total + output * here, hidden + here
        return total / hidden

    def voxels(self, blocks: Tensor) -> Tensor:
        """Return values of blocks (batch, 1, *positions) at every voxel, (batch, 1, *size)."""
        whole = [n * self.read_stride for n in self.positions]
        return crop_to(functional.interpolate(blocks, whole), self.spec.size)

    def _patterns(self) -> Tensor:
        """Return which blocks are seen in each way, (ways, 1, *positions)."""
        step = 4 if self.spec.dimension == 1 else 2
        number = torch.zeros(self.positions, dtype=torch.long)
        for axis, count in enumerate(self.positions):
            along = torch.arange(count).remainder(step)
            number = number * step + along.view(-1, *[1] * (self.spec.dimension - 1 - axis))
        ways = torch.unique(number).view(-1, *[1] * self.spec.dimension)
        return torch.eq(number, ways).float()[:, None]
