"""Columns of different units on one scale."""

import numpy as np
import pytest

from latentomics.evaluation import comparable


def test_median_and_quartiles_become_0_and_a_standard_normals():
    block = np.random.default_rng(0).normal(50, 8, size=(20_000, 1))
    found = comparable(block, np.arange(20_000))
    assert np.median(found) == pytest.approx(0, abs=1e-12)
    assert np.quantile(np.sinh(found), 0.75) == pytest.approx(0.6745, abs=0.02)


def test_units_do_not_matter_and_tails_are_drawn_in():
    block = np.random.default_rng(1).lognormal(size=(300, 3))
    block[0] = 1e6
    train = np.arange(300)
    found = comparable(block, train)
    np.testing.assert_allclose(comparable(block * [1e9, 1e-9, 1] + [5, 0, 0], train), found)
    assert found.max() < 20


def test_L2_only_training_rows_decide():
    generator = np.random.default_rng(2)
    block, train = generator.normal(size=(60, 4)), np.arange(40)
    changed = block.copy()
    changed[40:] = generator.normal(size=(20, 4)) * 1e6
    before, after = comparable(block, train), comparable(changed, train)
    assert before[train].tobytes() == after[train].tobytes()


def test_what_is_not_a_number_is_the_training_median_and_constants_say_nothing():
    block = np.ones((6, 3))
    block[:, 0] = [1, 2, 3, np.nan, np.inf, 9]
    block[:, 2] = np.nan
    found = comparable(block, np.arange(4))
    assert found[3, 0] == found[4, 0] == 0
    assert (found[:, 1:] == 0).all()
