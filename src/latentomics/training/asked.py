"""What methods ask of a batch beside its samples: noise of codes, hidden blocks, known shifts.

In: which part of a batch is computed, shapes and generators. Out: draws, tensors on the generator's
device. Draws are those of the whole batch, so each sample gets the same ones in however many parts
a batch is computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import stream, stream_seed
from latentomics.training.augment import Move, draw_moves

if TYPE_CHECKING:
    from torch import Generator, Tensor, device


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Every ``parts``-th sample, from ``part`` on, of a batch of ``rows``; names its draws."""

    seed: int
    device: device
    prefix: str
    number: int
    rows: int
    part: int = 0
    parts: int = 1

    def own(self, whole: Tensor) -> Tensor:
        """Return what of a whole batch belongs to this part."""
        return whole[self.part :: self.parts]

    def generator(self, name: str) -> Generator:
        """Return torch's random numbers of one use, on the device of the batch."""
        import torch

        generator = torch.Generator(self.device)
        return generator.manual_seed(stream_seed(self.seed, self.prefix + name, self.number))

    def stream(self, name: str) -> np.random.Generator:
        """Return numpy's random numbers of one use."""
        return stream(self.seed, self.prefix + name, self.number)

    def normal(self, name: str, like: Tensor, draws: int) -> Tensor:
        """Draw standard-normal numbers of a tensor's shape, ``draws`` rows in turn for a sample."""
        import torch

        shape = (self.rows, draws, *like.shape[1:])
        whole = torch.randn(shape, generator=self.generator(name), device=self.device)
        return self.own(whole).flatten(0, 1)


def draw_seen(count: int, positions: Sequence[int], hidden: float, generator: Generator) -> Tensor:
    """Choose the blocks of each sample that are seen: 1, the hidden ones 0.

    Every sample hides the same number of blocks, and at least one block is seen and one hidden.

    Parameters
    ----------
    count : int
        Of samples.
    positions : sequence of int
        Blocks along each axis.
    hidden : float
        Share of blocks to hide.

    Returns
    -------
    Tensor (count, 1, *positions)
    """
    import torch

    blocks = math.prod(positions)
    seen = blocks - min(blocks - 1, max(1, round(hidden * blocks)))
    chance = torch.rand(count, blocks, generator=generator, device=generator.device)
    chosen = chance.argsort(1)[:, :seen]
    return torch.zeros_like(chance).scatter(1, chosen, 1.0).reshape(count, 1, *positions)


def draw_signs(shape: Sequence[int], generator: Generator) -> Tensor:
    """Draw -1 and 1, each as likely."""
    import torch

    bits = torch.randint(2, tuple(shape), generator=generator, device=generator.device)
    return bits.float() * 2 - 1


def draw_shifts(
    generator: np.random.Generator, count: int, dimension: int, reach: int
) -> tuple[tuple[Move, ...], np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """Draw shifts of up to ``reach`` voxels an axis, group by group as ``move_batch`` moves them.

    Returns
    -------
    moves : tuple of Move
        For ``move_batch``.
    shifts : array (count, dimension)
        The shift of each sample, in voxels.
    """
    moves = draw_moves(generator, dimension, reach, flips=False)
    parts = np.array_split(np.arange(count), len(moves))
    shifts = np.zeros((count, dimension), np.float32)
    for part, move in zip(parts, moves, strict=True):
        shifts[part] = move.shift
    return moves, shifts
