"""Probes: known answers, leakage and failure."""

import dataclasses
import json

import numpy as np
import pytest

from latentomics.core import plain
from latentomics.evaluation import Part, default_comparisons, label_efficiency, linear, probe
from latentomics.evaluation.scoring import score_sets, truth_of


@dataclasses.dataclass
class Label:
    values: list
    kind: str = "binary"
    name: str = "label"
    positive: str | None = None


def cohort(n=300, seed=0):
    """Two images a patient; a block that knows the label and one that does not."""
    generator = np.random.default_rng(seed)
    patients = np.arange(n) // 2
    truth = (generator.random(n // 2) < 0.4)[patients]
    knows = generator.normal(size=(n, 6)) * np.array([4, 3, 2, 1, 0.5, 0.1])
    knows[:, 1] += 4 * truth
    noise = generator.normal(size=(n, 6))
    return patients, truth, knows, noise


def split(n, blocks):
    return Part(train=np.arange(2 * n // 3), test=np.arange(2 * n // 3, n), blocks=blocks)


def by(results, features, metric):
    return next(r for r in results if (r.features, r.metric) == (features, metric))


def test_a_planted_label_is_found_and_compared():
    patients, truth, knows, noise = cohort()
    blocks = {
        "latent": [knows],
        "random/0": [noise],
        "random/1": [noise[:, ::-1]],
        "size": [noise[:, :1]],
    }
    results = probe(Label(values=truth.astype(float).tolist()), [split(300, blocks)], patients)
    found = by(results, "latent", "auroc")
    assert 0.7 < found.low < found.value < found.high <= 1
    assert found.n == 50
    assert found.settings["cases"] == 100
    random = by(results, "random", "auroc")
    assert random.value == pytest.approx(np.mean(random.settings["by_seed"]))
    assert random.low < 0.5 < random.high
    gain = by(results, "latent", "auroc_minus_random")
    assert gain.value == pytest.approx(found.value - random.value)
    assert gain.low > 0
    assert gain.settings["p"] < 0.01
    json.dumps(plain(results), allow_nan=False)


def test_KA_22_calibration_of_a_probe_is_that_of_its_log_odds_with_their_prevalence():
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(4000, 1))
    truth = generator.random(4000) < 1 / (1 + np.exp(1.5 - 2 * rows[:, 0]))
    part = Part(train=np.arange(2000), test=np.arange(2000, 4000), blocks={"latent": [rows]})
    label = Label(values=truth.astype(float).tolist())
    results = probe(label, [part], np.arange(4000), draws=200, calibrated=True)
    assert by(results, "latent", "calibration_slope").value == pytest.approx(1, abs=0.15)
    assert by(results, "latent", "calibration_intercept").value == pytest.approx(0, abs=0.15)
    assert by(results, "latent", "brier").value < truth.mean() * (1 - truth.mean())
    assert by(results, "latent", "calibration_error").low is None
    assert "brier" not in {r.metric for r in probe(label, [part], np.arange(4000), draws=20)}


def test_KA_22_2_delong_stands_beside_the_bootstrap_where_images_are_patients():
    patients, truth, knows, noise = cohort()
    part = split(300, {"latent": [knows], "pca": [noise]})
    label = Label(values=truth.astype(float).tolist())
    alone = by(probe(label, [part], np.arange(300), draws=200), "latent", "auroc_minus_pca")
    assert alone.settings["p_delong"] < 0.01
    twice = by(probe(label, [part], patients, draws=200), "latent", "auroc_minus_pca")
    assert "p_delong" not in twice.settings


def test_a_shuffled_label_is_not_above_chance():
    patients, truth, knows, _ = cohort()
    shuffled = np.random.default_rng(5).permutation(truth.reshape(-1, 2)).ravel()
    results = probe(
        Label(values=shuffled.astype(float).tolist()), [split(300, {"latent": [knows]})], patients
    )
    found = by(results, "latent", "auroc")
    assert found.low < 0.5 < found.high


def test_L2_noise_in_place_of_the_test_set_changes_no_fitted_parameter(monkeypatch):
    patients, truth, knows, _ = cohort()
    noisy = knows.copy()
    noisy[200:] = np.random.default_rng(9).normal(size=(100, 6)) * 50
    fits = []
    original = linear.logistic
    monkeypatch.setattr(
        linear, "logistic", lambda *a: fits.append(original(*a).tobytes()) or original(*a)
    )
    for rows in (knows, noisy):
        probe(
            Label(values=truth.astype(float).tolist()),
            [split(300, {"latent": [rows]})],
            patients,
            draws=10,
        )
    assert fits[0] == fits[2]
    assert fits[1] == fits[3]


def test_folds_score_each_case_once_out_of_its_fold():
    patients, truth, knows, _ = cohort()
    fold = patients % 5
    parts = [
        Part(
            train=np.flatnonzero(fold != k),
            test=np.flatnonzero(fold == k),
            blocks={"latent": [knows]},
        )
        for k in range(5)
    ]
    label = Label(values=truth.astype(float).tolist())
    found = by(probe(label, parts, patients), "latent", "auroc")
    assert found.n == 150
    assert len(found.settings["by_fold"]) == 5
    assert found.settings["fold_mean"] == pytest.approx(np.mean(found.settings["by_fold"]))
    scores = score_sets(truth_of(label), parts, patients, seed=0)["latent"].values[0, :, 0]
    alone = score_sets(truth_of(label), parts[1:2], patients, seed=0)["latent"].values[0, :, 0]
    np.testing.assert_array_equal(scores[fold == 1], alone[fold == 1])


def test_a_continuous_target_gives_r2():
    patients, _, knows, _ = cohort()
    values = knows @ np.array([1.0, 0, 1, 0, 0, 0]) + np.random.default_rng(2).normal(size=300)
    results = probe(
        Label(values=values.tolist(), kind="continuous"),
        [split(300, {"latent": [knows]})],
        patients,
    )
    assert by(results, "latent", "r2").value == pytest.approx(20 / 21, abs=0.03)
    assert by(results, "latent", "mae").value == pytest.approx(np.sqrt(2 / np.pi), abs=0.15)
    assert {r.metric for r in results} == {"r2", "spearman", "mae"}


def test_classes_are_scored_one_against_the_rest():
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 3, 300)
    rows = generator.normal(size=(300, 4)) + 3 * np.eye(3, 4)[classes]
    label = Label(values=[f"class {c}" for c in classes], kind="classes")
    found = by(probe(label, [split(300, {"latent": [rows]})], np.arange(300)), "latent", "auroc")
    assert found.value > 0.95
    assert found.settings["classes"] == ["class 0", "class 1", "class 2"]


def test_unknown_labels_are_left_out_and_a_missing_class_gives_no_record():
    patients, truth, knows, _ = cohort()
    values = truth.astype(float).tolist()
    values[:50] = [None] * 50
    part = split(300, {"latent": [knows]})
    found = by(probe(Label(values=values), [part], patients, draws=50), "latent", "auroc")
    assert found.settings["train_cases"] == [150]
    values = [v if i < 200 else 0.0 for i, v in enumerate(values)]
    assert probe(Label(values=values), [part], patients) == []


def test_the_positive_word_is_the_one_that_is_named():
    label = Label(values=["yes", "no", None], positive="no")
    truth = truth_of(label)
    assert truth.columns[:, 0].tolist() == [False, True, False]
    assert truth.known.tolist() == [True, True, False]
    assert truth_of(Label(values=[0.0, 1.0], positive="1")).columns[:, 0].tolist() == [False, True]


def test_learned_sets_with_size_are_compared_with_baselines_with_size():
    names = ("latent", "latent+size", "pca", "pca+size", "random", "random+size", "size")
    pairs = default_comparisons(names)
    assert pairs["latent"] == ("pca", "random", "size")
    assert pairs["latent+size"] == ("pca+size", "random+size", "size")
    pairs = default_comparisons(("latent+pooled", "pooled", "random", "random+pooled", "pca"))
    assert pairs == {"latent+pooled": ("pca", "random+pooled"), "pooled": ("pca", "random+pooled")}


def test_label_efficiency_rises_with_labels_and_is_nested():
    patients, truth, knows, noise = cohort(600)
    part = split(600, {"latent": [knows], "pca": [noise]})
    label = Label(values=truth.astype(float).tolist())
    results = label_efficiency(label, part, patients, n_labels=(10, 100), seeds=6, draws=100)
    few, many = [r for r in results if (r.features, r.metric) == ("latent", "auroc")]
    assert (few.settings["n_labels"], many.settings["n_labels"]) == (10, 100)
    assert 0.6 < few.value < many.value
    gain = [r for r in results if r.metric == "auroc_minus_pca"][1]
    assert gain.low > 0


def test_probe_is_fast():
    import time

    generator = np.random.default_rng(0)
    rows = generator.normal(size=(1000, 300))
    truth = rows[:, 0] + generator.normal(size=1000) > 0
    fold = np.arange(1000) % 5
    parts = [
        Part(
            train=np.flatnonzero(fold != k),
            test=np.flatnonzero(fold == k),
            blocks={"latent": [rows]},
        )
        for k in range(5)
    ]
    start = time.process_time()
    probe(Label(values=truth.astype(float).tolist()), parts, np.arange(1000))
    assert time.process_time() - start < 20
