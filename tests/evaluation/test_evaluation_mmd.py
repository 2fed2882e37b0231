"""Domain shift between sites."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from latentomics.core import stream
from latentomics.evaluation import Part, mmd, site_columns, site_predictability
from latentomics.evaluation.mmd import jackknife_error, permutation_test, squared_mmd


@pytest.mark.parametrize(("shift", "expected"), [(1.0, 0.177268), (0.5, 0.047124)])
def test_KA_21_1_unbiased_mmd(shift, expected):
    generator = np.random.default_rng(0)
    x = [generator.normal(size=(50, 1)) for _ in range(400)]
    y = [shift + generator.normal(size=(60, 1)) for _ in range(400)]
    values = [squared_mmd(a, b, 1.0) for a, b in zip(x, y, strict=True)]
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / 20)
    kernel = np.exp(-((np.concatenate([x[0], y[0]]) - np.concatenate([x[0], y[0]]).T) ** 2) / 2)
    biased = kernel[:50, :50].mean() + kernel[50:, 50:].mean() - 2 * kernel[:50, 50:].mean()
    assert biased - values[0] == pytest.approx(0.015497, abs=0.003)  # of the V-statistic


@pytest.mark.parametrize("shift", [1.0, 0.5])
def test_KA_21_1_the_interval_of_a_sample_covers_the_true_value(shift, monkeypatch):
    monkeypatch.setattr(sys.modules[permutation_test.__module__], "MOST_IMAGES", 200)
    generator = np.random.default_rng(0)
    patients = np.arange(600)
    second = patients >= 300
    evenly = norm.ppf(np.arange(0.5, 1000) / 1000)[:, None]
    bandwidth = float(np.median(pdist(np.concatenate([evenly, evenly + shift]))))
    wide = bandwidth**2 + 2
    truth = 2 * bandwidth / np.sqrt(wide) * (1 - np.exp(-(shift**2) / (2 * wide)))
    covered = 0
    for number in range(200):
        values = generator.normal(size=(600, 1)) + shift * second[:, None]
        sites = np.where(second, "B", "A").tolist()
        (found,) = mmd("x", [values], sites, patients, permutations=1, seed=number)
        assert found.settings["images_by_site"] == [200, 200]
        assert found.settings["of_images"] == [300, 300]
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / 200 <= 0.99  # .95, four SDs of 200 trials apart


def test_the_error_of_a_distance_is_of_patients_not_of_images():
    generator = np.random.default_rng(1)
    who = np.repeat(np.arange(60), 4)
    values, errors, of_images = [], [], []
    for _ in range(150):
        images = np.sqrt(0.8) * generator.normal(size=(60, 2))[who]
        images += np.sqrt(0.2) * generator.normal(size=(240, 2)) + (who >= 30)[:, None]
        values.append(permutation_test(images, who >= 30, who, permutations=1)[0])
        errors.append(jackknife_error(images, who >= 30, who))
        of_images.append(jackknife_error(images, who >= 30, np.arange(240)))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.2)
    assert np.mean(of_images) < 0.7 * np.std(values)


def test_the_fast_jackknife_equals_leaving_out_one_by_one():
    from latentomics.evaluation.mmd import _median_distance, _squared_distances

    values = np.random.default_rng(2).normal(size=(30, 3))
    who = np.repeat(np.arange(15), 2)
    second = who >= 8
    bandwidth = _median_distance(_squared_distances(values))
    variance = 0.0
    for group in (who[~second], who[second]):
        left = [who != patient for patient in np.unique(group)]
        found = [squared_mmd(values[~second & k], values[second & k], bandwidth) for k in left]
        variance += (len(found) - 1) * np.var(found)
    assert jackknife_error(values, second, who) == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_KA_21_2_patients_are_permuted_not_images():
    rejected = {"patients": 0, "images": 0}
    for number in range(60):
        generator = stream(0, "KA-21.2", number)
        who = np.repeat(np.arange(16), 5)
        images = np.sqrt(0.8) * generator.normal(size=(16, 3))[who]
        images = images + np.sqrt(0.2) * generator.normal(size=(80, 3))
        second = who >= 8
        for name, blocks in (("patients", who), ("images", np.arange(80))):
            _, p = permutation_test(images, second, blocks, permutations=99, seed=number)
            rejected[name] += p <= 0.05
    assert rejected["patients"] <= 8  # .04 published, 60 trials
    assert rejected["images"] >= 20  # .52 published


def test_KA_21_4_smallest_p():
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.normal(size=(30, 2)), 5 + generator.normal(size=(30, 2))])
    value, p = permutation_test(values, np.arange(60) >= 30, np.arange(60), permutations=999)
    assert p == pytest.approx(0.001)
    assert value > 0.3


def test_the_matrix_form_equals_the_loop():
    from latentomics.evaluation.mmd import _kernel, _squared_distances, _statistics

    generator = np.random.default_rng(1)
    values = generator.normal(size=(25, 3))
    members = np.stack([generator.permutation(25) < 11 for _ in range(4)])
    fast = _statistics(_kernel(_squared_distances(values), 1.3), members)
    slow = [squared_mmd(values[row], values[~row], 1.3) for row in members]
    np.testing.assert_allclose(fast, slow, rtol=1e-10)


def test_M2_of_large_sites_as_many_images_are_drawn_as_memory_affords(monkeypatch):
    module = sys.modules[permutation_test.__module__]  # its name is that of a function too

    monkeypatch.setattr(module, "MOST_IMAGES", 30)
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 2)
    sites = np.where(patients < 30, "A", "B").tolist()
    values = generator.normal(size=(120, 3)) + 3 * (patients >= 30)[:, None]
    sizes = []
    real = module.permutation_test

    def spy(features, *rest, **options):
        sizes.append(len(features))
        return real(features, *rest, **options)

    monkeypatch.setattr(module, "permutation_test", spy)
    (first,) = mmd("x", [values], sites, patients, permutations=99)
    (again,) = mmd("x", [values], sites, patients, permutations=99)
    assert first == again
    assert first.settings["patients"] == [15, 15]
    assert (first.n, first.settings["images"], sizes) == (30, 60, [60, 60])
    assert first.settings["p"] == 0.01


def test_a_site_of_patients_with_many_images_keeps_enough_of_them(monkeypatch):
    module = sys.modules[permutation_test.__module__]

    monkeypatch.setattr(module, "MOST_IMAGES", 30)
    patients = np.repeat(np.arange(24), 8)
    sites = np.where(patients < 12, "A", "B").tolist()
    values = np.random.default_rng(0).normal(size=(len(patients), 2))
    (found,) = mmd("x", [values], sites, patients, permutations=9)
    assert found.settings["patients"] == [10, 10]
    assert found.settings["images"] == 160


def test_pairs_of_sites_and_small_sites():
    generator = np.random.default_rng(0)
    sites = ["A"] * 40 + ["B"] * 40 + ["C"] * 6 + [None] * 4
    features = generator.normal(size=(90, 5))
    features[:40] += 2
    (result,) = mmd("latent", [features], sites, np.arange(90), permutations=199)
    assert result.settings["sites"] == ["A", "B"]
    assert result.settings["p"] == pytest.approx(1 / 200)
    assert result.n == 80
    assert mmd("latent", [features[:45]], sites[:45], np.arange(45)) == []


def test_equal_features_are_no_shift():
    (result,) = mmd("latent", [np.ones((40, 3))], ["A", "B"] * 20, np.arange(40), permutations=99)
    assert result.value == 0
    assert result.settings["p"] == 1


def site_parts(features):
    n = len(features)
    return [Part(train=np.arange(n // 2), test=np.arange(n // 2, n), blocks={"latent": [features]})]


def test_a_site_in_the_features_is_found_and_one_that_is_not_there_is_not():
    generator = np.random.default_rng(0)
    sites = list(generator.choice(["GE", "Siemens", "Philips"], 240))
    patients = np.arange(240)
    blank = generator.normal(size=(240, 8))
    marked = blank + 1.5 * np.pad(site_columns(sites), ((0, 0), (0, 5)))
    found = {r.metric: r for r in site_predictability(site_parts(marked), sites, patients)}
    assert found["auroc"].low > 0.6
    assert found["auroc"].settings["p"] == pytest.approx(1 / 200)
    assert found["auroc"].settings["chance"] == 0.5
    none = {r.metric: r for r in site_predictability(site_parts(blank), sites, patients)}
    assert none["auroc"].settings["p"] > 0.05


def test_site_p_is_uniform_when_patients_have_several_images():
    from latentomics.evaluation.site import _permutation_p, site_label

    low = 0
    for number in range(80):
        generator = stream(0, "site null", number)
        who = np.repeat(np.arange(48), 10)
        features = generator.normal(size=(48, 4))[who] + 0.3 * generator.normal(size=(480, 4))
        label = site_label(generator.choice(["A", "B"], 48)[who].tolist(), who)
        p = _permutation_p(label, "latent", site_parts(features), who, 39, number)
        low += p <= 0.1
    assert low <= 15  # 8 expected; permuting images instead of patients gives about 30


@pytest.mark.parametrize("tied", [False, True])
def test_permuted_sites_are_scored_as_one_by_one(tied):
    from latentomics.evaluation.site import SHRINKAGES, _areas, _Ridges

    generator = np.random.default_rng(0)
    rows, new = generator.normal(size=(60, 7)), generator.normal(size=(40, 7))
    sites = generator.integers(0, 3, (4, 100))[..., None] == np.arange(3)
    seen, truth = sites[:, :60].astype(float), sites[:, 60:]
    ridges = _Ridges.of(np.concatenate([rows, new]), np.arange(60), np.arange(60, 100))
    scores = ridges.scores(sites)
    mean = rows.mean(axis=0)
    gram = (rows - mean).T @ (rows - mean)
    for r, share in enumerate(SHRINKAGES):
        slopes = np.linalg.solve(gram + share * np.trace(gram) * np.eye(7), (rows - mean).T)
        for p in range(4):
            expected = (new - mean) @ slopes @ (seen[p] - seen[p].mean(axis=0))
            np.testing.assert_allclose(scores[r, p], expected, atol=1e-10)
    scores = scores.round(1) if tied else scores
    for r, p in ((0, 0), (2, 3)):
        each = [roc_auc_score(truth[p, :, s], scores[r, p, :, s]) for s in range(3)]
        assert _areas(scores, truth)[r, p] == pytest.approx(np.mean(each), abs=1e-12)


def test_M2_permuted_sites_do_not_depend_on_how_many_memory_holds(monkeypatch):
    from latentomics.evaluation import statistics

    generator = np.random.default_rng(3)
    features, who = generator.normal(size=(80, 4)), np.arange(80) // 2
    sites = generator.choice(["A", "B", "C"], 40)[who].tolist()
    found = []
    for together in (10**7, 2000):
        monkeypatch.setattr(statistics, "TOGETHER", together)
        found.append(site_predictability(site_parts(features), sites, who, permutations=39))
    assert found[0] == found[1]
    assert 0 < found[0][0].settings["p"] < 1


def test_one_site_gives_no_record():
    features = np.zeros((40, 2))
    assert site_predictability(site_parts(features), ["A"] * 40, np.arange(40)) == []


def test_permutations_with_one_site_among_few_scored_rows_do_not_count():
    from latentomics.evaluation.site import _permutation_p, site_label

    who = np.arange(24)
    label = site_label(["A", "B"] * 12, who)
    features = np.random.default_rng(0).normal(size=(24, 2))
    features[20:] = 1.0  # every AUROC is one half, as large as the observed
    blocks = {"latent": [features]}
    parts = [Part(train=np.arange(20), test=np.arange(20, 24), blocks=blocks)]
    assert _permutation_p(label, "latent", parts, who, 99, 0) == 1.0
