"""Learning curves: known answers."""

import numpy as np
import pytest

from latentomics.evaluation.power_law import fit_power_laws

COUNTS = (10, 20, 40, 80, 160)


def errors(a, b, c):
    return a + b * np.array(COUNTS, float) ** -c


def test_KA_22_3_an_exact_curve_is_recovered():
    law = fit_power_laws(COUNTS, errors(0.1, 0.5, 0.5)[None])
    assert law.a[0] == pytest.approx(0.1, abs=1e-7)
    assert law.c[0] == pytest.approx(0.5, abs=1e-6)
    assert law.b[0] * 10 ** law.c[0] == pytest.approx(0.5, abs=1e-6)
    assert law.error(40)[0] == pytest.approx(0.1 + 0.5 / np.sqrt(40))
    assert law.labels(np.array([0.15]))[0] == pytest.approx(100, rel=1e-5)


def test_many_curves_are_fitted_as_if_alone():
    several = np.stack([errors(0.1, 0.5, 0.5), errors(0.0, 0.9, 0.3), errors(0.3, 0.2, 1.2)])
    together = fit_power_laws(COUNTS, several)
    for row, one in enumerate(several):
        alone = fit_power_laws(COUNTS, one[None])
        assert (together.a[row], together.c[row]) == (alone.a[0], alone.c[0])


def test_a_and_b_are_never_negative_and_what_is_never_reached_has_no_end():
    flat, rising = np.full(5, 0.2), np.linspace(0.2, 0.3, 5)
    law = fit_power_laws(COUNTS, np.stack([flat, rising, errors(0, 3, 2.0)]))
    assert (law.a >= 0).all()
    assert (law.b >= 0).all()
    assert law.labels(np.array([0.1, 0.1, 0.1]))[:2].tolist() == [np.inf, np.inf]


def test_weights_decide_what_is_hit():
    bent = errors(0.1, 0.5, 0.5) + np.array([0.2, 0, 0, 0, 0])
    weights = np.array([1e-9, 1, 1, 1, 1])
    law = fit_power_laws(COUNTS, bent[None], weights)
    assert law.a[0] == pytest.approx(0.1, abs=1e-3)
