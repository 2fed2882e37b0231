"""Lesions with known factors: what was asked is what can be measured."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from latentomics.core import RequestError
from latentomics.sources import check_cohort, label_of, read_case, read_cohort, synthetic
from latentomics.sources.synthetic import FACTORS, Draws, Lesion, Scan, draw_lesions, draw_noise

FINE = Scan(edge=64, spacing_mm=0.5)
LESION = Lesion(
    diameter_mm=12, elongation=1.5, edge_mm=0.5, texture_mm=1.5, contrast_hu=800,
    x_mm=0, y_mm=0, z_mm=0, noise_hu=20,
)  # fmt: skip


def quiet(scan):
    nothing = np.zeros((scan.edge,) * 3)
    return Draws(texture=nothing, noise=nothing)


def rise_mm(profile, spacing):
    """10-90 % rise distance of a falling edge."""
    share = (profile - profile[-1]) / (profile[0] - profile[-1])
    places = np.arange(len(profile)) * spacing
    return np.diff(np.interp([-0.9, -0.1], -share, places))[0]


@pytest.mark.parametrize("elongation", [1.0, 1.8])
@pytest.mark.parametrize("diameter", [7.0, 13.0])
def test_KA_the_mask_has_the_volume_of_the_factors(diameter, elongation):
    lesion = replace(LESION, diameter_mm=diameter, elongation=elongation, edge_mm=2.0, x_mm=0.7)
    for scan in (FINE, Scan()):
        _, mask = synthetic.render(lesion, scan, quiet(scan))
        measured = mask.sum() * scan.spacing_mm**3
        # points of a lattice in a body: the error is of the order of its surface over its radius
        surface_voxels = np.pi * (diameter / scan.spacing_mm) ** 2
        error = 2 * np.sqrt(surface_voxels) * scan.spacing_mm**3
        assert measured == pytest.approx(synthetic.volume_mm3(lesion), abs=error)
    extents = [np.ptp(np.flatnonzero(mask.any(axis=axes))) + 1 for axes in ((1, 2), (0, 2))]
    assert extents[0] / extents[1] == pytest.approx(elongation, abs=2.5 / diameter)


def test_KA_contrast_and_centre_are_those_of_the_factors():
    lesion = replace(LESION, x_mm=2.0, y_mm=-1.5, z_mm=1.0)
    image, mask = synthetic.render(lesion, FINE, quiet(FINE))
    assert image.max() - image.min() == pytest.approx(lesion.contrast_hu, rel=1e-4)
    centre = FINE.first_mm + FINE.spacing_mm * np.array(np.nonzero(mask)).mean(axis=1)
    np.testing.assert_allclose(centre, [2.0, -1.5, 1.0], atol=0.05)


def test_KA_29_3_the_point_spread_function_has_the_width_that_was_asked_for():
    plane = replace(LESION, diameter_mm=4000.0, elongation=1.0, edge_mm=1e-3, x_mm=-2000.0)
    for spread in (0.6, 1.5):
        scan = replace(FINE, spread_mm=spread)
        image, _ = synthetic.render(plane, scan, quiet(scan))
        profile = image[:, 32, 32]
        # what lies before the point-spread function is a step between two voxels
        slope = -np.diff(profile) / np.ptp(profile)
        places = np.arange(len(slope))
        spot = (slope * (places - (slope * places).sum()) ** 2).sum() * scan.spacing_mm**2
        assert spot == pytest.approx(spread**2, rel=0.01)
        assert rise_mm(profile, scan.spacing_mm) == pytest.approx(2.563 * spread, rel=0.06)


def test_KA_29_3_a_blurred_boundary_rises_as_a_gaussian_edge():
    plane = replace(LESION, diameter_mm=4000.0, elongation=1.0, edge_mm=2.0, x_mm=-2000.0)
    image, _ = synthetic.render(plane, FINE, quiet(FINE))
    both = np.hypot(2.0, FINE.spread_mm)  # widths of Gaussians add in squares
    assert rise_mm(image[:, 32, 32], FINE.spacing_mm) == pytest.approx(2.563 * both, rel=0.01)


def test_KA_noise_has_the_level_and_the_correlation_that_were_asked_for():
    found = []
    for case in range(8):
        draws = draw_noise(Scan(), case)
        loud = synthetic.render(LESION, Scan(), draws)[0]
        found.append(loud - synthetic.render(replace(LESION, noise_hu=0), Scan(), draws)[0])
    noise = np.stack(found).astype(np.float64)
    assert noise.std() == pytest.approx(20, rel=0.02)
    neighbours = (noise * np.roll(noise, 1, axis=1)).mean() / noise.var()
    assert neighbours == pytest.approx(np.exp(-1 / (4 * 0.7**2)), abs=0.03)


def test_KA_texture_has_its_level_and_its_scale():
    inside = replace(LESION, diameter_mm=400.0, elongation=1.0, noise_hu=0)
    sharp = replace(Scan(), spread_mm=0)
    for width in (0.8, 2.5):
        lesion = replace(inside, texture_mm=width)
        fields = [synthetic.render(lesion, sharp, draw_noise(sharp, case))[0] for case in range(8)]
        texture = np.stack(fields).astype(np.float64) + 850 - lesion.contrast_hu
        assert texture.std() == pytest.approx(80, rel=0.1)
        alike = (texture * np.roll(texture, 2, axis=2)).mean() / (texture**2).mean()
        assert alike == pytest.approx(np.exp(-4 / (4 * width**2)), abs=0.06)


def test_factors_are_uniform_and_independent():
    table = np.array([[getattr(one, name) for name in FACTORS] for one in draw_lesions(4000)])
    limits = np.array([(one.low, one.high) for one in FACTORS.values()]).T
    shares = (table - limits[0]) / (limits[1] - limits[0])
    deciles = np.quantile(shares, np.linspace(0, 1, 11), axis=0)
    assert np.abs(deciles - np.linspace(0, 1, 11)[:, None]).max() < 0.03
    apart = np.corrcoef(shares, rowvar=False) - np.eye(len(FACTORS))
    assert np.abs(apart).max() < 0.06


def test_every_lesion_lies_inside_its_image():
    largest = {name: one.high for name, one in FACTORS.items()}
    _, mask = synthetic.render(Lesion(**largest), Scan(), quiet(Scan()))
    assert not any(mask.take(end, axis).any() for axis in range(3) for end in (0, -1))


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def test_D1_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    small = Scan(edge=16)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthetic.write_lesion_cohort(tmp_path / name, 20, seed, small)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert not set(digest(tmp_path / "a")) & set(digest(tmp_path / "c"))


def test_a_cohort_is_read_checked_and_has_its_factors_as_labels(tmp_path):
    cohort = read_cohort(synthetic.write_lesion_cohort(tmp_path, 20))
    assert [case.split for case in cohort.cases].count("test") == 6
    assert check_cohort(cohort, []).rejections == ()
    lesions = draw_lesions(20)
    for name in FACTORS:
        label = label_of(cohort.cases, name)
        assert label.kind == "continuous"
        assert label.values[7] == pytest.approx(getattr(lesions[7], name), abs=1e-5)
    with_masks = read_cohort(tmp_path / "lesions.csv")
    image, mask = read_case(with_masks.cases[7])
    assert image.unit == "HU"
    np.testing.assert_allclose(image.grid.origin, -15.5)
    expected = synthetic.render(lesions[7], Scan(), draw_noise(Scan(), 7))
    np.testing.assert_array_equal(mask.values, expected[1])
    np.testing.assert_allclose(image.values[0], expected[0], atol=0.51)
    with pytest.raises(RequestError, match="too few"):
        synthetic.write_lesion_cohort(tmp_path / "few", 5)
