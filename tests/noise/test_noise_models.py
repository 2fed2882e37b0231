"""Known answers for the noise models (METHODS, section 5), numpy and torch alike."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import i0, i0e, i1e

from latentomics.core import RequestError
from latentomics.noise import NOISES, sigma_mad
from latentomics.noise.correlated import kernel
from latentomics.noise.rician import rician_log_density


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


def test_KA_5_2_rician_density_where_the_bessel_function_overflows() -> None:
    assert rician_log_density(800, 790, 5) == pytest.approx(-4.522082, abs=1e-6)
    assert np.isinf(i0(800 * 790 / 25))  # the naive form
    magnitudes = np.linspace(1e-6, 12, 4000)
    density = [np.exp(rician_log_density(m, 3.0, 1.2)) for m in magnitudes]
    assert np.trapezoid(density, magnitudes) == pytest.approx(1, abs=1e-5)


def test_KA_5_4_masking_gives_the_closed_form_denoiser() -> None:
    # W = (1-p) C [(1-p)^2 C + p(1-p) diag C]^-1 for C = [[1, .8], [.8, 1]], p = .5
    generator = np.random.default_rng(1)
    clean = generator.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=400_000)
    noisy = NOISES["masking"].apply(clean, [generator.random(clean.shape)], 0.5)
    solution = np.linalg.lstsq(noisy, clean, rcond=None)[0]
    np.testing.assert_allclose(solution, np.array([[17, 10], [10, 17]]) / 21, atol=0.01)
    assert ((clean - noisy @ solution) ** 2).sum(1).mean() == pytest.approx(17 / 21, rel=0.01)


def spectral(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples whose 1/N covariance has exactly the spectrum of METHODS 2, and its axes."""
    generator = np.random.default_rng(0)
    white = generator.standard_normal((count, 5))
    left = np.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    axes = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    return left * np.sqrt(count * np.array([10, 4, 1, 0.5, 0.2])) @ axes, axes


def test_KA_5_5_the_best_linear_denoiser_shrinks_each_axis() -> None:
    clean, axes = spectral(400_000)
    draw = np.random.default_rng(7).standard_normal(clean.shape)
    noisy = NOISES["gaussian"].apply(clean, [draw], 0.3**0.5)
    solution = axes @ np.linalg.lstsq(noisy, clean, rcond=None)[0] @ axes.T
    shrunk = (0.97087, 0.93023, 0.76923, 0.625, 0.4)
    np.testing.assert_allclose(np.diag(solution), shrunk, atol=0.005)
    np.testing.assert_allclose(solution - np.diag(np.diag(solution)), 0, atol=0.02)


@pytest.mark.parametrize(("kept", "noisy", "clean"), [(2, 2.6, 2.3), (3, 1.3, 1.6)])
def test_KA_2_2_components_of_noisy_samples(kept: int, noisy: float, clean: float) -> None:
    values, _ = spectral(400_000)
    draw = np.random.default_rng(8).standard_normal(values.shape)
    given = NOISES["gaussian"].apply(values, [draw], 0.3**0.5)
    axes = np.linalg.eigh(np.cov(given.T))[1][:, -kept:]
    rebuilt = given @ axes @ axes.T
    assert ((rebuilt - given) ** 2).sum(1).mean() == pytest.approx(noisy, rel=0.01)
    assert ((rebuilt - values) ** 2).sum(1).mean() == pytest.approx(clean, rel=0.01)
    spectrum = np.array([10, 4, 1, 0.5, 0.2])
    assert (spectrum * 0.3 / (spectrum + 0.3)).sum() == pytest.approx(1.1086, abs=1e-4)


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
    sigma = np.array([0.1, 0.4], dtype=np.float32).reshape(2, 1, 1, 1)  # one level a sample
    here = model.apply(values, draws, sigma)
    there = model.apply(
        torch.from_numpy(values), [torch.from_numpy(d) for d in draws], torch.from_numpy(sigma)
    )
    assert here.dtype == np.float32
    assert there.dtype == torch.float32
    np.testing.assert_allclose(here, there.numpy(), rtol=1e-5)
    assert model.summary


IN_UNITS = [name for name in NOISES if NOISES[name].takes != "line integrals"]


