"""Preparing: every view on phantoms with known truth, and the way back."""

import numpy as np
import pytest

from latentomics.core import Acquisition, CaseError, GeometryError, Grid, Mask, RequestError
from latentomics.preprocess import Pipeline, prepare, to_source, to_units
from latentomics.preprocess.lattice import lattice_of

UPRIGHT = tuple(np.eye(3).ravel())
GRID = Grid(spacing=(0.8, 0.8, 2.0), origin=(-20.0, 5.0, 30.0), direction=UPRIGHT)
SHAPE = (48, 40, 20)


def phantom(seed: int = 0, unit: str = "HU") -> Acquisition:
    values = np.random.default_rng(seed).normal(100, 200, size=(1, *SHAPE)).astype(np.float32)
    return Acquisition(values=values, grid=GRID, modality="CT", unit=unit)


def lesion(low=(14, 12, 8), high=(24, 20, 12)) -> Mask:
    values = np.zeros(SHAPE, bool)
    values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return Mask(values=values, grid=GRID)


def pipeline(view="fixed", **changes) -> Pipeline:
    settings = {
        "dimension": 3,
        "view": view,
        "spacing_mm": (1.0, 1.0, 1.0),
        "size": (16, 16, 16),
        "margin": 6.0,
        "normalisation": "hu-window",
        "window": (-1000.0, 1000.0),
    }
    return Pipeline(**(settings | changes))


def flipped(acquisition: Acquisition, mask: Mask) -> tuple[Acquisition, Mask]:
    """The same picture stored from right to left, and with x and y exchanged."""
    direction = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    origin = (GRID.origin[0] + 0.8 * (SHAPE[0] - 1), GRID.origin[1], GRID.origin[2])
    grid = Grid(spacing=GRID.spacing, origin=origin, direction=tuple(direction.ravel()))
    values = acquisition.values[:, ::-1].transpose(0, 2, 1, 3)
    turned = Acquisition(values=values, grid=grid, modality="CT", unit="HU")
    return turned, Mask(values=mask.values[::-1].transpose(1, 0, 2), grid=grid)


@pytest.mark.parametrize("view", ["local", "scaled", "fixed", "pose", "patches"])
def test_how_an_image_is_stored_changes_nothing(view):
    setting = pipeline(view, margin=1.3 if view == "scaled" else 6.0)
    samples = prepare(setting, phantom(), lesion(), "a")
    turned = prepare(setting, *flipped(phantom(), lesion()), "a")
    assert len(samples) == len(turned)
    for one, two in zip(samples, turned, strict=True):
        np.testing.assert_allclose(one.values, two.values, atol=1e-5)
        np.testing.assert_array_equal(one.mask, two.mask)
        assert one.frame.target.spacing == pytest.approx(two.frame.target.spacing)
        assert one.frame.target.origin == pytest.approx(two.frame.target.origin)


def test_cropping_is_the_whole_image_resampled_then_cropped():
    whole_size = tuple(int(n) for n in lattice_of(GRID, SHAPE, (1.0, 1.0, 1.0)).size)
    assert whole_size == (38, 32, 40)
    whole = prepare(pipeline("pose", size=whole_size), phantom(), lesion(), "a")[0]
    crop = prepare(pipeline("fixed"), phantom(), lesion(), "a")[0]
    start = np.array(crop.frame.target.origin) - whole.frame.target.origin
    assert np.allclose(start, start.round())
    window = tuple(slice(a, a + 16) for a in start.round().astype(int))
    np.testing.assert_allclose(crop.values[0], whole.values[0][window], atol=1e-6)
    np.testing.assert_array_equal(crop.mask, whole.mask[window])


def test_the_lattice_is_centred_on_the_image():
    lattice = lattice_of(GRID, SHAPE, (1.5, 1.0, 3.0))
    centre = lattice.origin + (lattice.size - 1) / 2 * lattice.spacing
    np.testing.assert_allclose(centre, [-20 + 0.8 * 23.5, 5 + 0.8 * 19.5, 30 + 2 * 9.5])
    assert lattice.size.tolist() == [26, 32, 13]  # 38.4, 32 and 40 mm


