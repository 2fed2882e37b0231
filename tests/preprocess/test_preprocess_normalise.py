"""Intensities: known quantiles, the way back, no contrast."""

import numpy as np
import pytest

from latentomics.core import CaseError, RequestError
from latentomics.preprocess import NORMALISATIONS, Pipeline

WINDOWS = {
    "hu-window": (-1000.0, 400.0),
    "suv": (0.0, 20.0),
    "identity": (0.0, 255.0),
    "percentile": (1.0, 99.0),
    "robust-z": (-4.0, 6.0),
}


def test_every_normalisation_is_invertible_and_has_words():
    values = np.random.default_rng(0).gamma(3, 40, 20_000).astype(np.float32)
    assert set(NORMALISATIONS) == set(WINDOWS)
    for name, window in WINDOWS.items():
        scaling = NORMALISATIONS[name](values, window, "case a")
        normalised = scaling.apply(values)
        low, high = scaling.low, scaling.high
        cut = np.clip(values, low, high) if low is not None else values
        np.testing.assert_allclose(
            normalised * scaling.scale + scaling.offset, cut, rtol=1e-4, atol=1e-3
        )
        assert normalised.dtype == np.float32
        setting = Pipeline(
            dimension=1,
            view="whole",
            spacing_mm=(1.0,),
            size=(8,),
            normalisation=name,
            window=window,
        )
        assert any(
            word in " ".join(setting.describe())
            for word in ("HU", "SUV", "percentiles", "mapped", "median")
        )


def test_known_windows():
    values = np.array([-2000.0, -1000.0, -300.0, 400.0, 3000.0], np.float32)
    scaling = NORMALISATIONS["hu-window"](values, (-1000.0, 400.0), "")
    np.testing.assert_allclose(scaling.apply(values), [-1, -1, 0, 1, 1], atol=1e-6)
    scaling = NORMALISATIONS["suv"](values, (0.0, 20.0), "")
    np.testing.assert_allclose(scaling.apply(np.array([-1, 5, 30], np.float32)), [0, 2, 8])


def test_robust_z_of_a_normal_foreground_has_unit_spread_and_ignores_air_and_metal():
    generator = np.random.default_rng(0)
    tissue = generator.normal(500, 50, 50_000)
    air = np.abs(generator.normal(0, 3, 50_000))
    metal = np.full(300, 1e4)
    values = np.concatenate([tissue, air, metal]).astype(np.float32)
    scaling = NORMALISATIONS["robust-z"](values, (0.0, 0.0), "")
    assert scaling.offset == pytest.approx(500, abs=3)
    assert scaling.scale == pytest.approx(50, rel=0.03)
    gain = NORMALISATIONS["robust-z"](values * 7, (0.0, 0.0), "")
    np.testing.assert_allclose(gain.apply(values * 7), scaling.apply(values), atol=1e-3)


@pytest.mark.parametrize("name", ["robust-z", "percentile"])
def test_no_contrast_is_a_fault_of_the_case(name):
    with pytest.raises(CaseError) as caught:
        NORMALISATIONS[name](np.full(100, 3.0, np.float32), WINDOWS[name], "case a")
    assert caught.value.kind == "constant"


def test_large_images_are_sampled_without_bias():
    values = np.random.default_rng(0).normal(0, 1, 1_000_000).astype(np.float32)
    scaling = NORMALISATIONS["robust-z"](values + 10, (0.0, 0.0), "")
    assert scaling.offset == pytest.approx(10, abs=0.05)
    assert scaling.scale == pytest.approx(1, abs=0.05)


def test_pipeline_hash_and_plain_form():
    setting = Pipeline(dimension=3, view="pose", spacing_mm=(1.0,) * 3, size=(8, 8, 8))
    assert Pipeline.from_plain(setting.plain()) == setting
    hashes = {setting.hash}
    for change in ({"size": [8, 8, 9]}, {"margin": 1.0}, {"padding": "zero"}, {"samples": 3}):
        hashes.add(Pipeline.from_plain(setting.plain() | change).hash)
    assert len(hashes) == 5
    assert len(setting.describe()) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"view": "ball"},
        {"size": [8, 8]},
        {"spacing_mm": [1.0, 0.0, 1.0]},
        {"order": 3},
        {"normalisation": "hu-window", "window": [5, 5]},
        {"colour": 1},
        {"view": "scaled"},
    ],
)
def test_senseless_settings_are_refused(change):
    setting = Pipeline(dimension=3, view="pose", spacing_mm=(1.0,) * 3, size=(8, 8, 8))
    with pytest.raises(RequestError):
        Pipeline.from_plain(setting.plain() | change)
