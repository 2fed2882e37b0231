"""Label efficiency: nested subsets, what a code saves, and the rule of thumb."""

import dataclasses
import json

import numpy as np
import pytest

from latentomics.core import RequestError, plain
from latentomics.evaluation import Part, label_curve, label_efficiency
from latentomics.evaluation.label_curve import _law, _saved, counts_to, heuristic_share
from latentomics.evaluation.labels import Curves, _stratified_order, _take
from latentomics.evaluation.scoring import truth_of


@dataclasses.dataclass
class Label:
    values: list
    kind: str = "binary"
    name: str = "label"
    positive: str | None = None


def cohort(n=360, values=200, seed=0):
    """One number tells the label; raw values hide it among many of pure noise."""
    generator = np.random.default_rng(seed)
    truth = np.arange(n) % 2 == 0
    code = generator.normal(size=(n, 2))
    code[:, 0] += 2.2 * truth
    rotation, _ = np.linalg.qr(generator.normal(size=(values, values)))
    raw = np.hstack([code, generator.normal(size=(n, values - 2))]) @ rotation
    part = Part(
        train=np.arange(2 * n // 3),
        test=np.arange(2 * n // 3, n),
        blocks={
            "latent": [code],
            "raw": [raw],
            "random/0": [raw[:, :3]],
            "random/1": [raw[:, 3:6]],
        },
    )
    return truth, part


def by(results, features, metric):
    return [r for r in results if (r.features, r.metric) == (features, metric)]


def test_KA_22_1_heuristic_of_parameters():
    assert heuristic_share(64, 1024) == pytest.approx(0.063415, abs=1e-6)


def test_a_code_of_two_numbers_saves_labels_over_two_hundred_values():
    truth, part = cohort()
    label = Label(values=truth.astype(float).tolist())
    results = label_curve(label, part, np.arange(360), raw_values=200, seeds=4, draws=60)
    counts = [r.settings["n_labels"] for r in by(results, "latent", "auroc")]
    assert counts == [10, 20, 40, 80, 240]
    (saved,) = by(results, "latent", "labels_over_raw")
    assert saved.value < 0.4
    assert saved.low <= saved.value <= saved.high
    assert saved.settings["heuristic"] == pytest.approx(3 / 201)
    assert saved.settings["labels"][0] < saved.settings["labels"][1] <= 240
    (needed,) = by(results, "raw", "labels_for_95")
    assert needed.value > by(results, "latent", "labels_for_95")[0].value
    assert {"scored", "fewest", "level"} <= set(needed.settings)
    json.dumps(plain(results), allow_nan=False)


def test_a_baseline_that_reaches_nothing_sets_no_goal():
    counts = (10, 20, 40, 80)
    jitter = np.random.default_rng(0).normal(scale=0.002, size=(31, 4))
    below, above = (level - 0.3 / np.sqrt(counts) + jitter for level in (0.52, 0.9))
    curves = Curves(
        metric="auroc",
        counts=counts,
        values={"latent": above, "size": below, "pca": above - 0.1},
        scored=30,
        seeds=4,
    )
    laws = {name: _law(curves, values) for name, values in curves.values.items()}
    assert {r.metric for r in _saved("label", curves, laws, {"latent": 2}, None)} == {
        "labels_over_pca"
    }


def test_a_quantity_has_curves_of_r2_and_classes_are_refused():
    _, part = cohort()
    values = part.blocks["latent"][0][:, 0] + np.random.default_rng(1).normal(size=360)
    label = Label(values=values.tolist(), kind="continuous")
    few, *_, many = by(label_curve(label, part, np.arange(360), seeds=3, draws=40), "latent", "r2")
    assert few.value < many.value
    words = Label(values=["a", "b", "c"] * 120, kind="classes")
    with pytest.raises(RequestError, match="label==WORD"):
        label_curve(words, part, np.arange(360))


def test_METHODS_22_subsets_are_nested_stratified_and_whole_patients():
    patients = np.arange(300) // 3
    values = (patients % 5 == 0).astype(float)
    part = Part(train=np.arange(240), test=np.arange(240, 300), blocks={})
    order = _stratified_order(truth_of(Label(values=values.tolist())), part, patients, 0, 0)
    small, large = (_take(order, patients, count) for count in (20, 40))
    assert set(small) < set(large)
    assert len(np.unique(patients[small])) == 20
    assert len(small) == 60
    assert values[small].mean() == pytest.approx(0.2, abs=0.051)


def test_the_default_of_a_run_is_one_number_of_the_curve():
    truth, part = cohort()
    label = Label(values=truth.astype(float).tolist())
    few = label_efficiency(label, part, np.arange(360), n_labels=(40,), seeds=3, draws=40)
    curve = label_curve(label, part, np.arange(360), seeds=3, draws=40)
    same = [r for r in curve if r.settings.get("n_labels") == 40]
    assert [r.value for r in few] == [r.value for r in same]


def test_counts_double_up_to_all():
    assert counts_to(45) == (10, 20, 45)
    assert counts_to(7) == (7,)
