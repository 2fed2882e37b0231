"""What learns nothing, shared by folds without holding the widest features of all."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from latentomics.features import ByCase, Encoded
from latentomics.flow import baselines as module
from latentomics.flow.baselines import (
    Unfitted,
    _of_unfitted,
    pooled_components,
    reduce_pooled,
    unfitted,
)

CASES, WIDE = 200, 2000
NAMES = tuple(f"c{number:03d}" for number in range(CASES))


def folds(count: int) -> list[frozenset[str]]:
    """Return the training cases of a split, and of so many folds."""
    return [frozenset(NAMES), *(frozenset(NAMES[:k] + NAMES[k + 9 :]) for k in range(count))]


def maps(seed: int) -> np.ndarray:
    """Return the pooled maps of an untrained encoder."""
    values = np.random.default_rng(seed).standard_normal((CASES, 40), np.float32)
    return np.repeat(values, WIDE // 40, axis=1)


def described(trainings: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch) -> Unfitted:
    """Return what three encoders without training say of all cases."""

    def encode_store(network: int, *_: object, **__: object) -> Encoded:
        values = maps(network)
        names = tuple(f"map_{column}" for column in range(WIDE))
        latent = ByCase(cases=NAMES, values=values[:, :4].copy(), names=names[:4])
        wide = ByCase(cases=NAMES, values=values, names=names)
        return Encoded(
            latent=latent, pooled=wide, codes=values[:, :4], code_samples=np.arange(CASES), kl=None
        )

    monkeypatch.setattr(module, "untrained", lambda _, seed: seed)
    monkeypatch.setattr(module, "encode_store", encode_store)
    monkeypatch.setattr(module, "intensity_features", lambda *_, **__: None)
    of = {
        "network": SimpleNamespace(block=0),
        "effort": SimpleNamespace(untrained=3),
        "loss_region": "all",
    }
    plan = SimpleNamespace(**{name: SimpleNamespace(value=one) for name, one in of.items()}, seed=0)
    return unfitted(plan, None, trainings)  # type: ignore[arg-type]


def test_L2_pooled_maps_are_reduced_by_the_training_cases_of_each_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings = folds(2)
    found = described(trainings, monkeypatch)
    names = tuple(f"map_{column}" for column in range(WIDE))
    wide = ByCase(cases=NAMES, values=maps(1001), names=names)
    for training in trainings:
        features = _of_unfitted(found, training)
        expected = reduce_pooled(wide, pooled_components(wide, training, 0))
        assert np.array_equal(features["random pooled/1"].values, expected.values)
        assert found.serves(training)
    assert not found.serves(frozenset(NAMES[:5]))


def test_M2_whole_pooled_maps_are_not_held_however_many_folds_and_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described(folds(0), monkeypatch)  # what is loaded at first use
    peaks, held = zip(*(_memory(folds(count), monkeypatch) for count in (0, 4)), strict=True)
    whole = 4 * CASES * WIDE  # of one encoder
    reduced = 4 * CASES * module.POOLED_COLUMNS
    assert held[0] < 0.5 * whole  # three encoders, none of them whole
    assert peaks[1] - peaks[0] < 4 * 3 * 1.5 * reduced + 0.1 * whole


def _memory(trainings: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return the bytes at the peak, and those held at the end."""
    tracemalloc.start()
    try:
        kept = described(trainings, monkeypatch)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept.encoded) == 3
    return peak, held
