"""The step in which values were stored."""

import numpy as np
import pytest

from latentomics.sources.step import step_of


def test_KA_29_the_step_of_a_scan_is_that_of_its_slope() -> None:
    stored = np.random.default_rng(0).integers(-900, 2000, (20, 20, 20))
    assert step_of(stored.astype(np.float32)) == 1
    rescaled = (stored * 0.1 - 1024).astype(np.float32)
    assert step_of(rescaled) == pytest.approx(0.1, rel=0.01)
    assert step_of((stored * 2).astype(np.float32)) == 2


def test_continuous_and_constant_values_have_none() -> None:
    assert step_of(np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32)) is None
    assert step_of(np.ones((3, 3), np.float32)) is None
