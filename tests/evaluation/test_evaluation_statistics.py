"""Known answers of the shared statistics."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    r2_score,
    roc_auc_score,
)

from latentomics.evaluation import statistics as s

POSITIVE = np.array([[0.9, 0.8, 0.7, 0.4], [0.7, 0.9, 0.3, 0.6]])
NEGATIVE = np.array([[0.6, 0.5, 0.3, 0.2, 0.1], [0.5, 0.4, 0.65, 0.1, 0.2]])
SCORES = np.concatenate([POSITIVE, NEGATIVE], axis=1)
TRUTH = np.arange(9) < 4


def test_KA_22_2_delong():
    areas, covariance = s.delong(SCORES, TRUTH)
    np.testing.assert_allclose(areas, (0.9, 0.8), atol=1e-12)
    np.testing.assert_allclose(np.diag(covariance), (0.01375, 0.02875), atol=1e-12)
    assert covariance[0, 1] == pytest.approx(0.00125)
    assert s.delong_p(SCORES, TRUTH) == pytest.approx(0.617075, abs=1e-6)
    assert s.delong_p(SCORES[[0, 0]], TRUTH) == 1.0


def test_delong_counts_pairs():
    generator = np.random.default_rng(0)
    truth = generator.random(60) < 0.4
    scores = generator.normal(size=(2, 60)).round(1)  # some are tied
    positive, negative = scores[:, truth], scores[:, ~truth]
    higher = np.sign(positive[:, :, None] - negative[:, None, :]) / 2 + 0.5
    areas, covariance = s.delong(scores, truth)
    np.testing.assert_allclose(areas, higher.mean(axis=(1, 2)))
    parts = [
        np.cov(higher.mean(axis=axis)) / count
        for axis, count in ((2, truth.sum()), (1, (~truth).sum()))
    ]
    np.testing.assert_allclose(covariance, sum(parts), atol=1e-14)


def test_weighted_metrics_equal_sklearn_on_the_repeated_images():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 12, 60) / 4.0  # many ties
    truth = generator.random(60) < 0.4
    continuous = generator.normal(size=60).round(1)
    weights = generator.integers(0, 4, (5, 60)).astype(float)
    for row, weight in enumerate(weights):
        again = np.repeat(np.arange(60), weight.astype(int))
        expected = {
            s.auroc: roc_auc_score(truth[again], scores[again]),
            s.average_precision: average_precision_score(truth[again], scores[again]),
        }
        for metric, value in expected.items():
            assert metric(scores, truth, weights)[row] == pytest.approx(value, abs=1e-12)
        called = balanced_accuracy_score(truth[again], scores[again] > 1.5)
        assert s.balanced_accuracy(scores - 1.5, truth, weights)[row] == pytest.approx(called)
        assert s.r2(scores, continuous, weights)[row] == pytest.approx(
            r2_score(continuous[again], scores[again])
        )
        rank = spearmanr(scores[again], continuous[again]).statistic
        assert s.spearman(scores, continuous, weights)[row] == pytest.approx(rank)


def test_every_draw_is_measured_as_if_alone():
    """More draws than fit into one block, with ties and without."""
    generator = np.random.default_rng(0)
    weights = generator.integers(0, 4, (150, 40)).astype(float)
    truth, values = generator.random(40) < 0.4, generator.normal(size=40)
    for scores in (generator.normal(size=40), generator.integers(0, 5, 40).astype(float)):
        together = s.binary(scores, truth, weights) | s.continuous(scores, values, weights)
        for row in (0, 63, 64, 149):
            one = weights[row : row + 1]
            alone = s.binary(scores, truth, one) | s.continuous(scores, values, one)
            for name, found in together.items():
                assert found[row] == pytest.approx(alone[name][0], abs=1e-12)


def test_one_class_in_a_draw_is_undefined_and_left_out():
    weights = np.array([[1.0, 1, 0, 0], [1, 1, 1, 1]])
    values = s.auroc(np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, True, False, False]), weights)
    assert np.isnan(values[0])
    assert values[1] == 0.0
    assert s.interval(np.full(100, np.nan)) == (None, None)


def test_images_of_one_patient_are_drawn_together():
    patients = np.repeat(np.arange(20), 3)
    weights = s.resample_patients(patients, 50, seed=1).reshape(50, 20, 3)
    assert (weights == weights[:, :, :1]).all()
    assert (weights.sum(axis=(1, 2)) == 60).all()
    assert (weights == s.resample_patients(patients, 50, seed=1).reshape(50, 20, 3)).all()


def test_interval_is_wider_over_patients_than_over_images():
    generator = np.random.default_rng(3)
    truth = np.repeat(generator.random(40) < 0.5, 10)
    scores = np.repeat(generator.normal(size=40), 10) + truth + 0.05 * generator.normal(size=400)
    widths = [
        np.ptp(s.interval(s.auroc(scores, truth, s.resample_patients(who, 500, 0))))
        for who in (np.repeat(np.arange(40), 10), np.arange(400))
    ]
    assert widths[0] > 2 * widths[1]


def test_two_sided_p():
    assert s.two_sided_p(np.linspace(0.1, 1, 999)) == pytest.approx(2 / 1000)
    assert s.two_sided_p(np.linspace(-1, 1, 1001)) == pytest.approx(1, abs=0.01)


def test_M2_resamples_of_many_images_stay_within_memory():
    assert s.draws_for(5000, 2000) == 2000
    images = 70_000  # the training images of 100,000
    assert s.draws_for(images, 2000) * images * 8 < 200e6
    weights = s.resample_patients(np.arange(9) // 2, 7, seed=1)
    assert weights.dtype == np.float64
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])
