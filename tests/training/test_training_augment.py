"""Moves, noise in physical units, and the second view."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from latentomics.noise import NOISES
from latentomics.training.augment import Move, corrupt, draw_moves, move_batch, second_view


def test_a_shift_moves_and_repeats_the_edge() -> None:
    values = torch.arange(5.0).view(1, 1, 5)
    ahead = move_batch(values, [Move(shift=(2,), flips=())])
    back = move_batch(values, [Move(shift=(-1,), flips=())])
    assert ahead.flatten().tolist() == [0, 0, 0, 1, 2]
    assert back.flatten().tolist() == [1, 2, 3, 4, 4]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_move_is_numpys_pad_and_slice(dimension: int) -> None:
    generator = np.random.default_rng(dimension)
    size = (7, 6, 5)[:dimension]
    values = generator.standard_normal((19, 2, *size)).astype(np.float32)
    moves = draw_moves(generator, dimension, 2, flips=True)
    moved = move_batch(torch.from_numpy(values), moves).numpy()
    for rows, move in zip(np.array_split(np.arange(19), len(moves)), moves, strict=True):
        flipped = np.flip(values[rows], [axis + 2 for axis in move.flips])
        padded = np.pad(flipped, [(0, 0), (0, 0)] + [(2, 2)] * dimension, mode="edge")
        window = tuple(slice(2 - s, 2 - s + n) for s, n in zip(move.shift, size, strict=True))
        np.testing.assert_array_equal(moved[rows], padded[(..., *window)])


def test_moves_reach_as_far_as_asked_and_flip_only_when_asked() -> None:
    drawn = [
        move
        for seed in range(40)
        for move in draw_moves(np.random.default_rng(seed), 3, 2, flips=False)
    ]
    shifts = {s for move in drawn for s in move.shift}
    assert shifts == {-2, -1, 0, 1, 2}
    assert all(move.flips == () for move in drawn)


@pytest.mark.parametrize(("relative", "expected"), [(False, 30.0), (True, 300.0)])
def test_KA_5_gaussian_noise_has_its_level_in_raw_units(relative: bool, expected: float) -> None:
    values = torch.zeros(4, 1, 50, 50)
    offset, scale = torch.full((4, 1), -100.0), torch.full((4, 1), 200.0)
    noisy = corrupt(
        values,
        offset,
        scale,
        NOISES["gaussian"],
        1.5 if relative else 30.0,
        relative=relative,
        generator=torch.Generator().manual_seed(0),
    )
    raw = noisy * 200.0 - 100.0
    assert raw.mean().item() == pytest.approx(-100.0, abs=0.05 * expected)
    assert raw.std().item() == pytest.approx(expected, rel=0.03)


def test_KA_5_1_rician_noise_on_zero_signal_is_rayleigh() -> None:
    offset, scale = torch.full((1, 1), 5.0), torch.full((1, 1), 2.0)
    values = torch.full((1, 1, 300, 300), -2.5)  # raw zero
    noisy = corrupt(
        values,
        offset,
        scale,
        NOISES["rician"],
        1.0,
        relative=False,
        generator=torch.Generator().manual_seed(0),
    )
    raw = noisy * 2.0 + 5.0
    assert raw.mean().item() == pytest.approx(1.253314, rel=0.01)
    assert raw.var().item() == pytest.approx(0.42920, rel=0.02)


def test_masking_zeroes_the_normalised_values() -> None:
    ones = torch.ones(2, 1)
    noisy = corrupt(
        torch.full((2, 1, 100, 100), 3.0),
        7 * ones,
        2 * ones,
        NOISES["masking"],
        0.25,
        relative=True,
        generator=torch.Generator().manual_seed(0),
    )
    assert set(noisy.unique().tolist()) == {0.0, 3.0}
    assert (noisy == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("shape", [(6, 2, 40), (6, 1, 24, 30), (6, 1, 16, 20, 12)])
def test_second_view_of_a_constant_image_is_gain_and_offset(shape: tuple[int, ...]) -> None:
    values, ones = torch.full(shape, 2.0), torch.ones(shape[0], 1, *shape[2:])
    spacing = (1.0,) * (len(shape) - 2)
    view, mask = second_view(values, ones, spacing, np.random.default_rng(0))
    assert view.shape == shape
    torch.testing.assert_close(mask, ones)
    levels = view.flatten(1)
    assert levels.std(1).max().item() < 1e-5
    assert levels.min().item() > 2 / 1.25 - 0.2 - 1e-5
    assert levels.max().item() < 2 * 1.25 + 0.2 + 1e-5
    assert len(levels[:, 0].unique()) == 6


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 2.0)])
def test_second_view_rotates_in_millimetres(spacing: tuple[float, float]) -> None:
    size = (81, 41) if spacing[0] == 0.5 else (41, 81)
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(size, spacing, strict=True)]
    x, y = np.meshgrid(*axes, indexing="ij")
    # second moments of a blob tell its angle; a rotation in voxels would also change its extent
    blob = np.exp(-0.5 * ((x / 4) ** 2 + (y / 1.5) ** 2))
    values = torch.from_numpy(np.repeat(blob[None, None], 40, 0).astype(np.float32))
    views = second_view(values, values, spacing, np.random.default_rng(1))[1].numpy()[:, 0]
    weight = views.sum((1, 2))
    xx, yy, xy = ((views * m).sum((1, 2)) / weight for m in (x * x, y * y, x * y))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    assert np.abs(angle).max() < math.radians(15.5)
    assert np.abs(angle).max() > math.radians(11)
    np.testing.assert_allclose(xx + yy, 4**2 + 1.5**2, rtol=0.12)
