"""Methods over seeds: closed forms of the lead, and choices that no test case takes part in."""

from dataclasses import dataclass

import numpy as np
import pytest

from latentomics.evaluation import development_score, leads, mean_ranks, rank_correlation


@dataclass
class Label:
    values: list
    name: str = "ill"
    kind: str = "binary"
    positive: str | None = None


def two_sided(t):
    return 1 - t / np.sqrt(t**2 + 2)  # closed form of Student's t with two degrees of freedom


@pytest.mark.parametrize("ratio", [0.0, 0.25])
def test_the_lead_over_three_seeds_is_the_corrected_t_test_of_nadeau_and_bengio(ratio):
    winner, other = np.array([2.0, 4.0, 6.0]), np.array([[1.0, 2.0, 3.0]])
    (lead,) = leads(winner, other, ratio)
    error = np.sqrt(1 / 3 + ratio)  # the differences 1, 2, 3 have variance 1
    assert lead.mean == pytest.approx(2)
    assert lead.p == pytest.approx(two_sided(2 / error))
    assert lead.high - lead.mean == pytest.approx(4.302653 * error, rel=1e-6)
    assert not lead.clear


def test_p_values_are_corrected_for_the_number_of_others():
    winner = np.array([2.0, 4.0, 6.0])
    near, far = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.99, 5.01])
    alone = leads(winner, far[None], 0.0)[0].p
    both = leads(winner, np.stack([near, far]), 0.0)
    assert both[1].p == pytest.approx(2 * alone)
    assert both[0].p == pytest.approx(two_sided(2 * np.sqrt(3)))
    assert both[1].clear


def test_methods_that_are_the_same_are_not_apart():
    (lead,) = leads(np.array([0.7, 0.8]), np.array([[0.7, 0.8]]), 0.2)
    assert (lead.mean, lead.low, lead.high, lead.p, lead.clear) == (0, 0, 0, 1, False)


def test_seed_noise_alone_is_rarely_called_a_lead():
    rng = np.random.default_rng(0)
    clear = [leads(a, b[None], 0.0)[0].clear for a, b in rng.normal(size=(1000, 2, 3))]
    assert np.mean(clear) == pytest.approx(0.05, abs=0.02)


def test_ranks_and_their_correlation():
    assert mean_ranks([np.array([3.0, 2.0, 1.0]), np.array([1.0, 1.0, 2.0])]).tolist() == [
        1.75,
        2.25,
        2.0,
    ]
    assert rank_correlation(np.arange(4.0), np.array([1.0, 2.0, 3.0, 9.0])) == pytest.approx(1)
    assert rank_correlation(np.arange(3.0), np.array([0.0, 2.0, 1.0])) == pytest.approx(0.5)
    assert rank_correlation(np.arange(2.0), np.arange(2.0)) is None
    assert rank_correlation(np.arange(3.0), np.ones(3)) is None


def test_L4_the_score_of_a_choice_looks_at_no_test_case():
    rng = np.random.default_rng(0)
    label = Label([float(value) for value in np.arange(80) % 2])
    known = np.array(label.values)[:, None] + 0.3 * rng.normal(size=(80, 3))
    rows, patients = np.arange(60), np.arange(80)
    told = development_score(label, known, rows, patients)
    assert told.value > 0.95
    assert told.n == 60
    noise = np.where(np.arange(80)[:, None] < 60, known, rng.normal(size=(80, 3)))
    assert development_score(label, noise, rows, patients) == told
    nothing = development_score(label, rng.normal(size=(80, 3)), rows, patients)
    assert 0.3 < nothing.value < 0.7
