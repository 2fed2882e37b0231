"""Scores of codes whose relation to the factors is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from latentomics.evaluation import disentanglement, factors_of
from latentomics.evaluation.disentanglement import rotated
from latentomics.evaluation.factor_gaps import (
    Factor,
    binned,
    gap,
    information,
    information_gap,
    separation,
)
from latentomics.evaluation.factor_importance import (
    completeness_of,
    disentanglement_of,
    tree_importance,
)
from latentomics.evaluation.factor_votes import draw_ballot, factor_score
from latentomics.evaluation.unsupervised_ranking import matching, udr

N = 20_000
HALVES = np.arange(N) % 2
TURN = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)  # by 45 degrees


def named(values):
    return [Factor(name=f"f{place}", values=column) for place, column in enumerate(values.T)]


@pytest.fixture(scope="module")
def levels():
    """Two uniform factors of ten levels."""
    return np.random.default_rng(0).integers(10, size=(N, 2)).astype(float)


def sap(codes, factors):
    return gap(separation(codes, factors, HALVES[: len(codes)])).mean()


def votes(codes, factors, seed=0):
    return factor_score(codes, draw_ballot(factors, seed=seed))


def test_KA_24_1_a_code_that_is_the_factors(levels):
    factors = named(levels)
    assert information_gap(levels, factors).mean() == pytest.approx(0.999, abs=5e-4)
    assert sap(levels, factors) == pytest.approx(1.000, abs=5e-4)
    assert votes(levels, factors) == 1
    noise = np.random.default_rng(1).normal(size=(N, 2))
    assert votes(np.concatenate([levels, noise], axis=1), factors) == 1  # noise is never stillest
    assert disentanglement_of(np.eye(2)) == completeness_of(np.eye(2)) == 1


def test_KA_24_1_the_same_code_turned_by_45_degrees(levels):
    factors, turned = named(levels), levels @ TURN
    assert information_gap(turned, factors).mean() == pytest.approx(0.006, abs=0.004)
    assert sap(turned, factors) < 0.02
    scores = [votes(turned, factors, seed) for seed in range(5)]
    assert np.mean(scores) == pytest.approx(0.5, abs=0.03)  # chance; .49 for one seed


def test_KA_24_1_a_code_that_says_everything_twice(levels):
    factors = named(levels)
    twice = np.concatenate([levels[:, :1], levels], axis=1)  # the first factor twice
    assert information_gap(twice, factors).mean() == pytest.approx(0.5, abs=1e-3)
    assert sap(twice, factors) == pytest.approx(0.5, abs=1e-3)
    assert disentanglement_of(np.array([[0.5, 0], [0.5, 0], [0, 1.0]])) == 1  # stays high


def test_KA_24_1_importances_with_closed_forms():
    assert disentanglement_of(np.ones((3, 4))) == pytest.approx(0, abs=1e-12)
    assert completeness_of(np.ones((3, 4))) == pytest.approx(0, abs=1e-12)
    some = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert disentanglement_of(some) == pytest.approx(0.404538, abs=5e-7)
    assert completeness_of(some) == pytest.approx(0.397313, abs=5e-7)
    unused = np.vstack([some, np.zeros(2)])
    assert disentanglement_of(unused) == pytest.approx(0.404538, abs=5e-7)
    assert np.isnan(disentanglement_of(np.ones((3, 1))))


def test_KA_24_1_trees_read_each_factor_from_its_latent(levels):
    few, patients = levels[:1000], np.arange(1000)
    own = tree_importance(few, named(few), patients)
    assert disentanglement_of(own.matrix) > 0.98
    assert completeness_of(own.matrix) > 0.98
    assert own.told.min() > 0.99
    mixed = tree_importance(few @ TURN, named(few), patients)
    assert disentanglement_of(mixed.matrix) < 0.1
    assert mixed.told.min() > 0.8  # nothing is lost, only mixed


def test_KA_24_1_udr_of_a_permutation_and_of_a_turned_pair():
    draws = np.random.default_rng(0).normal(size=(N, 4))
    found = udr({"a": draws, "b": -draws[:, [2, 0, 3, 1]]}, latents=4)
    assert [one.value for one in found] == pytest.approx([1, 1], abs=0.03)
    assert matching(np.eye(4)[[2, 0, 3, 1]]) == 1
    assert matching(np.abs(TURN)) == pytest.approx(0.353553, abs=5e-7)
    ranks = udr({"a": draws[:, :2], "b": draws[:, :2] @ TURN}, latents=2)
    spearman = 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2)  # of Gaussians that correlate by .7071
    assert ranks[0].value == pytest.approx(spearman / 2, abs=0.01)


@pytest.mark.parametrize("latents", [4, 8])
def test_udr_of_codes_that_are_rotations_of_each_other_is_far_from_1(latents):
    draws = np.random.default_rng(latents)
    found = []
    for _ in range(20):
        code = draws.normal(size=(300, latents))
        found.append(udr({"a": code, "b": rotated(code, draws)}, latents=latents)[0].value)
    assert np.mean(found) == pytest.approx(1.4 / latents, rel=0.15)


def test_udr_is_the_median_over_the_others_and_0_for_a_collapsed_model():
    draws = np.random.default_rng(0).normal(size=(500, 3))
    codes = {"a": draws, "b": draws[:, ::-1], "c": draws, "gone": draws[:, :0]}
    found = {one.features: one for one in udr(codes, latents=3)}
    assert found["gone"].value == 0
    assert found["a"].value > 0.9
    assert found["a"].settings["with"]["gone"] == 0
    assert found["gone"].settings["in_use"] == 0
    assert matching(np.eye(2, 4)) == pytest.approx((2 + 2) / 6)  # two of four are found again
    assert udr({"a": draws}, latents=3) == []
    assert udr({"a": draws[:10], "b": draws[:10]}, latents=3) == []


def test_information_agrees_with_scikit_learn_and_with_a_closed_form(levels):
    from sklearn.metrics import mutual_info_score

    draws = np.random.default_rng(1)
    codes = draws.normal(size=(5000, 3))
    factors = [
        Factor(name="number", values=codes[:, 0] + 0.5 * draws.normal(size=5000)),
        Factor(name="words", values=(codes[:, 1] > 0).astype(float), classes=2),
    ]
    shared, entropies = information(codes, factors)
    for latent in range(3):
        for place, factor in enumerate(factors):
            theirs = mutual_info_score(binned(codes[:, latent]), binned(factor.values))
            assert shared[latent, place] == pytest.approx(theirs, abs=1e-9)
    assert entropies[1] == pytest.approx(np.log(2), abs=1e-3)
    _, uniform = information(levels, named(levels))
    assert uniform == pytest.approx([np.log(10)] * 2, abs=1e-3)


def test_separation_agrees_with_numpy_and_counts_words_by_the_nearest_mean():
    draws = np.random.default_rng(2)
    codes = draws.normal(size=(4000, 2))
    number = codes[:, 0] + draws.normal(size=4000)
    words = (codes[:, 1] + 0.5 * draws.normal(size=4000) > 0).astype(float)
    factors = [Factor(name="a", values=number), Factor(name="b", values=words, classes=2)]
    found = separation(codes, factors, np.arange(4000) % 2)
    expected = [np.corrcoef(column, number)[0, 1] ** 2 for column in codes.T]
    assert found[:, 0] == pytest.approx(expected, abs=1e-12)
    # the sign of one Gaussian told from another that correlates by r: 1/2 + arcsin(r) / pi
    right = 0.5 + np.arcsin(1 / np.sqrt(1.25)) / np.pi
    assert found[:, 1] == pytest.approx([0.5, right], abs=0.02)


def made(n=400, factors=4, noise=0.15, seed=0):
    """Return independent uniform factors, and a code that holds each in one noisy latent."""
    draws = np.random.default_rng(seed)
    known = draws.uniform(-1, 1, (n, factors))
    return named(known), known / known.std() + noise * draws.normal(size=(n, factors))


def scored(codes, factors, **more):
    found = disentanglement("latent", codes, factors, np.arange(len(codes)), **more)
    return {one.metric: one for one in found}


def test_yes_where_every_latent_is_a_factor_and_no_where_none_is():
    factors, own = made()
    yes = scored(own, factors)
    assert all(yes[name].settings["beyond_rotations"] for name in ("mig", "sap", "factorvae_score"))
    assert yes["mig"].value > 2 * yes["mig"].settings["rotated_95"]
    assert yes["disentanglement"].value > 0.8
    assert yes["completeness"].value > 0.8
    assert yes["informativeness"].value > 0.7
    turned = scored(rotated(own, np.random.default_rng(3)), factors)
    assert not turned["mig"].settings["beyond_rotations"]
    assert not turned["sap"].settings["beyond_rotations"]
    assert turned["disentanglement"].value < 0.5 * yes["disentanglement"].value
    assert turned["informativeness"].value > 0.6  # it knows them, along other axes
    noise = scored(np.random.default_rng(4).normal(size=own.shape), factors)
    assert not noise["mig"].settings["beyond_rotations"]
    assert not noise["sap"].settings["beyond_rotations"]
    assert noise["informativeness"].value < 0.05


@pytest.mark.slow
def test_a_code_without_axes_exceeds_its_rotations_by_chance_alone():
    beyond = []
    for seed in range(40):
        factors, own = made(n=200, factors=3, seed=seed)
        turned = rotated(own, np.random.default_rng(100 + seed))
        beyond.append(scored_axes(turned, factors, seed))
    assert np.mean(beyond) < 0.2  # .05 + 4 standard errors


def scored_axes(codes, factors, seed):
    from latentomics.evaluation.disentanglement import _of_axes

    found = _of_axes(codes, factors, np.arange(len(codes)), [], seed)
    return next(more["beyond_rotations"] for metric, _, more in found if metric == "mig")


def test_D1_records_are_the_same_for_a_seed_and_say_how_they_came_about():
    factors, own = made(n=100, factors=2)
    some = scored(np.c_[own, np.full(100, 3.0)], factors, names=["a", "b", "c"], seed=5)
    again = scored(np.c_[own, np.full(100, 3.0)], factors, names=["a", "b", "c"], seed=5)
    assert some == again
    mig = some["mig"].settings
    assert (mig["bins"], mig["seed"], mig["cases"]) == (20, 5, 100)
    assert (mig["columns"], mig["in_use"], mig["rotations"]) == (3, 2, 49)
    assert mig["by_latent"]["names"] == ["a", "b"]  # c never varies
    assert np.shape(mig["by_latent"]["values"]) == (2, 2)
    # 100 cases: the bias of a histogram is about (bins - 1)^2 / 2n nats, of an entropy of log 20
    assert mig["shuffled"] == pytest.approx(19**2 / 200 / np.log(20), rel=0.3)
    gaps = mig["by_factor"]["values"]
    assert np.mean(gaps) == pytest.approx(some["mig"].value, abs=1e-4)
    assert some["factorvae_score"].settings["chance"] == 0.5


def test_collapsed_latents_few_cases_and_one_factor():
    factors, own = made(n=60)
    dead = own * [1, 1, 1, 0.05]  # variance below .01 of a Gaussian code
    assert scored(dead, factors, gaussian=True)["mig"].settings["in_use"] == 3
    assert scored(own[:40], [Factor(name=f.name, values=f.values[:40]) for f in factors]) == {}
    assert scored(own, factors[:1]) == {}
    assert scored(own * [1, 0, 0, 0], factors) == {}


@dataclass
class Labelled:
    name: str
    kind: str
    values: tuple
    positive: str | None = None


def test_labels_become_factors_and_unknown_cases_are_left_out():
    labels = [
        Labelled("size", "continuous", (1.0, 2.0, None, 4.0)),
        Labelled("shape", "classes", ("round", "long", "long", "odd")),
    ]
    factors, rows = factors_of(labels)
    assert rows.tolist() == [0, 1, 3]
    assert (factors[0].classes, factors[0].values.tolist()) == (0, [1.0, 2.0, 4.0])
    assert (factors[1].classes, factors[1].values.tolist()) == (3, [2.0, 0.0, 1.0])


def test_words_are_told_as_well_as_numbers():
    draws = np.random.default_rng(0)
    kinds = draws.integers(3, size=300)
    factors = [
        Factor(name="kind", values=kinds.astype(float), classes=3),
        Factor(name="size", values=draws.uniform(size=300)),
    ]
    codes = np.stack([kinds + 0.1 * draws.normal(size=300), 3 * factors[1].values], axis=1)
    found = scored(codes, factors)
    assert found["informativeness"].value > 0.9
    assert found["sap"].value > 0.5
    assert found["mig"].settings["beyond_rotations"]
