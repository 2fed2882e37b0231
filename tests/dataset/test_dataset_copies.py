"""Shifted copies: the samples themselves first, then whole-voxel moves with edges repeated."""

from __future__ import annotations

import numpy as np
import pytest

from latentomics.dataset import copies_for, fit_pca, shifted_rows

RNG = np.random.default_rng(0)


def test_the_samples_come_first_and_unchanged() -> None:
    samples = RNG.normal(size=(5, 2, 6, 7)).astype(np.float32)
    rows = shifted_rows(samples, reach=2, copies=3, seed=1)
    assert rows.shape == (20, 2 * 6 * 7)
    assert np.array_equal(rows[:5], samples.reshape(5, -1))


def test_a_copy_is_a_shift_with_the_edge_repeated() -> None:
    ramp = np.arange(8, dtype=np.float32)[None, None]
    copies = shifted_rows(ramp, reach=2, copies=40, seed=0)[1:]
    shifts = {tuple(row) for row in copies}
    assert shifts == {
        tuple(np.clip(np.arange(8) + step, 0, 7).astype(np.float32)) for step in range(-2, 3)
    }


def test_no_reach_copies_the_samples() -> None:
    samples = RNG.normal(size=(3, 1, 4)).astype(np.float32)
    rows = shifted_rows(samples, reach=0, copies=2, seed=0)
    assert np.array_equal(rows[3:6], rows[:3])


def test_few_samples_get_copies_many_get_none_and_memory_limits_them() -> None:
    assert copies_for(150, 100, 10**9) == 19
    assert copies_for(3000, 100, 10**9) == 0
    assert copies_for(100, 10**6, 5 * 10**8) == 4


def test_components_of_copies_rebuild_moved_pictures_better() -> None:
    """Bumps at random places: few of them make components that miss the places between."""
    grid = np.arange(32)
    places = RNG.uniform(8, 24, 400)
    bumps = np.exp(-((grid - places[:, None]) ** 2) / 8).astype(np.float32)
    train, test = bumps[:15], bumps[15:]
    plain = fit_pca(train, 8, 0)
    moved = fit_pca(shifted_rows(train[:, None], 2, 20, 0), 8, 0)
    errors = [float(((test - p.decode(p.encode(test))) ** 2).mean()) for p in (plain, moved)]
    assert errors[1] < 0.8 * errors[0]


def test_the_draw_depends_on_the_seed_alone() -> None:
    samples = RNG.normal(size=(4, 1, 9)).astype(np.float32)
    first, again, other = (shifted_rows(samples, 3, 2, seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_any_dimension(dimension: int) -> None:
    samples = RNG.normal(size=(2, 1, *(5,) * dimension)).astype(np.float32)
    assert shifted_rows(samples, 1, 1, 0).shape == (4, 5**dimension)
