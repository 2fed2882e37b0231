"""Maps of two axes, judged against the space that they show."""

import numpy as np
import pytest

from latentomics.evaluation import embedding, principal_map
from latentomics.evaluation.embedding import chance_trust, overlap, trustworthiness


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
