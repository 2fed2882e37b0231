"""Maps by t-SNE and UMAP: groups that are apart stay apart, and a seed gives one map."""

from importlib.util import find_spec

import numpy as np
import pytest

from latentomics.core import RequestError
from latentomics.evaluation import embedding, principal_map, tsne_map, umap_map, umap_version
from latentomics.evaluation.embedding import trustworthiness
from latentomics.evaluation.maps import perplexities

needs_umap = pytest.mark.skipif(
    find_spec("umap") is None, reason="the extra 'embedding' is not installed"
)


def three_groups(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(0)
    group = np.arange(n) % 3
    return draws.normal(size=(n, 20)) + 40.0 * np.eye(20)[group], group


def parted(places: np.ndarray, group: np.ndarray) -> bool:
    """Whether the nearest other case of every case is of its own group."""
    squared = ((places[:, None] - places[None]) ** 2).sum(-1)
    np.fill_diagonal(squared, np.inf)
    return bool((group[squared.argmin(1)] == group).all())


def test_METHODS_25_tsne_keeps_groups_apart_and_is_repeatable():
    values, group = three_groups()
    places = tsne_map(values, perplexity=15)
    assert places.shape == (90, 2)
    assert parted(places, group)
    np.testing.assert_array_equal(places, tsne_map(values, perplexity=15))


def test_a_ring_in_many_dimensions_keeps_its_neighbours_on_any_map():
    angle = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) @ np.random.default_rng(0).normal(
        size=(2, 30)
    )
    for places in (principal_map(ring), tsne_map(ring, perplexity=15)):
        assert trustworthiness(ring, places, 5) > 0.97


def test_perplexities_are_those_that_so_many_cases_allow():
    assert perplexities(1000) == (15, 30, 50)
    assert perplexities(151) == (15, 30, 50)
    assert perplexities(150) == (15, 30)
    assert perplexities(20) == (6,)
    tsne_map(np.random.default_rng(0).normal(size=(20, 3)), perplexity=perplexities(20)[0])


def test_cases_that_are_all_one_have_one_place():
    same = np.ones((30, 4))
    np.testing.assert_array_equal(tsne_map(same, perplexity=5), np.zeros((30, 2)))
    assert np.isfinite(embedding("latent", np.zeros((30, 2)), same, of="code")[0].value)


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "umap.umap_", None)
    with pytest.raises(RequestError, match=r"latentomics\[embedding\]"):
        umap_map(np.zeros((30, 2)))


@needs_umap
@pytest.mark.slow
def test_METHODS_25_umap_keeps_groups_apart_and_is_repeatable() -> None:
    assert umap_version() is not None
    values, group = three_groups()
    places = umap_map(values, seed=3)
    assert places.shape == (90, 2)
    assert parted(places, group)
    np.testing.assert_array_equal(places, umap_map(values, seed=3))
    assert not np.array_equal(places, umap_map(values, seed=4))
    np.testing.assert_array_equal(umap_map(np.ones((30, 4))), np.zeros((30, 2)))
    assert umap_map(values[:8]).shape == (8, 2)
