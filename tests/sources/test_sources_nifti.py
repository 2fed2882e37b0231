"""NIfTI: nibabel writes, we read; values and places must agree."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from latentomics.core import CaseError, FileRef, GeometryError
from latentomics.sources import formats, is_axis_aligned, read_volume
from latentomics.sources.formats import base

RNG = np.random.default_rng(0)
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.3, -0.2, 0.1) @ np.diag([0.7, 0.8, 2.5]), [11.0, -20.0, 30.0]
)


def affine_of(volume):
    dimension = len(volume.grid.spacing)
    affine = np.eye(dimension + 1)
    direction = np.array(volume.grid.direction).reshape(dimension, dimension)
    affine[:-1, :-1] = direction * volume.grid.spacing
    affine[:-1, -1] = volume.grid.origin
    return affine


def save(path, values, affine=OBLIQUE, image=nib.Nifti1Image, **changes):
    made = image(values, affine)
    for name, value in changes.items():
        made.header[name] = value
    nib.save(made, path)
    return FileRef(path=Path(path))


def patch(path, offset, content):
    data = bytearray(path.read_bytes())
    data[offset : offset + len(content)] = content
    path.write_bytes(data)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_values_and_affine_as_nibabel(tmp_path, dtype, suffix):
    values = (RNG.normal(50, 20, (5, 6, 7))).astype(dtype)
    ref = save(tmp_path / f"a{suffix}", values)
    volume = read_volume(ref)
    assert volume.values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.values, values)
    np.testing.assert_allclose(affine_of(volume), nib.load(ref.path).affine, atol=1e-5)
    assert volume.grid.unit == "mm"
    assert not is_axis_aligned(volume.grid)


@pytest.mark.parametrize("image", [nib.Nifti1Image, nib.Nifti2Image])
def test_big_endian_and_version_2(tmp_path, image):
    values = RNG.integers(0, 99, (4, 3, 2)).astype(">i2")
    header = image.header_class(endianness=">")
    nib.save(image(values, OBLIQUE, header), tmp_path / "a.nii")
    volume = read_volume(FileRef(path=tmp_path / "a.nii"))
    np.testing.assert_array_equal(volume.values, values)
    np.testing.assert_allclose(affine_of(volume), OBLIQUE, atol=1e-5)


def test_slope_and_intercept_in_double_precision(tmp_path):
    stored = RNG.integers(-1000, 3000, (5, 6, 7)).astype("i2")
    made = nib.Nifti1Image(stored, OBLIQUE)
    made.header.set_slope_inter(0.1, -1024)
    nib.save(made, tmp_path / "a.nii.gz")
    path = tmp_path / "b.nii.gz"
    raw = bytearray(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    raw[112:120] = np.array([0.1, -1024], "<f4").tobytes()
    path.write_bytes(gzip.compress(raw))
    expected = nib.load(path).get_fdata().astype("f4")
    np.testing.assert_array_equal(read_volume(FileRef(path=path)).values, expected)


def test_qform_where_the_sform_is_sheared_or_contradicts(tmp_path):
    for number, spoil in enumerate((np.diag([1.0, 1.1, 1, 1]), np.eye(4) + np.eye(4, k=1) * 0.1)):
        made = nib.Nifti1Image(np.ones((3, 4, 5), "i2"), OBLIQUE)
        made.set_qform(OBLIQUE, code=1)
        made.set_sform(OBLIQUE @ spoil, code=2)
        nib.save(made, tmp_path / f"{number}.nii")
        volume = read_volume(FileRef(path=tmp_path / f"{number}.nii"))
        np.testing.assert_allclose(affine_of(volume), OBLIQUE, atol=1e-4)


def test_left_handed_qform_alone(tmp_path):
    affine = OBLIQUE @ np.diag([1.0, 1, -1, 1])
    made = nib.Nifti1Image(np.ones((3, 4, 5), "i2"), None)
    made.set_qform(affine, code=1)
    nib.save(made, tmp_path / "a.nii")
    volume = read_volume(FileRef(path=tmp_path / "a.nii"))
    np.testing.assert_allclose(affine_of(volume), affine, atol=1e-4)


def test_I4_sheared_sform_without_qform_is_refused(tmp_path):
    made = nib.Nifti1Image(np.ones((3, 4, 5), "i2"), OBLIQUE)
    made.set_sform(OBLIQUE @ (np.eye(4) + np.eye(4, k=1) * 0.1), code=2)
    made.set_qform(None, code=0)
    nib.save(made, tmp_path / "a.nii")
    with pytest.raises(GeometryError, match="sform"):
        read_volume(FileRef(path=tmp_path / "a.nii"))


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, 40.0])
def test_I4_spacing_that_no_scanner_gives(tmp_path, value):
    affine = np.diag([1.0, 1.0, 40.0, 1.0]) if value == 40.0 else np.eye(4)
    ref = save(tmp_path / "a.nii", np.ones((3, 4, 5), "i2"), affine)
    patch(ref.path, 76 + 12, np.array(value, "<f4").tobytes())
    with pytest.raises(GeometryError) as caught:
        read_volume(ref)
    assert caught.value.kind == "geometry"


def test_micrometres_become_millimetres(tmp_path):
    ref = save(tmp_path / "a.nii", np.ones((3, 4, 5), "i2"), np.diag([50.0, 50, 50, 1]))
    made = nib.load(ref.path)
    made.header.set_xyzt_units("micron")
    nib.save(made, tmp_path / "b.nii")
    volume = read_volume(FileRef(path=tmp_path / "b.nii"))
    assert volume.grid.spacing == pytest.approx((0.05, 0.05, 0.05))


def test_one_slice_is_a_picture(tmp_path):
    ref = save(
        tmp_path / "a.nii", np.arange(12, dtype="i2").reshape(3, 4, 1), np.diag([2, 3, 9, 1])
    )
    volume = read_volume(ref)
    assert volume.values.shape == (3, 4)
    assert volume.grid.spacing == pytest.approx((2, 3))


def test_several_channels_are_refused(tmp_path):
    ref = save(tmp_path / "a.nii", np.ones((3, 4, 5, 2), "i2"))
    with pytest.raises(CaseError) as caught:
        read_volume(ref)
    assert caught.value.kind == "dimensions"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_I1_truncated(tmp_path, suffix, kept):
    ref = save(tmp_path / f"a{suffix}", RNG.normal(0, 1, (9, 9, 9)).astype("f4"))
    content = ref.path.read_bytes()
    ref.path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CaseError) as caught:
        read_volume(ref)
    assert caught.value.kind in ("truncated", "unreadable")


def test_I1_flipped_byte_fails_the_checksum(tmp_path):
    ref = save(tmp_path / "a.nii.gz", RNG.normal(0, 1, (9, 9, 9)).astype("f4"))
    content = bytearray(ref.path.read_bytes())
    content[-6] ^= 1  # the checksum itself: the data still unpack
    ref.path.write_bytes(content)
    with pytest.raises(CaseError, match="damaged"):
        read_volume(ref)


def test_I11_too_large_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    ref = save(tmp_path / "a.nii.gz", np.ones((40, 40, 40), "f4"))
    monkeypatch.setattr(base, "MAXIMUM_BYTES", 40**3 * 4 - 1)
    with pytest.raises(CaseError) as caught:
        read_volume(ref)
    assert caught.value.kind == "too_large"
    raw = bytearray(gzip.decompress(ref.path.read_bytes()))
    raw[42:48] = np.array([32767] * 3, "<i2").tobytes()  # claims 128 TiB in a file of 300 bytes
    ref.path.write_bytes(gzip.compress(raw))
    with pytest.raises(CaseError, match="GiB"):
        read_volume(ref)


def test_gzip_of_several_members(tmp_path):
    values = RNG.normal(0, 1, (9, 9, 9)).astype("f4")
    ref = save(tmp_path / "a.nii", values)
    raw = ref.path.read_bytes()
    joined = tmp_path / "b.nii.gz"
    joined.write_bytes(gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]))
    np.testing.assert_array_equal(read_volume(FileRef(path=joined)).values, values)


def test_colour_and_pairs_are_refused(tmp_path):
    ref = save(tmp_path / "a.nii", np.ones((3, 4, 5), "i2"))
    patch(ref.path, 70, np.array(128, "<i2").tobytes())
    with pytest.raises(CaseError) as caught:
        read_volume(ref)
    assert caught.value.kind == "colour"
    nib.save(nib.Nifti1Pair(np.ones((3, 4, 5), "i2"), OBLIQUE), tmp_path / "b.img")
    with pytest.raises(CaseError, match="second file"):
        read_volume(FileRef(path=tmp_path / "b.hdr"))


def test_a_format_is_known_by_its_bytes(tmp_path):
    ref = save(tmp_path / "a.nii.gz", np.ones((3, 4, 5), "i2"))
    other = ref.path.rename(tmp_path / "a.png")
    assert formats.format_of(FileRef(path=other)).name == "nifti"
