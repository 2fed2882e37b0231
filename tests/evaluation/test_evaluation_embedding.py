"""Maps of two axes, judged against the space that they show."""

import numpy as np
import pytest

from latentomics.evaluation import averaged, embedding, principal_map
from latentomics.evaluation.embedding import (
    chance_trust,
    overlap,
    rescaled_overlap,
    trustworthiness,
)


def test_KA_25_1_the_space_itself_and_a_map_without_relation():
    draws = np.random.default_rng(0)
    space = draws.normal(size=(100, 6))
    assert trustworthiness(space, space, 5) == 1
    assert overlap(space, space, 5) == 1
    assert chance_trust(100, 5) == pytest.approx(0.509772, abs=1e-6)
    trust, both = [], []
    for _ in range(60):
        other = draws.normal(size=(100, 2))
        trust.append(trustworthiness(space, other, 5))
        both.append(overlap(space, other, 5))
    assert np.mean(trust) == pytest.approx(0.509772, abs=4 * np.std(trust) / np.sqrt(60))
    assert np.mean(both) == pytest.approx(5 / 99, abs=4 * np.std(both) / np.sqrt(60))


def test_agrees_with_scikit_learn():
    from sklearn.manifold import trustworthiness as theirs

    space = np.random.default_rng(1).normal(size=(80, 7))
    places = principal_map(space)
    assert trustworthiness(space, places, 8) == pytest.approx(theirs(space, places, n_neighbors=8))
    assert trustworthiness(places, space, 8) == pytest.approx(theirs(places, space, n_neighbors=8))


def test_a_plane_in_many_dimensions_has_a_perfect_map_and_noise_has_none():
    draws = np.random.default_rng(0)
    plane = draws.normal(size=(120, 2)) @ draws.normal(size=(2, 30))
    found = {r.metric: r.value for r in embedding("latent", principal_map(plane), plane, of="code")}
    assert found["trustworthiness"] == found["continuity"] == pytest.approx(1)
    assert found["lcmc"] == pytest.approx(1 - 10 / 119)
    places = draws.normal(size=(120, 2))
    none = {r.metric: r.value for r in embedding("latent", places, plane, of="images")}
    assert abs(none["lcmc"]) < 0.05
    assert none["trustworthiness"] < 0.6


def test_large_cohorts_are_ranked_in_part_and_small_ones_not():
    values = np.random.default_rng(0).normal(size=(1200, 3))
    assert embedding("latent", values[:, :2], values, of="code")[0].n == 1000
    assert embedding("latent", values[:15, :2], values[:15], of="code") == []


def test_METHODS_25_overlap_is_rescaled_so_that_chance_is_zero_and_all_is_one():
    draws = np.random.default_rng(0)
    space, places = draws.normal(size=(60, 4)), draws.normal(size=(60, 2))
    np.testing.assert_allclose(rescaled_overlap(space, space), 1)
    curve = rescaled_overlap(space, places)
    assert len(curve) == 58
    for k in (1, 7, 30):
        shared = overlap(space, places, k)
        assert curve[k - 1] == pytest.approx((59 * shared - k) / (59 - k))
    none = [rescaled_overlap(space, draws.normal(size=(60, 2)))[9] for _ in range(80)]
    assert np.mean(none) == pytest.approx(0, abs=4 * np.std(none) / np.sqrt(80))
    same = {r.metric: r.value for r in embedding("latent", space, space, of="code")}
    assert same["r_nx_area"] == same["trustworthiness"] == same["neighbour_overlap"] == 1


def test_maps_that_differ_in_their_seed_count_as_one():
    draws = np.random.default_rng(0)
    space = draws.normal(size=(60, 4))
    each = {
        f"seed {seed}": embedding("raw_umap", draws.normal(size=(60, 2)), space, of="raw")
        for seed in range(3)
    }
    mean = averaged(each)
    for number, one in enumerate(mean):
        values = [records[number].value for records in each.values()]
        assert one.value == pytest.approx(np.mean(values))
        assert one.settings["each"] == dict(zip(each, values, strict=True))
        assert one.metric == each["seed 0"][number].metric