@pytest.mark.parametrize("name", IN_UNITS)
@given(scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_noise_commutes_with_a_change_of_unit(name: str, scale: float, seed: int) -> None:
    model = NOISES[name]
    generator = np.random.default_rng(seed)
    values, draws = generator.random(9), [generator.random(9) for _ in range(model.draws)]
    sigma = 0.4 if model.takes == "raw" else 0.5
    scaled = model.apply(values * scale, draws, sigma * scale if model.takes == "raw" else sigma)
    np.testing.assert_allclose(scaled, scale * model.apply(values, draws, sigma), rtol=1e-9)


@pytest.mark.parametrize("name", list(NOISES))
def test_no_noise_is_the_identity_on_magnitudes(name: str) -> None:
    values = np.linspace(0, 3, 7)
    same = NOISES[name].apply(values, [np.full(7, 0.5)] * NOISES[name].draws, 0.0)
    np.testing.assert_allclose(same, values, atol=1e-12)


@pytest.mark.parametrize(("sd", "electronic"), [(0.0, 0.0), (30.0, 30.0)])
def test_KA_5_6_low_dose_line_integrals(sd: float, electronic: float) -> None:
    path, photons = 2.0, 1e4
    draws = normals(2, 1_000_000)
    noisy = NOISES["poisson"].apply(
        np.full(1_000_000, path), draws, photons**-0.5, electronic_photons=electronic
    )
    mean = photons * np.exp(-path)
    variance = (mean + sd**2) / mean**2
    if not sd:
        assert variance == pytest.approx(7.389e-4, rel=1e-3)
        assert noisy.var() == pytest.approx(7.40e-4, rel=0.01)
        assert noisy.mean() - path == pytest.approx(3.79e-4, abs=4 * (variance / 1e6) ** 0.5)
    assert noisy.var() == pytest.approx(variance, rel=0.02)
    estimate = NOISES["poisson"].estimate
    assert estimate is not None
    if not sd:
        assert estimate(noisy, np.ones(noisy.shape, bool)) == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize("mean", [3.0, 8.0, 40.0, 1353.0])
def test_KA_5_6_counts_have_the_moments_of_poisson_counts(mean: float) -> None:
    # the reference draws counts and takes the logarithm; ours is given normal draws
    counts = np.random.default_rng(4).poisson(mean, 1_000_000)
    reference = -np.log(np.maximum(counts, 1) / mean)
    ours = NOISES["poisson"].apply(np.zeros(1_000_000), normals(2, 1_000_000), mean**-0.5)
    assert ours.max() <= np.log(mean) + 1e-9  # at least one photon
    assert ours.mean() == pytest.approx(reference.mean(), abs=0.25 / mean)
    assert ours.std() == pytest.approx(reference.std(), rel=0.1 if mean < 10 else 0.02)


def test_KA_5_low_dose_kernel_keeps_the_variance() -> None:
    width = 2.0
    places = np.arange(-20, 21)
    density = np.exp(-(places**2) / (2 * width**2)) / (width * np.sqrt(2 * np.pi))
    squares = (np.outer(density, density) ** 2).sum()
    assert squares == pytest.approx(1 / (4 * np.pi * width**2), rel=1e-6)
    weights = kernel(width, 41)
    assert sum(weight**2 for weight in weights.values()) == pytest.approx(1, abs=1e-12)
    ratio = weights[0] / density[20]
    assert ratio == pytest.approx(squares**-0.25, rel=1e-6)  # one axis of the same kernel


@pytest.mark.parametrize("shape", [(3, 1, 4000), (2, 1, 60, 64), (2, 1, 5, 24, 28), (400, 300)])
@pytest.mark.parametrize("width", [0.7, 1.5])
def test_correlated_noise_has_its_level_and_reach(shape: tuple[int, ...], width: float) -> None:
    many = [np.random.default_rng(seed).standard_normal(shape) for seed in range(12)]
    apply = NOISES["correlated"].apply
    noisy = np.stack([apply(np.zeros(shape), [draw], 5.0, width_voxels=width) for draw in many])
    assert noisy.std() == pytest.approx(5, rel=0.05)
    alike = (noisy * np.roll(noisy, 1, -1)).mean() / 25
    assert alike == pytest.approx(np.exp(-1 / (4 * width**2)), abs=0.05)


def test_KA_5_the_mad_is_wrong_for_correlated_noise_and_the_region_is_not() -> None:
    model = NOISES["correlated"]
    draw = np.random.default_rng(5).standard_normal((200, 200))
    noisy = model.apply(np.full((200, 200), 40.0), [draw], 10.0, width_voxels=1.0)
    assert sigma_mad(noisy) < 4
    assert model.estimate is not None
    assert model.estimate(noisy, np.ones(noisy.shape, bool)) == pytest.approx(10, rel=0.05)


def test_coarse_masking_zeroes_whole_blocks() -> None:
    values = np.ones((40, 1, 18, 21))
    draw = np.random.default_rng(6).random(values.shape)
    noisy = NOISES["coarse"].apply(values, [draw], 0.3, edge_voxels=5)
    assert (noisy == 0).mean() == pytest.approx(0.3, abs=0.05)
    for rows in range(0, 18, 5):
        for columns in range(0, 21, 5):
            block = noisy[:, 0, rows : rows + 5, columns : columns + 5].reshape(40, -1)
            assert (block == block[:, :1]).all()


def test_every_model_names_its_options_and_estimator() -> None:
    options = {name: dict(NOISES[name].options) for name in NOISES if NOISES[name].options}
    assert options == {
        "coarse": {"edge_voxels": 4.0},
        "correlated": {"width_voxels": 1.0},
        "poisson": {"electronic_photons": 0.0, "e_folds": 1.0},
    }
    without = [name for name in NOISES if NOISES[name].estimate is None]
    assert without == ["coarse", "masking"]  # a share is chosen, not measured


def test_an_unknown_noise_lists_the_known() -> None:
    with pytest.raises(RequestError, match="rician"):
        NOISES["rice"]
