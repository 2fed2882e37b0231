"""Likelihood by importance sampling, and the length of a description."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from latentomics.evaluation import description_bits, importance_nll, likelihood, statistics

X, VARIANCE = 1.5, 0.5  # KA-6.3: x|z ~ N(z, .5), z ~ N(0, 1)
EXACT = 1.871671


def log_weights(draws: int, repeats: int, seed: int = 0) -> np.ndarray:
    """Draws from the prior, so that the weight is p(x|z)."""
    z = np.random.default_rng(seed).standard_normal((repeats, draws))
    return norm.logpdf(X, z, math.sqrt(VARIANCE))


@pytest.mark.parametrize(("draws", "wanted"), [(5, 2.0761), (50, 1.8855), (500, 1.8711)])
def test_KA_6_3_the_estimate_nears_the_likelihood_from_above(draws: int, wanted: float) -> None:
    nll, effective = importance_nll(log_weights(draws, 100_000 // draws))
    error = nll.std() / math.sqrt(len(nll))
    assert nll.mean() == pytest.approx(wanted, abs=4 * math.hypot(error, 0.0027))
    assert nll.mean() > EXACT - 4 * error
    assert (effective >= 1).all()
    assert (effective <= draws).all()


def test_KA_6_3_one_draw_is_the_bound() -> None:
    assert -log_weights(1, 400_000).mean() == pytest.approx(3.822365, abs=0.03)


def test_KA_6_3_draws_from_the_posterior_are_exact() -> None:
    variance = 1 / (1 + 1 / VARIANCE)
    mean = variance * X / VARIANCE
    z = np.random.default_rng(0).normal(mean, math.sqrt(variance), (7, 20))
    weights = norm.logpdf(X, z, math.sqrt(VARIANCE)) + norm.logpdf(z)
    weights -= norm.logpdf(z, mean, math.sqrt(variance))
    nll, effective = importance_nll(weights)
    np.testing.assert_allclose(nll, EXACT, atol=1e-6)
    np.testing.assert_allclose(effective, 20, rtol=1e-9)


def test_KA_18_2_bits_count_from_the_step_and_not_from_the_unit() -> None:
    nats = np.array([0.5 * math.log(2 * math.pi * math.e)])  # N(0, 1)
    bits = description_bits(nats, np.log([1.0]), np.log([0.5]))
    assert bits[0] == pytest.approx(3.0471, abs=1e-4)  # entropy at that step: 3.0620
    in_other_unit = description_bits(nats, np.log([40.0]), np.log([20.0]))
    assert in_other_unit[0] == pytest.approx(bits[0])


def test_figures_are_means_over_samples_with_intervals_over_patients() -> None:
    weights = np.log(np.full((40, 3), np.arange(1, 41)[:, None] / 41))
    values = np.full(40, 10.0)
    found = likelihood(
        weights, np.arange(40) // 2, values=values, bits=np.arange(40.0), settings={"draws": 3}
    )
    by_name = {result.metric: result for result in found}
    assert by_name["nll"].value == pytest.approx(-weights[:, 0].mean())
    assert by_name["nll_bound"].value == pytest.approx(by_name["nll"].value)
    assert by_name["nll_per_voxel"].value == pytest.approx(by_name["nll"].value / 10)
    assert by_name["bits_per_voxel"].value == pytest.approx(1.95)
    assert by_name["effective_draws"].value == pytest.approx(3)
    assert by_name["nll"].low < by_name["nll"].value < by_name["nll"].high
    assert {(result.n, result.settings["draws"]) for result in found} == {(20, 3)}
    without = likelihood(weights, np.arange(40), values=values, bits=None, settings={})
    assert "bits_per_voxel" not in {result.metric for result in without}


def test_METHODS_1_a_sample_of_which_no_voxel_counts_spoils_no_mean() -> None:
    weights = np.zeros((4, 3))
    weights[:3] = -10
    found = likelihood(
        weights, np.arange(4), values=np.array([10.0, 10, 10, 0]), bits=None, settings={}
    )
    (per_voxel,) = [result for result in found if result.metric == "nll_per_voxel"]
    assert per_voxel.value == pytest.approx(0.75)


def test_resamples_are_as_many_as_memory_affords(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    resample = statistics.with_resamples

    def counted(patients: np.ndarray, draws: int, seed: int) -> np.ndarray:
        drawn.append(draws)
        return resample(patients, draws, seed)

    monkeypatch.setattr(statistics, "with_resamples", counted)
    monkeypatch.setattr(statistics, "MOST_WEIGHTS", 16_000)
    likelihood(np.zeros((40, 2)), np.arange(40), values=np.ones(40), bits=None, settings={})
    assert drawn == [400]
