"""Encoders trained on few labels: nested subsets, what stops them, and their curve."""

import dataclasses

import numpy as np
import pytest

from latentomics.evaluation import Part, label_curve, lessons, taught_curve
from latentomics.evaluation.labels import _stratified_order, _take
from latentomics.evaluation.scoring import truth_of


@dataclasses.dataclass
class Label:
    values: list
    kind: str = "binary"
    name: str = "label"
    positive: str | None = None


def cohort(kind="binary", n=240):
    draws = np.random.default_rng(0)
    truth = np.arange(n) % 2 if kind == "binary" else draws.normal(size=n)
    code = draws.normal(size=(n, 3)) + 2.0 * truth[:, None]
    part = Part(train=np.arange(160), test=np.arange(160, n), blocks={"latent": [code]})
    return Label(values=truth.astype(float).tolist(), kind=kind), part, np.arange(n)


def perfect(label, plan):
    """What an encoder says that knows the label from the first."""
    scores = {}
    for lesson in plan:
        scores.setdefault(lesson.labelled, []).append(np.array(label.values))
    return scores


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_METHODS_29_trainings_have_the_subsets_of_the_probe(kind):
    label, part, patients = cohort(kind)
    plan = lessons(label, part, patients, seed=3)
    assert [one.labelled for one in plan] == [10] * 5 + [20] * 5 + [80] * 5 + [160] * 5
    for number, one in enumerate(plan):
        order = _stratified_order(truth_of(label), part, patients, 3, number % 5)
        of_probe = _take(order, patients, one.labelled)
        assert set(one.train) | set(one.stop) == set(of_probe)
        assert not set(one.train) & set(one.stop)
        assert len(one.stop) == one.labelled // 5
    smaller, larger = plan[0], plan[15]
    assert set(smaller.train) <= set(larger.train) | set(larger.stop)


def test_L1_a_patient_trains_or_stops_and_both_classes_do_both():
    label, part, _ = cohort()
    patients = np.arange(240) // 4  # every patient has both classes
    label.values = (np.arange(240) // 4 % 2).astype(float).tolist()
    for one in lessons(label, part, patients):
        assert not set(patients[one.train]) & set(patients[one.stop])
        for rows in (one.train, one.stop):
            assert len({label.values[row] for row in rows}) == 2


def test_a_curve_of_trained_encoders_stands_beside_the_code():
    label, part, patients = cohort()
    scores = perfect(label, lessons(label, part, patients))
    taught = taught_curve(label, part, patients, scores, draws=50)
    np.testing.assert_array_equal(taught.values["supervised"], 1.0)
    results = label_curve(label, part, patients, taught=taught, seeds=4, draws=50)
    own = [r for r in results if r.features == "supervised"]
    assert [r.settings["n_labels"] for r in own if r.metric == "auroc"] == [10, 20, 80, 160]
    assert all(r.settings["draws_of_labels"] == 5 for r in own)
    (needed,) = (r for r in own if r.metric == "labels_for_95")
    assert needed.value == 10
    ahead = [r for r in results if r.metric == "auroc_minus_supervised"]
    latent = [r for r in results if (r.features, r.metric) == ("latent", "auroc")]
    of_code = {r.settings["n_labels"]: r.value for r in latent}
    assert [r.value for r in ahead] == pytest.approx(
        [of_code[r.settings["n_labels"]] - 1 for r in ahead]
    )
    assert all("p" in r.settings for r in ahead)
    (over,) = (r for r in results if r.metric == "labels_over_supervised")
    assert over.value > 1
