"""The linear models behind every probe."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from latentomics.core import RequestError
from latentomics.evaluation import linear


def toy(n=120, d=7, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(n, d)) * np.linspace(3, 0.3, d)
    truth = rows[:, 0] + rows[:, 1] + generator.normal(size=n) * 2 > 0.5
    return rows, truth, np.arange(n) // 2


@pytest.mark.parametrize("strength", [1e-4, 0.1, 10.0, 1e3])
def test_logistic_equals_sklearn(strength):
    rows, truth, _ = toy()
    ours = linear.logistic(rows[None], truth[None], np.ones((1, 1, len(rows))), (1e-4, strength))[
        -1, 0, 0
    ]
    reference = LogisticRegression(C=strength, tol=1e-10, max_iter=2000).fit(rows, truth)
    np.testing.assert_allclose(ours[:-1], reference.coef_[0], atol=2e-4, rtol=1e-3)
    assert ours[-1] == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_logistic_stays_finite_on_separable_data():
    rows = np.array([[-2.0], [-1.0], [1.0], [2.0]]) * 1e3
    fits = linear.logistic(rows[None], rows[None, :, 0] > 0, np.ones((1, 1, 4)), linear.STRENGTHS)
    assert np.isfinite(fits).all()
    assert (fits[:, 0, 0, 0] > 0).all()


def test_zero_weight_leaves_a_case_out():
    rows, truth, _ = toy()
    weights = np.ones((2, len(rows)))
    weights[1, 60:] = 0
    both = linear.logistic(rows[None], truth[None], weights[None], (1.0,))[0, 0]
    alone = linear.logistic(rows[None, :60], truth[None, :60], np.ones((1, 1, 60)), (1.0,))[0, 0, 0]
    np.testing.assert_allclose(both[1], alone)


def test_ridge_equals_sklearn():
    rows, _, patients = toy()
    values = rows @ np.arange(7) + np.random.default_rng(1).normal(size=len(rows)) * 4
    train = np.arange(80)
    ours, strength = linear.ridge_scores(rows, values, train, patients, 0)
    reference = Ridge(alpha=1 / strength).fit(rows[train], values[train]).predict(rows)
    np.testing.assert_allclose(ours, reference)


def test_a_block_gets_one_scale_and_no_whitening():
    rows, _, _ = toy()
    scaled = linear.fit_block(rows).apply(rows)
    assert scaled.mean() == pytest.approx(0, abs=1e-12)
    assert (scaled**2).mean() == pytest.approx(1)
    np.testing.assert_allclose(
        scaled.std(axis=0) / scaled.std(), rows.std(axis=0) / rows.std(), rtol=0.1
    )
    assert (linear.fit_block(np.full((5, 2), 3.0)).apply(np.full((5, 2), 3.0)) == 0).all()


@pytest.mark.parametrize("n", [50, 200])  # both ways to the components
def test_a_wide_block_is_reduced_to_its_strongest_components(n):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(n, 3)) @ generator.normal(size=(3, 90))
    fitted = linear.fit_block(rows, components=3)
    reduced = fitted.apply(rows)
    assert reduced.shape == (n, 3)
    back = reduced * fitted.scale @ fitted.axes.T + fitted.mean
    np.testing.assert_allclose(back, rows, atol=1e-9)


def test_blocks_weigh_alike_whatever_their_units():
    rows, _, _ = toy()
    train = np.arange(len(rows))
    small = linear.design([rows, rows[:, :1] / 1e6], train)
    large = linear.design([rows * 1e3, rows[:, :1]], train)
    np.testing.assert_allclose(small, large, atol=1e-9)


def test_a_feature_that_is_not_finite_is_an_error_with_its_column():
    rows, _, _ = toy()
    rows[3, 4] = np.nan
    with pytest.raises(RequestError, match="column 4"):
        linear.fit_block(rows)


def test_inner_folds_keep_patients_together_and_strata_even():
    patients = np.repeat(np.arange(40), 3)
    strata = np.repeat(np.arange(40) < 10, 3).astype(np.int64)
    fold = linear.grouped_folds(patients, strata, 5, seed=0)
    assert (fold.reshape(40, 3) == fold.reshape(40, 3)[:, :1]).all()
    assert (np.bincount(fold[strata == 1]) == 6).all()


def test_the_score_is_zero_at_the_training_prevalence():
    rows, truth, patients = toy(200)
    truth[:100] = False  # few positives
    scores, _ = linear.logistic_scores(rows * 0 + 1, truth, [np.arange(200)], patients, 0)
    np.testing.assert_allclose(scores, 0, atol=1e-3)


def test_few_rows_give_the_same_scores_in_their_own_span():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(80, 30))
    truth = rows[:, 0] > 0
    train = np.arange(20)
    (scores,), (strength,) = linear.logistic_scores(rows, truth, [train], np.arange(80), 0)
    reference = LogisticRegression(C=strength, tol=1e-10, max_iter=5000).fit(
        rows[train], truth[train]
    )
    prior = np.log(truth[train].sum() / (~truth[train]).sum())
    np.testing.assert_allclose(
        scores, reference.decision_function(rows) - prior, atol=2e-3, rtol=2e-3
    )


def test_several_training_sets_are_scored_as_each_alone():
    """Also where they differ in length, and where some have fewer rows than columns."""
    rows, truth, patients = toy(90, 25)
    trains = [np.arange(18), np.arange(10, 32), np.arange(70)]
    together, strengths = linear.logistic_scores(rows, truth, trains, patients, 0)
    for train, scores, strength in zip(trains, together, strengths, strict=True):
        (alone,), (chosen,) = linear.logistic_scores(rows, truth, [train], patients, 0)
        np.testing.assert_allclose(scores, alone, atol=1e-10)
        assert strength == chosen


def test_scores_that_are_equal_in_exact_arithmetic_are_tied():
    """Of five sites, two pairs have the same counts of positives."""
    order, every = np.random.default_rng(0).permutation(210), np.arange(210)
    site = np.repeat(np.arange(5), 42)[order]
    truth = (every % 42 < np.repeat([3, 3, 7, 7, 20], 42))[order]
    rows = linear.design([np.eye(5)[site]], every)
    scores, _ = linear.logistic_scores(rows, truth, [every], every, 0)
    assert len(np.unique(scores)) == 3
