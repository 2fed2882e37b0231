"""Convolutional parts in one, two and three dimensions.

In and out: maps (batch, channels, *positions). Arithmetic happens at coarse positions with many
channels, because a few channels at full resolution are bound by memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class VolumeConvolution(nn.Conv3d):
    """A convolution of volumes that leaves bfloat16 where its gradients are not to be trusted.

    On CPUs, torch 2.13 gives weights of a bfloat16 convolution over two planes gradients that are
    now and then NaN or without bounds, as if memory was read that nobody wrote.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return the maps, of two planes in float32."""
        if (
            values.shape[2] == 2
            and values.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
        ):
            with torch.autocast("cpu", enabled=False):
                return super().forward(values.float())
        return super().forward(values)


CONVOLUTIONS: dict[int, type[nn.Conv1d] | type[nn.Conv2d] | type[nn.Conv3d]] = {
    1: nn.Conv1d,
    2: nn.Conv2d,
    3: VolumeConvolution,
}


def convolution(
    dimension: int, channels_in: int, channels_out: int, kernel: int = 3, *, stride: int = 1
) -> nn.Module:
    """Return a convolution: stride 1 keeps positions, stride = kernel reads patches."""
    padding = kernel // 2 if stride == 1 else 0
    return CONVOLUTIONS[dimension](channels_in, channels_out, kernel, stride, padding)


def normalisation(channels: int) -> nn.GroupNorm:
    """Return a group normalisation of 8 groups, or of the most that divide the channels."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


def space_to_depth(values: Tensor, edge: int) -> Tensor:
    """Fold patches into channels: (b, c, *n) -> (b, c edge^d, *n / edge)."""
    if edge == 1:
        return values
    batch, channels, *size = values.shape
    d = len(size)
    split = values.reshape(batch, channels, *(m for n in size for m in (n // edge, edge)))
    order = (0, 1, *range(3, 3 + 2 * d, 2), *range(2, 2 + 2 * d, 2))
    return split.permute(order).reshape(batch, channels * edge**d, *(n // edge for n in size))


def depth_to_space(values: Tensor, edge: int) -> Tensor:
    """Undo ``space_to_depth``: (b, c edge^d, *n) -> (b, c, *n * edge)."""
    if edge == 1:
        return values
    batch, channels, *size = values.shape
    d = len(size)
    split = values.reshape(batch, channels // edge**d, *[edge] * d, *size)
    order = (0, 1, *(axis for a in range(d) for axis in (2 + d + a, 2 + a)))
    return split.permute(order).reshape(batch, -1, *(n * edge for n in size))


def pad_to(values: Tensor, multiple: int) -> Tensor:
    """Repeat the last position of each axis until its length is a multiple."""
    ends = [-n % multiple for n in values.shape[2:]]
    if not any(ends):
        return values
    return functional.pad(values, [p for end in reversed(ends) for p in (0, end)], mode="replicate")


def crop_to(values: Tensor, size: Sequence[int]) -> Tensor:
    """Cut the positions that ``pad_to`` added."""
    for axis, n in enumerate(size, start=2):
        values = values.narrow(axis, 0, n)
    return values


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), with group normalisation before each activation if asked."""

    def __init__(self, dimension: int, channels: int, *, normalise: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [normalisation(channels)] if normalise else []
            layers += [nn.SiLU(), convolution(dimension, channels, channels)]
        self.layers = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return torch.add(values, self.layers(values))


class PatchIn(nn.Module):
    """Read patches of ``edge`` positions into channels; ``kernel`` counts patches an axis."""

    def __init__(
        self, dimension: int, channels_in: int, channels_out: int, edge: int, *, kernel: int = 1
    ) -> None:
        super().__init__()
        self.edge = edge
        folded = channels_in * edge**dimension
        self.convolution = convolution(dimension, folded, channels_out, kernel)

    def forward(self, values: Tensor) -> Tensor:
        """Return (batch, channels_out, *positions / edge)."""
        return torch.as_tensor(self.convolution(space_to_depth(values, self.edge)))


class PatchOut(nn.Module):
    """Write channels as patches of ``edge`` positions; the mirror of ``PatchIn``."""

    def __init__(
        self, dimension: int, channels_in: int, channels_out: int, edge: int, *, kernel: int = 1
    ) -> None:
        super().__init__()
        self.edge = edge
        folded = channels_out * edge**dimension
        self.convolution = convolution(dimension, channels_in, folded, kernel)

    def forward(self, values: Tensor) -> Tensor:
        """Return (batch, channels_out, *positions * edge)."""
        return depth_to_space(self.convolution(values), self.edge)
