"""Structure of a code on distributions whose structure is known."""

import sys
from functools import partial

import numpy as np
import pytest

from latentomics.evaluation import structure
from latentomics.evaluation.statistics import half_width
from latentomics.evaluation.structure import (
    dimension_error,
    gaussian_total_correlation,
    levina_bickel,
    mixture_information,
    redundancy,
    two_nearest,
)


def correlated(n, rho, seed=0, d=2):
    covariance = np.full((d, d), rho)
    np.fill_diagonal(covariance, 1)
    return np.random.default_rng(seed).multivariate_normal(np.zeros(d), covariance, n)


def test_KA_8_3_information_of_the_full_mixture():
    means = np.random.default_rng(0).multivariate_normal(
        [0, 0], [[0.9, 0.8], [0.8, 0.9]], size=1000
    )
    information, total = mixture_information(means, np.full((1000, 2), np.log(0.1)))
    assert information == pytest.approx(1.791759, abs=0.06)
    assert total == pytest.approx(0.510826, abs=0.06)


def test_KA_8_2_posteriors_apart_and_posteriors_alike():
    apart = np.arange(500.0)[:, None] * 100
    information, total = mixture_information(apart, np.zeros((500, 1)))
    assert information == pytest.approx(np.log(500))
    assert total == pytest.approx(0, abs=1e-9)  # one latent has nothing to share
    information, total = mixture_information(np.zeros((50, 3)), np.zeros((50, 3)))
    assert (information, total) == pytest.approx((0, 0), abs=1e-9)


def test_KA_11_1_total_correlation_of_a_gaussian():
    assert gaussian_total_correlation(correlated(20000, 0.8)) == pytest.approx(0.5108, abs=0.02)


def test_the_gaussian_total_correlation_is_unbiased_with_few_pictures():
    draws = np.random.default_rng(0)
    values = [gaussian_total_correlation(draws.normal(size=(40, 20))) for _ in range(300)]
    assert np.mean(values) == pytest.approx(0, abs=4 * np.std(values) / np.sqrt(300))
    plain = -0.5 * np.linalg.slogdet(np.corrcoef(draws.normal(size=(40, 20)), rowvar=False))[1]
    assert plain > 3  # nats, of nothing
    assert np.isnan(gaussian_total_correlation(draws.normal(size=(10, 20))))


def test_KA_11_1_intrinsic_dimension_of_five_in_twenty():
    draws = np.random.default_rng(0)
    inside = draws.normal(size=(3000, 5))
    points = inside @ np.linalg.qr(draws.normal(size=(20, 5)))[0].T
    assert two_nearest(points) == pytest.approx(5.06, abs=0.3)
    assert levina_bickel(points, 20) == pytest.approx(4.67, abs=0.12)


def test_KA_11_1_the_interval_of_the_dimension_covers_the_true_one():
    generator, covered = np.random.default_rng(0), 0
    turn = np.linalg.qr(generator.normal(size=(6, 2)))[0].T
    for seed in range(200):
        points = generator.random((400, 2)) @ turn
        beyond = half_width(dimension_error(points, two_nearest, seed), 10)
        covered += abs(two_nearest(points) - 2) <= beyond
    assert 0.90 <= covered / 200 <= 0.99  # .95, four SDs of 200 trials apart


def test_the_error_of_the_dimension_is_its_spread_over_samples():
    generator = np.random.default_rng(0)
    samples = [generator.normal(size=(800, 3)) for _ in range(40)]
    values = [levina_bickel(points, 20) for points in samples]
    errors = [dimension_error(points, partial(levina_bickel, k=20)) for points in samples]
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)


