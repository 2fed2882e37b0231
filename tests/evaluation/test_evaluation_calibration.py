"""Calibration: known answers, and the one-step resample against a refit."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from latentomics.evaluation.calibration import calibration

# a quarter of those with odds 1:3 are positive, three quarters of those with 3:1
ODDS = np.repeat([-np.log(3), np.log(3)], 4)
TRUTH = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
ONCE = np.ones((1, 8))


def figures(odds, truth, weights=None):
    weights = np.ones((1, len(odds))) if weights is None else weights
    return {name: values[0] for name, values in calibration(odds, truth, weights).items()}


def test_KA_22_3_doubled_log_odds_have_slope_one_half():
    right, doubled = figures(ODDS, TRUTH), figures(2 * ODDS, TRUTH)
    assert right["calibration_slope"] == pytest.approx(1, abs=1e-9)
    assert doubled["calibration_slope"] == pytest.approx(0.5, abs=1e-9)
    assert doubled["calibration_intercept"] == pytest.approx(0, abs=1e-9)
    assert right["brier"] == pytest.approx(3 / 16)
    assert right["calibration_error"] == pytest.approx(
        np.mean([3, 1, 1, 1, 1, 1, 1, 3]) / 4
    )  # eight cases are a bin each


def test_KA_22_3_shifted_log_odds_have_that_intercept():
    shifted = figures(ODDS - 0.7, TRUTH)
    assert shifted["calibration_intercept"] == pytest.approx(0.7, abs=1e-9)
    assert shifted["calibration_slope"] == pytest.approx(1, abs=1e-9)


def test_figures_equal_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    odds = generator.normal(size=400) * 2
    chance = 1 / (1 + np.exp(-odds))
    truth = generator.random(400) < 1 / (1 + np.exp(-0.6 * odds - 0.4))
    found = figures(odds, truth)
    assert found["brier"] == pytest.approx(brier_score_loss(truth, chance))
    regression = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, None], truth)
    assert found["calibration_slope"] == pytest.approx(regression.coef_[0, 0], abs=1e-5)
    seen, said = calibration_curve(truth, chance, n_bins=10, strategy="quantile")
    assert found["calibration_error"] == pytest.approx(np.abs(seen - said).mean(), abs=1e-9)


def test_one_step_is_near_the_refit_of_a_resample():
    generator = np.random.default_rng(1)
    odds = generator.normal(size=300)
    truth = generator.random(300) < 1 / (1 + np.exp(-odds))
    weights = generator.multinomial(300, np.full(300, 1 / 300), size=20).astype(float)
    stepped = calibration(odds, truth, weights)
    for draw, weight in enumerate(weights):
        again = np.repeat(np.arange(300), weight.astype(int))
        refitted = figures(odds[again], truth[again])
        for name in ("calibration_slope", "calibration_intercept"):
            assert stepped[name][draw] == pytest.approx(refitted[name], abs=0.05)


@pytest.mark.parametrize(
    "odds", [np.zeros(8), np.where(TRUTH, 1.0, -1.0), np.where(TRUTH, -1.0, 1)]
)
def test_a_slope_that_does_not_exist_is_undefined(odds):
    found = figures(odds, TRUTH)
    assert np.isnan(found["calibration_slope"])
    assert np.isfinite(found["brier"])


def test_extreme_predictions_overflow_nothing():
    with np.errstate(all="raise", under="ignore"):
        found = figures(np.linspace(-2000, 2000, 8), TRUTH)
    assert found["brier"] == pytest.approx(0.25)