def test_the_same_spacing_gives_the_very_same_values_and_the_way_back():
    setting = pipeline("pose", spacing_mm=GRID.spacing, size=SHAPE, window=(-5000.0, 5000.0))
    sample = prepare(setting, phantom(), lesion(), "a")[0]
    np.testing.assert_allclose(to_units(sample.values, sample.frame), phantom().values, atol=1e-2)
    np.testing.assert_array_equal(sample.mask, lesion().values)
    turned, mask = flipped(phantom(), lesion())
    sample = prepare(setting, turned, mask, "a")[0]
    back = to_source(to_units(sample.values, sample.frame), sample.frame)
    np.testing.assert_allclose(back, turned.values, atol=1e-2)


def test_the_way_back_of_a_crop_is_empty_outside_and_a_ramp_inside():
    ramp = np.broadcast_to(np.arange(48.0)[:, None, None], SHAPE).astype(np.float32)
    acquisition = Acquisition(values=ramp[None], grid=GRID, modality="CT", unit="HU")
    sample = prepare(pipeline("fixed"), acquisition, lesion(), "a")[0]
    back = to_source(to_units(sample.values, sample.frame), sample.frame, fill=np.nan)[0]
    assert back.shape == SHAPE
    kept = np.isfinite(back)
    assert 16 * 16 * 16 / (0.8 * 0.8 * 2) * 0.7 < kept.sum() < 16 * 16 * 16 / (0.8 * 0.8 * 2) * 1.3
    inner = kept & (np.abs(back - ramp) < 1e-3)
    assert inner.sum() > 0.85 * kept.sum()  # the rest is half a voxel beyond the last centre


def test_local_holds_the_mask_and_its_margin_in_multiples_of_four():
    sample = prepare(pipeline("local", size=(8, 8, 8)), phantom(), lesion(), "a")[0]
    size = np.array(sample.mask.shape)
    assert (size % 4 == 0).all()
    assert (size >= np.array([8 + 12, 6.4 + 12, 8 + 12])).all()
    assert (size < np.array([8 + 12, 6.4 + 12, 8 + 12]) + 6).all()
    assert sample.mask.sum() == pytest.approx(8 * 6.4 * 8, rel=0.15)
    free = [np.flatnonzero(sample.mask.any(axis=a)) for a in ((1, 2), (0, 2), (0, 1))]
    assert all(f[0] >= 6 - 1 and n - 1 - f[-1] >= 6 - 1 for f, n in zip(free, size, strict=True))
    least = prepare(pipeline("local", size=(40, 40, 40)), phantom(), lesion(), "a")[0]
    assert least.mask.shape == (40, 40, 40)


def test_beyond_the_image_its_edge_zero_or_minimum():
    mask = lesion((0, 0, 0), (4, 4, 3))
    for padding in ("edge", "zero", "minimum"):
        sample = prepare(pipeline("fixed", padding=padding), phantom(), mask, "a")[0]
        corner = sample.values[0, :4, :4, :4]
        expected = {"edge": None, "zero": 0.0, "minimum": sample.values.min()}[padding]
        assert np.ptp(corner) == 0
        if expected is None:
            assert corner[0, 0, 0] == pytest.approx(phantom().values[0, 0, 0, 0] / 1000, abs=0.01)
        else:
            assert corner[0, 0, 0] == pytest.approx(expected)


def test_scaled_is_a_cube_of_the_largest_extent():
    sample = prepare(pipeline("scaled", margin=1.25, size=(20, 20, 20)), phantom(), lesion(), "a")[
        0
    ]
    assert sample.frame.target.spacing == pytest.approx((0.5, 0.5, 0.5))  # 8 mm * 1.25 / 20
    centre = np.array(sample.frame.target.origin) + 9.5 * 0.5
    np.testing.assert_allclose(centre, [-20 + 0.8 * 18.5, 5 + 0.8 * 15.5, 30 + 2 * 9.5])
    inner = sample.mask.any(axis=(1, 2)).sum()
    assert inner in (16, 17)


