"""Cases measured again: each change has the size that it names, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest

from latentomics.core import Acquisition, Grid, Mask
from latentomics.features.perturb import perturb
from latentomics.features.perturbation import Perturbation, single
from latentomics.features.reposition import box_of_samples, repositioned
from latentomics.preprocess import Pipeline, prepare


def grid(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    return Grid(spacing=spacing, origin=origin, direction=tuple(np.eye(3).ravel()))


def smooth(size, seed=0):
    from scipy.ndimage import gaussian_filter

    white = np.random.default_rng(seed).normal(size=size)
    return (100 * gaussian_filter(white, 2.5)).astype(np.float32)


def ball(size=(32, 32, 32), radius=8.0, spacing=(1.0, 1.0, 1.0)):
    at = np.indices(size) * np.reshape(spacing, (3, 1, 1, 1))
    middle = (np.array(size) - 1) / 2 * spacing
    inside = ((at - middle.reshape(3, 1, 1, 1)) ** 2).sum(0) < radius**2
    return Mask(values=inside, grid=grid(spacing))


def scan(values, modality="CT", unit="HU", spacing=(1.0, 1.0, 1.0)):
    return Acquisition(values=values[None], grid=grid(spacing), modality=modality, unit=unit)


def draws():
    return np.random.default_rng(3)


def test_nothing_changes_when_nothing_is_asked():
    image, mask = scan(smooth((20, 24, 16))), ball((20, 24, 16), 5)
    again, redrawn = perturb(image, mask, Perturbation(), draws())
    np.testing.assert_array_equal(again.values, image.values)
    assert redrawn is mask


def test_a_quarter_turn_is_a_quarter_turn():
    values = smooth((25, 25, 9))
    image, mask = scan(values), ball((25, 25, 9), 4)
    mask.values[15:20, 12, 4] = True  # not symmetric; the middle moves with it
    turn = Perturbation(rotation_deg=90, axis=(0, 0, 1))
    middle = np.array([12.0, 12.0, 4.0])
    everywhere = tuple(slice(0, n) for n in values.shape)
    turned = repositioned(values, image.grid, turn, middle, everywhere)
    np.testing.assert_allclose(turned, np.rot90(values, 1, axes=(0, 1)), atol=1e-3)


def test_a_turn_in_mm_of_anisotropic_voxels_keeps_lengths():
    spacing = (1.0, 1.0, 2.5)
    mask = ball((40, 40, 20), 12, spacing)
    again = perturb(scan(smooth((40, 40, 20)), spacing=spacing), mask,
                    Perturbation(rotation_deg=35, axis=(1, 1, 0)), draws())[1]  # fmt: skip
    both = (again.values & mask.values).sum() / mask.values.sum()
    assert both > 0.93  # a ball stays a ball


def test_a_whole_voxel_moves_image_and_mask_alike():
    values = smooth((30, 30, 30))
    move = Perturbation(shift_voxels=(1.0, 0.0, -2.0))
    again, redrawn = perturb(scan(values), ball((30, 30, 30), 6), move, draws())
    np.testing.assert_allclose(again.values[0, 4:26, :, 4:26], values[3:25, :, 6:28], atol=1e-2)
    moved = np.roll(ball((30, 30, 30), 6).values, (1, 0, -2), (0, 1, 2))
    np.testing.assert_array_equal(redrawn.values, moved)


def test_half_a_voxel_keeps_a_smooth_image():
    values = smooth((30, 30, 30))
    move = Perturbation(shift_voxels=(0.5, 0.5, 0.5))
    once, _ = perturb(scan(values), None, move, draws())
    back = Perturbation(shift_voxels=(-0.5, -0.5, -0.5))
    again, _ = perturb(once, None, back, draws())
    inner = (0, *(slice(6, 24),) * 3)
    assert np.abs(again.values - values[None])[inner].std() < 0.01 * values.std()


@pytest.mark.parametrize(("modality", "level"), [("CT", 0.0), ("MR", 400.0)])
def test_noise_has_the_level_of_the_image(modality, level):
    sigma = 7.0
    values = (level + sigma * np.random.default_rng(0).normal(size=(48, 48, 48))).astype("f4")
    again, _ = perturb(scan(values, modality), None, single("noise", 3, "HU"), draws())
    assert (again.values[0] - values).std() == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("share", [0.1, -0.2, 0.3])
def test_the_volume_changes_by_the_share(share):
    mask = ball()
    again = perturb(scan(smooth((32, 32, 32))), mask, Perturbation(volume=share), draws())[1]
    count = mask.values.sum()
    assert again.values.sum() == round((1 + share) * count)
    inner, outer = (again, mask) if share < 0 else (mask, again)
    assert (inner.values <= outer.values).all()


def test_a_contour_moves_by_half_a_voxel_and_keeps_its_place():
    mask = ball(radius=10)
    changed = []
    for seed in range(8):
        new = perturb(scan(smooth((32, 32, 32))), mask, Perturbation(contour_voxels=0.5),
                      np.random.default_rng(seed))[1].values  # fmt: skip
        changed.append((new ^ mask.values).sum())
        assert abs(np.argwhere(new).mean(0) - 15.5).max() < 0.5
    surface = 4 * np.pi * 10**2
    # a normal displacement of SD s moves, on average, s sqrt(2 / pi) of the surface either way
    assert np.mean(changed) == pytest.approx(surface * 0.5 * np.sqrt(2 / np.pi), rel=0.25)


def test_a_gain_in_ct_leaves_air_and_elsewhere_zero():
    values = np.full((6, 6, 6), -1000, np.float32)
    values[3:] = 0
    again, _ = perturb(scan(values), None, single("gain", 3, "HU"), draws())
    np.testing.assert_allclose(again.values[0], np.where(values < 0, -1000, 5), atol=1e-3)
    pet, _ = perturb(scan(values + 1000, "PT", "SUV"), None, single("gain", 3, "SUV"), draws())
    np.testing.assert_allclose(pet.values[0], (values + 1000) * 1.1, rtol=1e-6)


def test_only_what_the_samples_read_is_computed():
    image, mask = scan(smooth((64, 64, 40))), ball((64, 64, 40), 5)
    pipeline = Pipeline(dimension=3, view="local", spacing_mm=(1, 1, 1), size=(8, 8, 8),
                        margin=4.0, normalisation="hu-window", window=(-200, 200))  # fmt: skip
    frames = [sample.frame for sample in prepare(pipeline, image, mask, "case")]
    box = box_of_samples(frames, image.values.shape[1:])
    assert all(part.stop - part.start < 40 for part in box[:2])
    how = Perturbation(rotation_deg=10, axis=(1, 0, 0), shift_voxels=(0.5, 0.3, 0.1))
    part, redrawn = perturb(image, mask, how, draws(), box=box)
    whole, same = perturb(image, mask, how, draws())
    np.testing.assert_array_equal(redrawn.values, same.values)
    seen = [prepare(pipeline, one, redrawn, "case")[0].values for one in (part, whole)]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-3)
    np.testing.assert_array_equal(part.values[:, 0], image.values[:, 0])


def test_pictures_of_two_dimensions_turn_in_their_plane():
    flat = Grid(spacing=(1.0, 1.0), origin=(0.0, 0.0), direction=(1, 0, 0, 1), unit="px")
    values = smooth((21, 21, 1))[None, ..., 0]
    image = Acquisition(values=values, grid=flat, modality="XR", unit="a.u.")
    again, mask = perturb(image, None, Perturbation(rotation_deg=180), draws())
    assert mask is None
    np.testing.assert_allclose(again.values[0], values[0, ::-1, ::-1], atol=1e-3)


def test_a_mask_that_fills_its_array_or_has_one_voxel_survives():
    for values in (np.ones((8, 8, 8), bool), np.pad(np.ones((1, 1, 1), bool), 4)):
        mask = Mask(values=values, grid=grid())
        how = replace(single("rotation", 3, "HU"), contour_voxels=0.5, volume=-0.1)
        again = perturb(scan(smooth(values.shape)), mask, how, draws())[1]
        assert again.values.any()
