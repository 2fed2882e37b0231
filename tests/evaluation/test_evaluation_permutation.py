"""Labels dealt out at random: chance where the probe is right, more where something leaks."""

import dataclasses

import numpy as np

from latentomics.evaluation import Part, permutation
from latentomics.evaluation.permutation import permuted
from latentomics.evaluation.scoring import truth_of


@dataclasses.dataclass
class Label:
    values: list
    kind: str = "binary"
    name: str = "label"
    positive: str | None = None


def cohort(n=200):
    generator = np.random.default_rng(0)
    patients = np.arange(n) // 2
    truth = (generator.random(n // 2) < 0.5)[patients]
    rows = generator.normal(size=(n, 4)) + 2.0 * truth[:, None]
    # what the patient looks like, whatever the label: images of one patient are alike
    rows += 3 * generator.normal(size=(n // 2, 4))[patients]
    return patients, Label(values=truth.astype(float).tolist()), rows


def test_KA_22_a_right_split_gives_chance_on_permuted_labels():
    patients, label, rows = cohort()
    part = Part(train=np.arange(120), test=np.arange(120, 200), blocks={"latent": [rows]})
    (found,) = permutation(label, [part], patients, permutations=40)
    assert abs(found.value - 0.5) < 0.04
    assert found.settings["at_chance"] is True
    assert found.settings["true_label"] > 0.6
    assert found.n == 40


def test_KA_22_a_patient_on_both_sides_is_found():
    patients, label, rows = cohort()
    rows = np.repeat(np.random.default_rng(1).normal(size=(100, 60)), 2, axis=0)
    leaking = Part(train=np.arange(0, 200, 2), test=np.arange(1, 200, 2), blocks={"latent": [rows]})
    (found,) = permutation(label, [leaking], patients, permutations=20)
    assert found.value > 0.8
    assert found.settings["at_chance"] is False


def test_labels_of_a_patient_stay_together_and_their_number_stays():
    patients = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    truth = truth_of(Label(values=[1.0, 1.0, 0.0, 0.0, 1.0, 1.0, None, 0.0]))
    seen = set()
    for seed in range(30):
        dealt = permuted(truth, patients, np.random.default_rng(seed))
        assert dealt.columns[truth.known].sum() == 4
        assert not dealt.columns[6].any()
        seen.add(tuple(dealt.columns[:, 0].tolist()))
    assert len(seen) > 3
