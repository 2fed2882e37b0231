"""Cases: image and mask in physical space, and intensities that a scanner gives."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from latentomics.core import Case, CaseError, FileRef
from latentomics.sources import measure_case, read_case

RNG = np.random.default_rng(0)
AFFINE = np.array([[-0.7, 0, 0, 50], [0, 0.7, 0, -60], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
CUBE = np.zeros((20, 24, 12), "u1")
CUBE[5:9, 6:12, 3:5] = 1


def save(folder, name, values, affine=AFFINE):
    path = Path(folder) / name
    if name.endswith(".nii.gz"):
        nib.save(nib.Nifti1Image(values, affine), path)
    elif name.endswith(".npy"):
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    return FileRef(path=path)


def scan(folder, mask=None, mask_affine=AFFINE, values=None, **case):
    values = RNG.normal(0, 300, CUBE.shape).astype("i2") if values is None else values
    image = save(folder, "image.nii.gz", values)
    ref = None if mask is None else save(folder, "mask.nii.gz", mask, mask_affine)
    return Case(id="a", patient="a", image=(image,), mask=ref, **case)


def kind_of(case):
    with pytest.raises(CaseError) as caught:
        read_case(case)
    assert "a" in caught.value.where
    return caught.value.kind


def test_KA_values_mask_grid_and_unit(tmp_path):
    values = RNG.normal(0, 300, CUBE.shape).astype("i2")
    acquisition, mask = read_case(scan(tmp_path, CUBE, values=values, modality="CT"))
    assert acquisition.values.dtype == np.float32
    np.testing.assert_array_equal(acquisition.values[0], values)
    np.testing.assert_array_equal(mask.values, CUBE == 1)
    assert (acquisition.modality, acquisition.unit) == ("CT", "HU")
    assert acquisition.grid.spacing == pytest.approx((0.7, 0.7, 2.5))
    assert acquisition.grid.direction == (-1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_modality_decides_the_unit(tmp_path):
    values = RNG.uniform(0, 9, CUBE.shape).astype("f4")
    for modality, unit in ((None, "a.u."), ("MR", "a.u."), ("PT", "SUV")):
        acquisition, mask = read_case(scan(tmp_path, values=values, modality=modality))
        assert (acquisition.modality, acquisition.unit) == (modality or "OTHER", unit)
        assert mask is None


def test_KA_facts(tmp_path):
    values = RNG.normal(0, 300, CUBE.shape).astype("i2")
    facts = measure_case(scan(tmp_path, CUBE, values=values, modality="CT"))
    assert facts.size == (20, 24, 12)
    assert (facts.minimum, facts.maximum) == (values.min(), values.max())
    assert facts.mean == pytest.approx(values.mean())
    assert facts.sd == pytest.approx(values.std())
    assert facts.p50 == pytest.approx(np.median(values), abs=5)
    assert facts.p99 == pytest.approx(np.quantile(values, 0.99), abs=15)
    assert facts.sigma == pytest.approx(300, rel=0.1)
    assert facts.mask_voxels == 48
    assert facts.mask_mm3 == pytest.approx(48 * 0.7 * 0.7 * 2.5)
    assert facts.mask_box == ((5, 6, 3), (9, 12, 5))
    assert facts.mask_extent_mm == pytest.approx((2.8, 4.2, 5.0))
    assert (facts.channels, facts.oblique, facts.unit) == (1, False, "mm")


def test_I2_facts_of_a_mask_on_another_grid_are_in_image_voxels(tmp_path):
    """The mask is stored flipped, with its axes turned, and cropped: the region is the same."""
    same = measure_case(scan(tmp_path, CUBE))
    image = nib.Nifti1Image(CUBE, AFFINE).slicer[4:12, 5:14, 2:8]
    turned = nib.as_closest_canonical(image)
    turned = turned.as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    other = measure_case(scan(tmp_path, np.asarray(turned.dataobj), turned.affine))
    for name in ("mask_box", "mask_voxels"):
        assert getattr(other, name) == getattr(same, name)
    assert other.mask_extent_mm == pytest.approx(same.mask_extent_mm)
    assert other.mask_mm3 == pytest.approx(same.mask_mm3)


def test_I2_masks_elsewhere_are_refused(tmp_path):
    assert kind_of(scan(tmp_path, CUBE, np.eye(4))) == "geometry"
    shifted = AFFINE.copy()
    shifted[0, 3] += 7
    assert kind_of(scan(tmp_path, CUBE, shifted)) == "geometry"
    far = AFFINE.copy()
    far[2, 3] += 500
    assert kind_of(scan(tmp_path, CUBE[:10], far)) == "mask_outside"


def test_I2_a_smaller_mask_partly_outside_is_refused_from_half_on(tmp_path):
    mask = np.ones((4, 4, 4), "u1")
    for voxels, refused in ((-1, False), (-3, True)):
        moved = AFFINE.copy()
        moved[:3, 3] = (AFFINE @ [voxels, 0, 0, 1])[:3]
        case = scan(tmp_path, mask, moved)
        if refused:
            assert kind_of(case) == "mask_outside"
        else:
            assert read_case(case)[1].values.all()


def test_I2_without_geometry_shapes_must_agree(tmp_path):
    image = save(tmp_path, "a.npy", RNG.normal(0, 1, (8, 9)))
    small, same = (save(tmp_path, f"{n}.npy", np.ones((8, n))) for n in (8, 9))
    physical = save(tmp_path, "m.nii.gz", np.ones((8, 9, 1), "u1"), np.eye(4))
    volume = save(tmp_path, "v.npy", np.ones((8, 9, 2)))
    assert read_case(Case(id="a", patient="a", image=(image,), mask=same))[1].values.all()
    for mask in (small, physical, volume):
        assert kind_of(Case(id="a", patient="a", image=(image,), mask=mask)) == "geometry"


def test_I3_which_label_or_threshold_is_the_region(tmp_path):
    two = CUBE.copy()
    two[0, 0, 0] = 2
    soft = CUBE * np.float32(0.6)
    soft[0, 0, 0] = 0.4
    for mask, label, voxels, rule in (
        (CUBE, None, 48, "label 1"),
        (two, None, 49, "labels 1, 2"),
        (two, 2, 1, "label 2"),
        (CUBE * np.uint8(255), None, 48, "label 255"),
        (soft, None, 48, "probability >= 0.5"),
    ):
        facts = measure_case(scan(tmp_path, mask, mask_label=label))
        assert (facts.mask_voxels, facts.mask_rule) == (voxels, rule)


def test_I3_empty_masks(tmp_path):
    assert kind_of(scan(tmp_path, CUBE * 0)) == "mask_empty"
    assert kind_of(scan(tmp_path, CUBE, mask_label=3)) == "mask_empty"
    assert kind_of(scan(tmp_path, np.full(CUBE.shape, np.nan, "f4"))) == "not_finite"


@pytest.mark.parametrize(
    ("change", "modality", "kind"),
    [
        (lambda v: np.where(v > 500, np.nan, v), "MR", "not_finite"),
        (lambda v: np.where(v > 500, -np.inf, v), "MR", "not_finite"),
        (lambda v: v * 0 + 7, "MR", "constant"),
        (lambda v: np.clip(v, 0, 255).round(), "CT", "intensities"),
        (lambda v: v + 2024, "CT", "intensities"),
        (lambda v: v * 0.1 - 400, "CT", "intensities"),
        (lambda v: v / 100, "PT", "intensities"),
        (lambda v: np.abs(v) * 100, "PT", "intensities"),
        (lambda v: np.clip(v, 0, 255).round(), "MR", None),
        (lambda v: v - 800, "CT", None),
        (lambda v: np.abs(v) / 100, "PT", None),
    ],
)
def test_I4_intensities(tmp_path, change, modality, kind):
    values = change(RNG.normal(0, 300, CUBE.shape)).astype("f4")
    case = scan(tmp_path, values=values, modality=modality)
    if kind is None:
        assert read_case(case)[0].values.size
    else:
        assert kind_of(case) == kind


def test_values_beyond_32_bit_are_refused(tmp_path):
    image = save(tmp_path, "a.npy", np.array([[1e300, 0.0], [1.0, 2.0]]))
    assert kind_of(Case(id="a", patient="a", image=(image,))) == "not_finite"


def test_channels_are_brought_onto_the_first_grid(tmp_path):
    """A linear ramp resampled linearly is the same ramp."""
    index = np.indices((20, 24, 12)).reshape(3, -1)
    at = (AFFINE[:3, :3] @ index + AFFINE[:3, 3:]).reshape(3, 20, 24, 12)
    ramp = (at[0] + 2 * at[1] + 3 * at[2]).astype("f4")
    wide = np.diag([1.5, 1.5, 1.5, 1.0])
    wide[:3, 3] = (25, -70, -110)
    index = np.indices((40, 40, 40)).reshape(3, -1)
    at = (wide[:3, :3] @ index + wide[:3, 3:]).reshape(3, 40, 40, 40)
    second = (at[0] + 2 * at[1] + 3 * at[2]).astype("f4")
    refs = (save(tmp_path, "a.nii.gz", ramp), save(tmp_path, "b.nii.gz", second, wide))
    acquisition, _ = read_case(Case(id="a", patient="a", image=refs))
    assert acquisition.values.shape == (2, 20, 24, 12)
    np.testing.assert_allclose(acquisition.values[1], ramp, atol=1e-2)
    same, _ = read_case(Case(id="a", patient="a", image=refs[:1] * 2))
    np.testing.assert_array_equal(same.values[1], ramp)


def test_channels_that_do_not_meet_are_refused(tmp_path):
    far = AFFINE.copy()
    far[0, 3] += 900
    values = RNG.normal(0, 1, CUBE.shape).astype("f4")
    refs = (save(tmp_path, "a.nii.gz", values), save(tmp_path, "b.nii.gz", values, far))
    assert kind_of(Case(id="a", patient="a", image=refs)) == "geometry"
    flat = tuple(save(tmp_path, f"{n}.npy", RNG.normal(0, 1, (4, n))) for n in (4, 5))
    assert kind_of(Case(id="a", patient="a", image=flat)) == "geometry"
    assert kind_of(Case(id="a", patient="a", image=(refs[0], flat[0]))) == "geometry"
