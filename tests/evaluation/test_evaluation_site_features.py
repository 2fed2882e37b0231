"""Feature by feature: what differs between sites, and how much of the variance that is."""

import numpy as np
import pytest

from latentomics.core import stream
from latentomics.evaluation import ks, site_variance
from latentomics.evaluation.ks import holm
from latentomics.evaluation.patients import patients_of
from latentomics.evaluation.site_variance import explained_shares


def names(count):
    return [f"latent_{j:03d}" for j in range(count)]


def cohort(shift, seed=0, n=60, d=8, images=1):
    draws = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), images)
    site = np.where(who % 2 == 0, "A", "B")
    features = draws.normal(size=(n, d))[who] + 0.2 * draws.normal(size=(len(who), d))
    features[site == "B", 0] += shift
    return features, site.tolist(), who


def test_KA_21_3_holm():
    assert holm([0.01, 0.02, 0.03, 0.04]).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.04, 0.01, 0.5]).tolist() == pytest.approx([0.08, 0.03, 0.5])


def test_holm_agrees_with_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(0).uniform(size=50) ** 3
    np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1])


def test_a_shifted_feature_is_found_and_the_others_are_not():
    features, sites, patients = cohort(shift=3.0, seed=1)
    whole, pair = ks("latent", names(8), features, sites, patients)
    assert whole.value == pair.value == 1 / 8
    assert whole.settings["by_feature"]["p"][0] < 1e-6
    assert min(whole.settings["by_feature"]["p"][1:]) > 0.05
    assert pair.target == "A | B"


def test_false_alarms_keep_their_level_with_several_images_a_patient():
    alarms = {"ks": 0, "variance": 0}
    for number in range(120):
        features, sites, patients = cohort(0.0, seed=1000 + number, n=40, images=5)
        alarms["ks"] += ks("latent", names(8), features, sites, patients)[0].value > 0
        (share,) = site_variance("latent", names(8), features, sites, patients, permutations=99)
        alarms["variance"] += share.settings["p"] <= 0.05
    assert alarms["ks"] <= 12  # 6 expected at most
    assert 1 <= alarms["variance"] <= 14  # 6 expected


def test_the_share_of_variance_is_that_of_an_analysis_of_variance():
    """A shift of s SD between two equal groups explains s^2 / (s^2 + 4)."""
    draws = np.random.default_rng(0)
    site = np.arange(20000) % 2
    features = draws.normal(size=(20000, 2)) + np.stack([site * 1.0, site * 0.0], axis=1)
    shares = explained_shares(features, site)[0]
    assert shares[0] == pytest.approx(1 / 5, abs=0.01)
    assert shares[1] == pytest.approx(0, abs=0.001)


def test_the_share_is_unbiased_for_small_groups_and_weights_are_repetitions():
    draws = np.random.default_rng(1)
    shares = [explained_shares(draws.normal(size=(24, 4)), np.arange(24) % 3) for _ in range(400)]
    assert np.mean(shares) == pytest.approx(0, abs=0.008)
    features, site = draws.normal(size=(30, 3)), np.arange(30) % 3
    weights = stream(0, "w").multinomial(30, np.full(30, 1 / 30), size=4).astype(float)
    repeated = [np.repeat(np.arange(30), w.astype(int)) for w in weights]
    one_by_one = [explained_shares(features[rows], site[rows])[0] for rows in repeated]
    np.testing.assert_allclose(explained_shares(features, site, weights), one_by_one, atol=1e-12)


def test_agrees_with_scipy_on_one_way_analysis():
    from scipy.stats import f_oneway

    draws = np.random.default_rng(2)
    values, site = draws.normal(size=(45, 1)) + np.arange(45)[:, None] % 3, np.arange(45) % 3
    f = f_oneway(*(values[site == g, 0] for g in range(3))).statistic
    r2 = 2 * f / (2 * f + 42)
    adjusted = 1 - (1 - r2) * 44 / 42
    assert explained_shares(values, site)[0, 0] == pytest.approx(adjusted)


def test_site_variance_says_yes_and_no():
    features, sites, patients = cohort(shift=3.0)
    (yes,) = site_variance("latent", names(8), features, sites, patients)
    assert yes.settings["p"] == pytest.approx(0.001)
    assert yes.settings["by_feature"]["share"][0] > 0.5
    assert yes.low < yes.value < yes.high
    features, sites, patients = cohort(shift=0.0, seed=5)
    (no,) = site_variance("latent", names(8), features, sites, patients)
    assert no.settings["p"] > 0.05


def test_the_interval_of_the_share_covers_nothing_where_there_is_nothing():
    covered = 0
    for number in range(60):
        draws = np.random.default_rng(number)
        (found,) = site_variance("latent", names(4), draws.normal(size=(48, 4)),
                                 list("ABCD") * 12, np.arange(48), permutations=19)  # fmt: skip
        covered += found.low <= 0 <= found.high
    assert covered >= 48  # a percentile interval without centring covers it in 40


def test_constant_features_are_no_shift():
    (share,) = site_variance("latent", ["a"], np.ones((40, 1)), ["A", "B"] * 20, np.arange(40))
    assert share.value == 0
    assert ks("latent", ["a"], np.ones((40, 1)), ["A", "B"] * 20, np.arange(40))[0].value == 0


def test_patients_are_averaged_and_those_of_two_sites_left_out():
    sites = ["A"] * 4 + ["B"] * 4 + ["A", "B", None]
    who = np.array([0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 7])
    found = patients_of(np.arange(11.0)[:, None], sites, who, fewest=3)
    assert found.names == ("A", "B")
    assert found.features[:, 0].tolist() == [0.5, 2, 3, 4, 5, 6.5]
    assert found.counts.tolist() == [3, 3]
    assert patients_of(np.zeros((4, 1)), ["A"] * 4, np.arange(4), fewest=2) is None
