"""Deformations: known answers for each of their parts, and copies for components."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentomics.dataset import Deformation, deform, deformed_rows, draw_control_points

SIZE = (24, 30, 28)


def blob(size: tuple[int, ...], sigma: tuple[float, ...]) -> torch.Tensor:
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in size], indexing="ij")
    square = sum((axis / s) ** 2 for axis, s in zip(axes, sigma, strict=True))
    return torch.from_numpy(np.exp(-square / 2).astype(np.float32))[None, None]


def drawn(how: Deformation, size: tuple[int, ...], seed: int = 0, count: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return draw_control_points(generator, count, size, (1.0,) * len(size), how)


@pytest.mark.parametrize("size", [(7, 9), SIZE, (1, 8, 8)])
def test_no_deformation_gives_the_sample_back(size: tuple[int, ...]) -> None:
    values = torch.randn(2, 3, *size)
    torch.testing.assert_close(
        deform(values, drawn(Deformation(), size, count=2)), values, rtol=0, atol=1e-4
    )


def test_a_shift_reads_a_ramp_elsewhere() -> None:
    ramp = torch.arange(30.0).expand(1, 1, 20, 30)
    moved = deform(ramp, drawn(Deformation(shift=2.5), (20, 30)))[0, 0]
    step = moved[10, 15] - ramp[0, 0, 10, 15]
    assert 0.1 < abs(float(step)) <= 2.5
    torch.testing.assert_close(moved[:, 4:-4], ramp[0, 0, :, 4:-4] + step, rtol=0, atol=1e-4)


def test_scaling_changes_the_extent_of_each_axis_by_its_own_factor() -> None:
    points = drawn(Deformation(scaling=0.1), SIZE, count=50)
    views = deform(blob(SIZE, (3, 3, 3)).expand(50, 1, *SIZE), points)[:, 0].numpy()
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in SIZE], indexing="ij")
    total = views.sum((1, 2, 3))
    for axis in axes:
        spread = np.sqrt((views * axis**2).sum((1, 2, 3)) / total) / 3
        assert 0.9 < spread.min() < 0.93
        assert 1.07 < spread.max() < 1.12


def test_bending_keeps_neighbours_neighbours() -> None:
    points = drawn(Deformation(bending=1.0), SIZE, count=8)
    places = torch.arange(28.0).expand(8, 1, *SIZE)
    steps = deform(places, points)[:, 0, 2:-2, 2:-2, 4:-4].diff(dim=-1)
    assert float(steps.min()) > 0.3
    assert float(steps.max()) < 1.7
    assert float(steps.std()) > 0.05


def test_half_of_a_deformation_shifts_as_far() -> None:
    assert Deformation(
        rotation_degrees=10, scaling=0.1, shift=2, bending=1
    ).gentle() == Deformation(rotation_degrees=5, scaling=0.05, shift=2, bending=0.5)


def test_deformed_copies_come_after_the_samples_and_follow_the_seed() -> None:
    samples = np.random.default_rng(0).normal(size=(3, 2, 8, 9)).astype(np.float32)
    how = Deformation(rotation_degrees=10, shift=1)
    rows, again = (deformed_rows(samples, how, (1.0, 1.0), 2, seed) for seed in (4, 4))
    assert rows.shape == (9, 2 * 8 * 9)
    assert np.array_equal(rows[:3], samples.reshape(3, -1))
    assert np.array_equal(rows, again)
    assert not np.allclose(rows[3:6], rows[:3])
    assert not np.allclose(rows[3:6], rows[6:])
