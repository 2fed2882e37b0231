"""The estimators give back the level that was put in."""

import numpy as np
import pytest

from latentomics.core import CaseError
from latentomics.noise import sigma_mad, sigma_rayleigh, sigma_roi


@pytest.mark.parametrize("shape", [(20_000,), (151, 152), (31, 40, 33), (1, 200, 201)])
def test_mad_recovers_white_noise_in_every_dimension(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).normal(100, 7, shape)
    assert sigma_mad(noise) == pytest.approx(7, rel=0.05)


def test_mad_ignores_smooth_structure() -> None:
    x, y, z = np.meshgrid(*[np.linspace(0, 1, 48)] * 3, indexing="ij")
    noisy = 1000 * x * y + 400 * np.sin(3 * z) + np.random.default_rng(1).normal(0, 10, x.shape)
    assert sigma_mad(noisy) == pytest.approx(10, rel=0.05)


def test_mad_is_the_orthonormal_haar_detail() -> None:
    # one block: d = (a - b - c + d) / 2
    assert sigma_mad(np.array([[5.0, 1.0], [2.0, 0.0]])) == pytest.approx(1 / 0.67449, rel=1e-4)


def test_mad_leaves_padding_out() -> None:
    image = np.full((40, 40, 40), -2000.0)
    image[:12, :12, :12] = np.random.default_rng(2).normal(50, 4, (12, 12, 12))
    assert sigma_mad(image) == pytest.approx(4, rel=0.2)


def test_mad_counts_only_the_mask() -> None:
    generator = np.random.default_rng(3)
    image = generator.normal(0, 20, (40, 40, 40))
    mask = np.zeros(image.shape, dtype=bool)
    mask[5:35, 5:35, 5:35] = True
    image[mask] /= 10
    assert sigma_mad(image, mask) == pytest.approx(2, rel=0.06)


def test_a_constant_image_has_no_noise() -> None:
    assert sigma_mad(np.full((8, 8), 3.0)) == 0


def test_I3_a_mask_of_single_voxels_is_named() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[3, 3] = True
    with pytest.raises(CaseError, match="no block"):
        sigma_mad(np.ones((8, 8)), mask)


def test_rayleigh_recovers_the_channel_level() -> None:
    real, imaginary = np.random.default_rng(4).normal(0, 3, (2, 100_000))
    assert sigma_rayleigh(np.hypot(real, imaginary)) == pytest.approx(3, rel=0.01)


def test_roi_recovers_the_level() -> None:
    image = np.random.default_rng(5).normal(40, 6, 50_000)
    assert sigma_roi(image, np.ones(50_000, dtype=bool)) == pytest.approx(6, rel=0.02)
    with pytest.raises(CaseError):
        sigma_roi(image, np.zeros(50_000, dtype=bool))
