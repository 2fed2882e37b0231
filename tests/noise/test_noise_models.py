"""Known answers for the noise models (METHODS, section 5), numpy and torch alike."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import i0e, i1e

from latentomics.core import RequestError
from latentomics.noise import NOISES


def normals(count: int, n: int, seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(n) for _ in range(count)]


@pytest.mark.parametrize(
    ("signal", "mean", "square"),
    [(0, 1.253314, 2), (1, 1.548572, 3), (2, 2.272383, 6), (5, 5.101070, 27)],
)
def test_KA_5_1_rician_moments(signal: float, mean: float, square: float) -> None:
    magnitude = NOISES["rician"].apply(np.full(400_000, float(signal)), normals(2, 400_000), 1.0)
    standard_error = magnitude.std() / np.sqrt(magnitude.size)
    assert abs(magnitude.mean() - mean) < 4 * standard_error
    assert (magnitude**2).mean() == pytest.approx(square, rel=0.01)
    assert (magnitude**4).mean() == pytest.approx(signal**4 + 8 * signal**2 + 8, rel=0.02)
    a = signal**2 / 4  # closed form, scaled Bessel functions
    formula = np.sqrt(np.pi / 2) * ((1 + 2 * a) * i0e(a) + 2 * a * i1e(a))
    assert formula == pytest.approx(mean, abs=1e-6)


def test_KA_5_1_rayleigh_variance_without_signal() -> None:
    magnitude = NOISES["rician"].apply(np.zeros(400_000), normals(2, 400_000), 3.0)
    assert magnitude.var() == pytest.approx(0.42920 * 9, rel=0.01)
    assert magnitude.min() >= 0


def test_KA_5_4_masking_gives_the_closed_form_denoiser() -> None:
    # W = (1-p) C [(1-p)^2 C + p(1-p) diag C]^-1 for C = [[1, .8], [.8, 1]], p = .5
    generator = np.random.default_rng(1)
    clean = generator.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=400_000)
    noisy = NOISES["masking"].apply(clean, [generator.random(clean.shape)], 0.5)
    solution = np.linalg.lstsq(noisy, clean, rcond=None)[0]
    np.testing.assert_allclose(solution, np.array([[17, 10], [10, 17]]) / 21, atol=0.01)
    assert ((clean - noisy @ solution) ** 2).sum(1).mean() == pytest.approx(17 / 21, rel=0.01)


def test_masking_does_not_rescale() -> None:
    noisy = NOISES["masking"].apply(
        np.ones(100_000), [np.random.default_rng(2).random(100_000)], 0.3
    )
    assert set(np.unique(noisy)) == {0.0, 1.0}
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=0.006)


def test_gaussian_has_the_stated_level() -> None:
    noisy = NOISES["gaussian"].apply(np.full(200_000, -800.0), normals(1, 200_000), 25.0)
    assert noisy.mean() == pytest.approx(-800, abs=0.3)
    assert noisy.std() == pytest.approx(25, rel=0.01)


@pytest.mark.parametrize("name", list(NOISES))
def test_numpy_and_torch_give_the_same(name: str) -> None:
    model = NOISES[name]
    generator = np.random.default_rng(3)
    values = generator.random((2, 1, 4, 5), dtype=np.float32)
    draws = [generator.random((2, 1, 4, 5), dtype=np.float32) for _ in range(model.draws)]
    sigma = np.array([0.1, 0.6], dtype=np.float32).reshape(2, 1, 1, 1)  # one level a sample
    here = model.apply(values, draws, sigma)
    there = model.apply(
        torch.from_numpy(values), [torch.from_numpy(d) for d in draws], torch.from_numpy(sigma)
    )
    assert here.dtype == np.float32
    assert there.dtype == torch.float32
    np.testing.assert_allclose(here, there.numpy(), rtol=1e-6)
    assert model.summary


@pytest.mark.parametrize("name", list(NOISES))
@given(scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_noise_commutes_with_a_change_of_unit(name: str, scale: float, seed: int) -> None:
    model = NOISES[name]
    generator = np.random.default_rng(seed)
    values, draws = generator.random(9), [generator.random(9) for _ in range(model.draws)]
    sigma = 0.4 if model.physical else 0.5
    scaled = model.apply(values * scale, draws, sigma * scale if model.physical else sigma)
    np.testing.assert_allclose(scaled, scale * model.apply(values, draws, sigma), rtol=1e-9)


@pytest.mark.parametrize("name", list(NOISES))
def test_no_noise_is_the_identity_on_magnitudes(name: str) -> None:
    values = np.linspace(0, 3, 7)
    same = NOISES[name].apply(values, [np.full(7, 0.5)] * NOISES[name].draws, 0.0)
    np.testing.assert_allclose(same, values)


def test_an_unknown_noise_lists_the_known() -> None:
    with pytest.raises(RequestError, match="rician"):
        NOISES["rice"]
