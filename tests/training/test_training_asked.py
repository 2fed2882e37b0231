"""Draws of hidden blocks, signs and shifts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentomics.training.asked import draw_seen, draw_shifts, draw_signs
from latentomics.training.augment import move_batch


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("positions", "hidden", "seen"),
    [((8,), 0.75, 2), ((7, 7), 0.75, 12), ((3, 2, 4), 0.85, 4), ((2, 2), 0.99, 1), ((4,), 0.0, 3)],
)
def test_every_sample_hides_the_stated_share(
    positions: tuple[int, ...], hidden: float, seen: int
) -> None:
    drawn = draw_seen(400, positions, hidden, generator())
    assert drawn.shape == (400, 1, *positions)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.flatten(1).sum(1) == seen).all()
    often = drawn.mean(0)  # every block is as likely as another
    assert float((often - often.mean()).abs().max()) < 0.15


def test_draws_depend_on_their_seed_alone() -> None:
    first, second, other = (draw_seen(5, (4, 4), 0.75, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_signs_are_fair() -> None:
    signs = draw_signs((40, 1, 500), generator())
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(signs.mean())) < 0.03


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_shift_of_each_sample_is_the_one_it_gets(dimension: int) -> None:
    size = (13, 12, 11)[:dimension]
    values = torch.zeros(20, 1, *size)
    values[(slice(None), 0, *[6] * dimension)] = 1  # one voxel
    moves, shifts = draw_shifts(np.random.default_rng(0), 20, dimension, 3)
    places = move_batch(values, moves)[:, 0].nonzero()[:, 1:]
    np.testing.assert_array_equal(places.numpy() - 6, shifts)
    assert np.abs(shifts).max() == 3
