"""What samples are corrupted with: the modality's physics, or what was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_planning_plan import LESIONS

from latentomics.core import RequestError
from latentomics.noise import NOISES
from latentomics.planning import Noise
from latentomics.planning.noise import choose_noise

RADIOGRAPHS = replace(LESIONS, modality="XR", unit="a.u.")


def noise(found=LESIONS, method: str = "denoising", **asked: float | str) -> Noise:
    value = choose_noise(found, method, asked).value
    assert value is not None
    return value


def test_nothing_is_corrupted_unasked() -> None:
    assert choose_noise(LESIONS, "autoencoder", {"beta": 4.0}).value is None


@pytest.mark.parametrize("model", list(NOISES))
def test_every_model_has_a_level_of_its_own(model: str) -> None:
    for found in (LESIONS, RADIOGRAPHS):
        chosen = choose_noise(found, "autoencoder", {"noise": model})
        assert chosen.value is not None
        assert chosen.value.model == model
        assert 0 < chosen.value.sigma < 100
        assert chosen.value.options.keys() <= NOISES[model].options.keys()
        assert f"noise={model}" in chosen.reason


def test_levels_and_options_can_be_asked_for() -> None:
    assert noise(noise="correlated") == Noise(model="correlated", sigma=22.0, unit="HU")
    assert noise(noise="correlated", sigma=40.0, width_voxels=1.5) == Noise(
        model="correlated", sigma=40.0, unit="HU", options={"width_voxels": 1.5}
    )
    assert noise(RADIOGRAPHS, noise="poisson", photons=2500.0).sigma == pytest.approx(0.02)
    assert noise(noise="coarse", sigma=0.5, edge_voxels=6.0).options == {"edge_voxels": 6.0}
    assert noise(sigma=7.0) == Noise(model="gaussian", sigma=7.0, unit="HU")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"noise": "gausian"}, "gaussian"),
        ({"noise": "gaussian", "edge_voxels": 3.0}, "no edge_voxels"),
        ({"noise": "gaussian", "photons": 3.0}, "no photons"),
        ({"noise": "gaussian", "sigma": -1.0}, "0 or more"),
        ({"noise": "gaussian", "sigma": "much"}, "0 or more"),
    ],
)
def test_noise_without_sense_is_refused(asked: dict[str, float | str], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        choose_noise(LESIONS, "denoising", asked)