def test_slices_are_planes_through_the_mask():
    setting = pipeline("slices", dimension=2, spacing_mm=(0.8, 0.8), size=(12, 14), samples=3)
    samples = prepare(setting, phantom(), lesion(), "a")
    assert len(samples) == 3
    assert samples[0].values.shape == (1, 12, 14)
    planes = [round((s.frame.target.origin[2] - 30) / 2) for s in samples]
    assert planes == [8, 10, 11]
    corner = [round((s.frame.target.origin[0] + 20) / 0.8) for s in samples]
    raw = phantom().values[0, corner[0] : corner[0] + 12, :, 8]
    second = round((samples[0].frame.target.origin[1] - 5) / 0.8)
    got = to_units(samples[0].values, samples[0].frame)[0]
    np.testing.assert_allclose(got, raw[:, second : second + 14], atol=0.1)
    assert to_source(samples[0].values, samples[0].frame).shape == (1, *SHAPE)


def test_patches_lie_in_the_mask():
    mask = lesion((4, 4, 2), (44, 36, 18))
    samples = prepare(pipeline("patches", size=(8, 8, 8), samples=9), phantom(), mask, "a")
    assert len(samples) == 9
    assert all(s.mask.mean() >= 0.5 for s in samples)
    tiny = prepare(pipeline("patches", size=(16, 16, 16)), phantom(), lesion(), "a")
    assert len(tiny) == 1
    assert tiny[0].mask.any()


def test_pictures_without_a_size_are_scaled_to_fit():
    grid = Grid(spacing=(1.0, 1.0), origin=(0.0, 0.0), direction=(1.0, 0.0, 0.0, 1.0), unit="px")
    values = np.random.default_rng(0).uniform(0, 255, (1, 56, 40)).astype(np.float32)
    picture = Acquisition(values=values, grid=grid, modality="XR", unit="a.u.")
    setting = Pipeline(
        dimension=2,
        view="whole",
        spacing_mm=(1.0, 1.0),
        size=(28, 28),
        normalisation="identity",
        window=(0.0, 255.0),
        padding="zero",
    )
    sample = prepare(setting, picture, None, "a")[0]
    assert sample.values.shape == (1, 28, 28)
    assert sample.mask.all()
    assert (sample.values[0, :, :4] == 0).all()
    assert sample.values[0, :, 4:24].min() > 0
    small = Acquisition(values=values[:, :28, :28], grid=grid, modality="XR", unit="a.u.")
    same = prepare(setting, small, None, "a")[0]
    np.testing.assert_allclose(same.values, small.values / 255, rtol=1e-6)


def test_a_volume_of_one_plane_is_a_picture():
    acquisition = phantom()
    plane = Acquisition(values=acquisition.values[..., :1], grid=GRID, modality="XR", unit="a.u.")
    setting = pipeline("pose", dimension=2, spacing_mm=(0.8, 0.8), size=(48, 40))
    assert prepare(setting, plane, None, "a")[0].values.shape == (1, 48, 40)
    with pytest.raises(RequestError):
        prepare(setting, acquisition, None, "a")


def test_signals_have_one_axis():
    grid = Grid(spacing=(0.01,), origin=(0.0,), direction=(1.0,), unit="s")
    values = np.sin(np.arange(400) / 20)[None].astype(np.float32)
    signal = Acquisition(values=values, grid=grid, modality="ECG", unit="mV")
    setting = Pipeline(dimension=1, view="pose", spacing_mm=(0.02,), size=(200,))
    assert prepare(setting, signal, None, "a")[0].values.shape == (1, 200)


def test_I2_mask_on_another_grid_meets_the_image_in_space():
    fine = Grid(spacing=(0.4, 0.4, 1.0), origin=(-20.2, 4.8, 29.5), direction=UPRIGHT)
    mask = Mask(values=np.kron(lesion().values, np.ones((2, 2, 2), bool)), grid=fine)
    same = prepare(pipeline(spacing_mm=GRID.spacing), phantom(), lesion(), "a")[0]
    other = prepare(pipeline(spacing_mm=GRID.spacing), phantom(), mask, "a")[0]
    np.testing.assert_array_equal(other.mask, same.mask)


