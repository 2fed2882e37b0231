"""What training does to a batch: moves, corruption in physical units, and a second view.

In: tensors (batch, channels, *size) and draws. Out: tensors of the same shape. A batch is moved in
a few groups, each by one shift and one set of flips, so that no step loops over samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from latentomics.dataset import Deformation, deform, draw_control_points
from latentomics.noise import NoiseModel

if TYPE_CHECKING:
    from torch import Generator, Tensor

GROUPS = 8  # of a batch, each moved by its own draw
ROTATION = 15.0  # degrees, METHODS 20
GAIN = math.log(1.25)  # the gain of the second view lies between 1/1.25 and 1.25
OFFSET = 0.2  # of the second view, in units of the normalised image


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One group's move: a shift in voxels for each axis, and the axes that are flipped."""

    shift: tuple[int, ...]
    flips: tuple[int, ...]


def draw_moves(
    generator: np.random.Generator, dimension: int, reach: int, *, flips: bool
) -> tuple[Move, ...]:
    """Draw a move for each group: shifts of up to ``reach`` voxels, flips of any axes."""
    shifts = generator.integers(-reach, reach + 1, (GROUPS, dimension))
    flipped = generator.random((GROUPS, dimension)) < (0.5 if flips else 0.0)
    return tuple(
        Move(shift=tuple(int(s) for s in shift), flips=tuple(int(a) for a in np.flatnonzero(flip)))
        for shift, flip in zip(shifts, flipped, strict=True)
    )


def move_batch(values: Tensor, moves: Sequence[Move]) -> Tensor:
    """Shift and flip a batch by groups; what a shift lays bare takes the nearest value."""
    import torch

    moved = torch.empty_like(values)
    parts = np.array_split(np.arange(len(values)), len(moves))
    for part, move in zip(parts, moves, strict=True):
        if len(part):
            rows = slice(int(part[0]), int(part[-1]) + 1)
            source = values[rows].flip([axis + 2 for axis in move.flips])
            _shift(source, moved[rows], move.shift)
    return moved


def corrupt(
    values: Tensor,
    offset: Tensor,
    scale: Tensor,
    model: NoiseModel,
    sigma: float,
    *,
    relative: bool,
    generator: Generator,
    options: Mapping[str, float] | None = None,
) -> Tensor:
    """Add noise in the unit of the acquisition, and normalise again.

    Parameters
    ----------
    values : (batch, channels, *size)
        Normalised; raw = values * scale + offset.
    offset, scale : (batch, channels)
        Of each sample.
    model : NoiseModel
        With as many draws as it asks for.
    sigma : float
        Level in the raw unit; times the scale where ``relative``.
    generator : Generator
        Of the draws, on the device of the values.
    options : mapping, optional
        Numbers of the model's own, where they are not its defaults.
    """
    import torch

    apply = partial(model.apply, **(options or {}))
    draw = torch.randn if model.distribution == "normal" else torch.rand
    draws = [
        draw(values.shape, generator=generator, device=values.device) for _ in range(model.draws)
    ]
    if model.takes != "raw":
        noisy: Tensor = apply(values, draws, sigma)
        return noisy
    ones = (1,) * (values.ndim - 2)
    offset, scale = offset.view(*offset.shape, *ones), scale.view(*scale.shape, *ones)
    level = sigma * scale if relative else sigma
    raw: Tensor = apply(values * scale + offset, draws, level)
    return (raw - offset) / scale


def second_view(
    values: Tensor, mask: Tensor, spacing: Sequence[float], generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Rotate each sample and its mask by up to 15 degrees; change its gain and offset.

    Signals are not rotated. What comes from outside takes the nearest value (METHODS 20).
    """
    import torch

    count, dimension = len(values), values.ndim - 2
    gain = np.exp(generator.uniform(-GAIN, GAIN, count))
    offset = generator.uniform(-OFFSET, OFFSET, count)
    if dimension > 1:
        turned = Deformation(rotation_degrees=ROTATION)
        points = draw_control_points(generator, count, values.shape[2:], spacing, turned)
        both = deform(torch.cat([values, mask], dim=1), points)
        values, mask = both[:, :-1], both[:, -1:]
    shape = (count,) + (1,) * (dimension + 1)
    change = torch.from_numpy(np.stack([gain, offset]).astype(np.float32)).to(values.device)
    return values * change[0].view(shape) + change[1].view(shape), mask


def _shift(source: Tensor, target: Tensor, shift: Sequence[int]) -> None:
    ahead = [slice(max(0, s), source.shape[axis] + min(0, s)) for axis, s in enumerate(shift, 2)]
    behind = [slice(max(0, -s), source.shape[axis] - max(0, s)) for axis, s in enumerate(shift, 2)]
    every = [slice(None), slice(None)]
    target[tuple(every + ahead)] = source[tuple(every + behind)]
    for axis, s in enumerate(shift, 2):
        size = source.shape[axis]
        if s > 0:
            bare = target.narrow(axis, 0, s)
            bare.copy_(target.narrow(axis, s, 1).expand_as(bare))
        if s < 0:
            bare = target.narrow(axis, size + s, -s)
            bare.copy_(target.narrow(axis, size + s - 1, 1).expand_as(bare))
