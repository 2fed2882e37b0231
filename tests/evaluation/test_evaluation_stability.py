"""Agreement of repeated measurements, and what is said of it."""

import numpy as np
import pytest

from latentomics.evaluation import stability
from latentomics.evaluation.agreement import (
    concordance,
    icc_agreement,
    icc_consistency,
    icc_one_way,
    mean_squares,
    repeatability,
    within_subject_sd,
)
from latentomics.evaluation.stability import retest_pairs

RATINGS = np.array(  # Shrout and Fleiss, 1979
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_KA_26_1_intraclass_correlations_and_their_intervals():
    squares = mean_squares(RATINGS)
    found = (float(squares.rows), float(squares.columns), float(squares.error))
    assert found == pytest.approx((11.24167, 32.48611, 1.01944), abs=1e-5)
    agreement = [float(x) for x in icc_agreement(RATINGS)]
    assert agreement == pytest.approx((0.289764, 0.018787, 0.761084), abs=1e-6)
    consistency = [float(x) for x in icc_consistency(RATINGS)]
    assert consistency == pytest.approx((0.714841, 0.342465, 0.945858), abs=1e-6)
    assert float(icc_one_way(RATINGS)) == pytest.approx(0.165742, abs=1e-6)


def test_KA_26_1_two_raters():
    first, second = RATINGS[:, 0], RATINGS[:, 3]
    assert float(concordance(first, second)) == pytest.approx(0.605263, abs=1e-6)
    assert float(within_subject_sd(first, second)) == pytest.approx(1.290994, abs=1e-6)
    assert float(repeatability(first, second)) == pytest.approx(3.578454, abs=1e-6)


def test_many_features_at_once_give_what_each_gives_alone():
    values = np.random.default_rng(0).normal(size=(20, 3, 5)).cumsum(axis=0)
    together = np.stack(icc_agreement(values))
    alone = np.stack([np.stack(icc_agreement(values[..., j])) for j in range(5)], axis=1)
    np.testing.assert_allclose(together, alone)


def test_agrees_with_pingouin():
    pingouin = pytest.importorskip("pingouin")
    import pandas

    values = np.random.default_rng(1).normal(size=(15, 4)) + np.arange(15)[:, None] / 4
    rows = [(i, j, values[i, j]) for i in range(15) for j in range(4)]
    frame = pandas.DataFrame(rows, columns=["case", "rater", "value"])
    table = pingouin.intraclass_corr(frame, "case", "rater", "value", nan_policy="raise")
    by_kind = dict(zip(table["Type"], table["ICC"], strict=True))
    ours = {"ICC(1,1)": icc_one_way(values), "ICC(A,1)": icc_agreement(values)[0],
            "ICC(C,1)": icc_consistency(values)[0]}  # fmt: skip
    for name, value in ours.items():
        assert float(value) == pytest.approx(by_kind[name], abs=1e-9)


def test_an_offset_of_a_rater_is_disagreement_and_no_inconsistency():
    truth = np.arange(30.0)[:, None]
    values = truth + np.array([0.0, 20.0])
    assert float(icc_consistency(values)[0]) == pytest.approx(1)
    assert float(icc_agreement(values)[0]) < 0.3


def test_features_that_repeat_exactly_never_or_do_not_vary():
    draws = np.random.default_rng(0)
    same = np.repeat(draws.normal(size=(40, 1)), 4, axis=1)
    values = np.stack([same, draws.normal(size=(40, 4)), np.full((40, 4), 3.0)], axis=-1)
    icc, low, high = icc_agreement(values)
    assert (icc[0], low[0], high[0]) == pytest.approx((1, 1, 1))
    assert abs(icc[1]) < 0.3
    assert np.isnan([icc[2], low[2], high[2]]).all()


def test_coverage_of_the_interval_under_a_known_agreement():
    """Patients of variance 3, error 1: ICC 0.75 at any number of raters without offsets."""
    draws = np.random.default_rng(0)
    values = np.sqrt(3) * draws.normal(size=(30, 1, 2000)) + draws.normal(size=(30, 4, 2000))
    icc, low, high = icc_agreement(values)
    assert np.mean((low < 0.75) & (high > 0.75)) == pytest.approx(0.95, abs=0.015)
    assert np.median(icc) == pytest.approx(0.75, abs=0.02)


def records(error):
    draws = np.random.default_rng(0)
    values = draws.normal(size=(30, 1, 10)) + error * draws.normal(size=(30, 4, 10))
    names = [f"latent_{j}" for j in range(10)]
    found = stability("latent", names, values, np.arange(30), target="chained", detail=True)
    return {result.metric: result for result in found}


def test_stable_features_are_said_to_be_stable_and_unstable_ones_are_not():
    stable, unstable = records(0.1), records(1.5)
    assert stable["share_above_090"].value == 1
    assert stable["icc_median"].low > 0.95
    assert unstable["share_above_075"].value == 0
    assert unstable["icc_median"].high < 0.6
    detail = stable["icc_median"].settings["by_feature"]
    assert len(detail["icc"]) == len(detail["low"]) == len(detail["names"]) == 10


def test_constant_features_count_as_not_stable():
    values = np.ones((10, 3, 4))
    values[..., 0] += np.arange(10)[:, None]
    found = stability("latent", list("abcd"), values, np.arange(10), target="chained", detail=True)
    by_metric = {result.metric: result for result in found}
    assert by_metric["share_above_075"].value == 0.25
    assert by_metric["icc_median"].settings["constant"] == 3


def test_an_agreement_of_one_lies_within_its_limits():
    values = np.repeat(np.random.default_rng(0).normal(size=(10, 1, 1)), 3, axis=1)
    (found,) = stability("size", ["a"], values, np.arange(10), target="gain")
    assert found.low <= found.value == found.high == 1.0


def test_too_few_cases_give_no_record():
    assert stability("latent", ["a"], np.ones((4, 2, 1)), np.arange(4), target="retest") == []


def test_retests_are_paired_with_their_tests():
    cases = ["a", "a2", "b", "c2"]
    assert retest_pairs(cases, [None, "a", None, "c"]) == [(0, 1)]


def test_the_interval_of_few_patients_covers_the_agreement_they_were_drawn_with():
    draws, agreement, covered = np.random.default_rng(4), 0.7, 0
    patients, names = np.arange(12), [f"latent_{number}" for number in range(31)]
    for _ in range(40):
        case = draws.normal(size=(12, 1, 31)) * np.sqrt(agreement)
        values = case + draws.normal(size=(12, 6, 31)) * np.sqrt(1 - agreement)
        found = stability("latent", names, values, patients, target="chained")[0]
        assert found.low < found.value < found.high
        covered += found.low < agreement < found.high
    assert covered >= 36  # of 40; percentiles of resamples cover it 28 times