def test_I2_a_mask_in_another_axis_order_meets_the_image_in_space():
    """Stored from the top down and by slices first, cropped to where there is something."""
    cropped, first = lesion().values[10:30, 8:24, 6:16], (10, 8, 6)
    origin = np.array(GRID.origin) + np.array(GRID.spacing) * (*first[:2], first[2] + 9)
    direction = np.array([[0, 1, 0], [0, 0, 1], [-1, 0, 0.0]])
    grid = Grid(spacing=(2.0, 0.8, 0.8), origin=tuple(origin), direction=tuple(direction.ravel()))
    mask = Mask(values=cropped[:, :, ::-1].transpose(2, 0, 1), grid=grid)
    same = prepare(pipeline(spacing_mm=GRID.spacing), phantom(), lesion(), "a")[0]
    other = prepare(pipeline(spacing_mm=GRID.spacing), phantom(), mask, "a")[0]
    assert same.mask.any()
    np.testing.assert_array_equal(other.mask, same.mask)
    np.testing.assert_array_equal(other.values, same.values)


@pytest.mark.parametrize(("shift", "word"), [(500.0, "nothing"), (24.0, "only")])
def test_I2_masks_outside_the_image_are_refused(shift, word):
    grid = Grid(spacing=GRID.spacing, origin=(-20.0 + shift, 5.0, 30.0), direction=UPRIGHT)
    mask = Mask(values=lesion().values, grid=grid)
    with pytest.raises(GeometryError, match=word) as caught:
        prepare(pipeline(), phantom(), mask, "nodule 7")
    assert caught.value.kind == "mask_outside"
    assert "nodule 7" in caught.value.where


def test_I2_without_geometry_the_shapes_must_agree():
    grid = Grid(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=UPRIGHT, unit="px")
    mask = Mask(values=lesion().values, grid=grid)
    assert prepare(pipeline(), phantom(), mask, "a")[0].mask.any()
    with pytest.raises(GeometryError):
        prepare(pipeline(), phantom(), Mask(values=mask.values[1:], grid=grid), "a")


def test_faults_name_the_case():
    empty = Mask(values=np.zeros(SHAPE, bool), grid=GRID)
    for mask, kind in ((empty, "mask_empty"), (None, "mask_missing")):
        with pytest.raises(CaseError) as caught:
            prepare(pipeline(), phantom(), mask, "x")
        assert caught.value.kind == kind
    broken = phantom()
    broken.values[0, 20, 16, 10] = np.nan
    with pytest.raises(CaseError) as caught:
        prepare(pipeline(), broken, lesion(), "x")
    assert caught.value.kind == "not_finite"


def test_a_tiny_mask_survives_a_coarse_grid():
    mask = lesion((20, 20, 10), (21, 21, 11))
    sample = prepare(pipeline(spacing_mm=(4.0, 4.0, 4.0), size=(8, 8, 8)), phantom(), mask, "a")[0]
    assert 1 <= sample.mask.sum() <= 2


def test_oblique_images_are_prepared():
    angle = 0.4
    direction = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    grid = Grid(spacing=GRID.spacing, origin=(0.0, 0.0, 0.0), direction=tuple(direction.ravel()))
    acquisition = Acquisition(values=phantom().values, grid=grid, modality="CT", unit="HU")
    mask = Mask(values=lesion().values, grid=grid)
    sample = prepare(pipeline(), acquisition, mask, "a")[0]
    assert sample.mask.sum() == pytest.approx(8 * 6.4 * 8, rel=0.15)
    back = to_source(sample.mask[None].astype(np.float32), sample.frame)[0] > 0.5
    assert 2 * (back & mask.values).sum() / (back.sum() + mask.values.sum()) > 0.85
