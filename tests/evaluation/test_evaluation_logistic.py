"""Logistic regressions fitted side by side, against one plain fit at a time."""

import numpy as np
import pytest

from latentomics.evaluation.linear import STRENGTHS
from latentomics.evaluation.logistic import logistic


def one_fit(rows, truth, weight, strengths):
    """Newton's method as it is written down, for one row of weights and every strength."""
    kept = weight > 0
    x = np.column_stack([rows, np.ones(len(rows))])[kept]
    sign, weight = np.where(truth, 1.0, -1.0)[kept], weight[kept]
    beta, path = np.zeros(x.shape[1]), []
    for strength in strengths:
        ridge = np.append(np.ones(rows.shape[1]), 1e-9) / strength

        def loss(b, ridge=ridge):
            return weight @ np.logaddexp(0, -sign * (x @ b)) + (ridge * b * b).sum() / 2

        for _ in range(25):
            miss = 1 / (1 + np.exp(np.clip(sign * (x @ beta), -500, 500)))
            gradient = ridge * beta - x.T @ (weight * sign * miss)
            curvature = (x.T * (weight * miss * (1 - miss))) @ x + np.diag(ridge)
            step = np.linalg.solve(curvature, gradient)
            if gradient @ step < 1e-8 * len(x):
                break
            length = 1.0
            while loss(beta - length * step) > loss(beta) and length > 1e-4:
                length /= 2
            beta = beta - length * step
        path.append(beta)
    return np.array(path)


@pytest.mark.parametrize(("n", "d", "noise"), [(150, 12, 1.0), (150, 12, 0.0), (20, 18, 1.0)])
def test_fits_side_by_side_equal_plain_ones(n, d, noise):
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(n, d)) * np.geomspace(3, 0.05, d)
    truth = rows[:, 0] + noise * generator.normal(size=n) > 0.4
    weights = np.ones((4, n))
    weights[0, ::4], weights[1, 1::4], weights[2] = 0, 0, generator.integers(0, 3, n)
    together = logistic(rows[None], truth[None], weights[None], STRENGTHS)[:, 0]
    alone = np.stack([one_fit(rows, truth, weight, STRENGTHS) for weight in weights], axis=1)
    odds, expected = (fits[..., :-1] @ rows.T + fits[..., -1:] for fits in (together, alone))
    np.testing.assert_allclose(odds, expected, rtol=1e-10, atol=1e-10)


def test_a_fit_does_not_depend_on_its_neighbours():
    generator = np.random.default_rng(2)
    rows = generator.normal(size=(2, 80, 5))
    truth = rows[..., 0] + generator.normal(size=(2, 80)) > 0
    weights = generator.integers(0, 2, (2, 3, 80)).astype(float)
    weights[1, 2] = 0  # a fit of no case
    together = logistic(rows, truth, weights, STRENGTHS)
    for problem in range(2):
        for number in range(3):
            weight = weights[problem, number][None, None]
            alone = logistic(rows[problem, None], truth[problem, None], weight, STRENGTHS)
            np.testing.assert_allclose(
                together[:, problem, number], alone[:, 0, 0], rtol=1e-10, atol=1e-10
            )
    assert (together[:, 1, 2] == 0).all()


def test_rows_that_say_nothing_give_the_prevalence():
    truth = np.arange(10) < 3
    coefficients = logistic(np.zeros((1, 10, 2)), truth[None], np.ones((1, 1, 10)), (1e4,))[0, 0, 0]
    np.testing.assert_allclose(coefficients, (0, 0, np.log(3 / 7)), atol=1e-4)