def test_the_dimension_of_some_cases_says_of_how_many_and_how_sure(monkeypatch):
    monkeypatch.setattr(sys.modules[two_nearest.__module__], "MOST_POINTS", 500)
    results = found(np.random.default_rng(0).normal(size=(900, 3)))
    for metric in ("dimension_twonn", "dimension_levina_bickel"):
        one = results[metric]
        assert (one.settings["cases"], one.settings["points"]) == (900, 500)
        assert one.low < one.value < one.high
        assert one.high - one.value == pytest.approx(2.262 * one.settings["standard_error"], 0.001)
    assert found(np.random.default_rng(0).normal(size=(300, 3)))["dimension_twonn"].low is None


def test_agrees_with_scikit_dimension():
    skdim = pytest.importorskip("skdim")
    points = np.random.default_rng(1).normal(size=(1500, 6))
    theirs = skdim.id.TwoNN(discard_fraction=0.1).fit(points).dimension_
    assert two_nearest(points) == pytest.approx(theirs, rel=0.1)  # theirs is a regression
    theirs = skdim.id.MLE(unbiased=True).fit(points, n_neighbors=20, comb="mle").dimension_
    assert levina_bickel(points, 20) == pytest.approx(theirs, rel=0.01)


def test_groups_of_columns_that_repeat_each_other():
    base = correlated(300, 0.0, d=3)
    values = np.stack([base[:, 0], -(base[:, 0] ** 3), base[:, 1], base[:, 0] * 2, base[:, 2]], 1)
    groups, alike = redundancy(values)
    assert groups.tolist() == [0, 0, 1, 0, 2]
    assert alike[0, 1] == pytest.approx(1)
    chain = correlated(4000, 0.0, d=1)
    noisy = chain + 0.45 * np.cumsum(np.random.default_rng(1).normal(size=(4000, 4)), axis=1)
    assert redundancy(noisy)[0].max() > 0  # neighbours alike, the ends of the chain are not


def found(codes, **more):
    return {result.metric: result for result in structure("latent", codes, **more)}


def test_a_code_that_repeats_itself_and_one_that_does_not():
    draws = np.random.default_rng(0)
    independent = draws.normal(size=(200, 8))
    repeated = np.repeat(independent[:, :2], 4, axis=1) + 0.01 * draws.normal(size=(200, 8))
    assert found(independent)["distinct_share"].value == 1
    assert found(repeated)["distinct_features"].value == 2
    assert found(repeated)["total_correlation_nats"].value > 10
    assert abs(found(independent)["total_correlation_nats"].value) < 0.5
    assert found(repeated)["dimension_levina_bickel"].value < 5


def test_latents_that_repeat_hand_made_features():
    draws = np.random.default_rng(0)
    codes = draws.normal(size=(100, 4))
    classic = np.stack([np.exp(codes[:, 0]), draws.normal(size=100), np.full(100, np.nan)], axis=1)
    assert found(codes, beside={"classic": classic})["share_like_classic"].value == 0.25


def test_a_gaussian_code_is_judged_by_its_posteriors():
    means = correlated(300, 0.0, d=3)
    results = found(means, posterior=(means, np.full((300, 3), -3.0)))
    assert results["mutual_information_nats"].settings["limit"] == pytest.approx(np.log(300))
    assert results["total_correlation_nats"].settings["posteriors"] == 300
    assert "at_least" not in results["mutual_information_nats"].settings


def test_posteriors_that_hardly_overlap_give_independent_latents_no_total_correlation():
    # 40 latents with KL of 2.4 nats each: far more in all than the log of 200 pictures
    means, log_variances = correlated(200, 0.0, d=40), np.full((200, 40), -4.0)
    assert mixture_information(means, log_variances)[1] > 50  # what the mixture says of them
    results = found(means, posterior=(means, log_variances))
    told = results["mutual_information_nats"]
    assert told.settings["at_least"]
    assert told.value == pytest.approx(np.log(200), rel=0.01)
    assert abs(results["total_correlation_nats"].value) < 1.0


def test_a_collapsed_code_and_few_pictures_have_no_structure():
    assert structure("latent", np.ones((100, 4))) == []
    assert structure("latent", np.random.default_rng(0).normal(size=(10, 2))) == []
