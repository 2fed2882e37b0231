"""NRRD, pictures and arrays."""

import io

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from latentomics.core import CaseError, FileRef
from latentomics.sources import read_volume
from latentomics.sources.formats import array, base

RNG = np.random.default_rng(0)


def kind_of(path, **where):
    with pytest.raises(CaseError) as caught:
        read_volume(FileRef(path=path, **where))
    assert str(path) in caught.value.where
    return caught.value.kind


def test_nrrd_lies_where_itk_says_turned_to_ras(tmp_path):
    values = RNG.integers(0, 99, (4, 5, 6)).astype("i2")
    image = SimpleITK.GetImageFromArray(values.T)
    image.SetSpacing((0.5, 0.75, 2.0))
    image.SetOrigin((10.0, 20.0, 30.0))
    image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"), useCompression=True)
    volume = read_volume(FileRef(path=tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(volume.values, values)
    direction = np.array(volume.grid.direction).reshape(3, 3)
    ours = np.array(volume.grid.origin) + direction @ (np.array(volume.grid.spacing) * [1, 2, 3])
    lps = np.array(image.TransformIndexToPhysicalPoint((1, 2, 3)))
    np.testing.assert_allclose(ours, lps * [-1, -1, 1])


def test_nrrd_truncated_or_naming_other_files(tmp_path):
    image = SimpleITK.GetImageFromArray(RNG.integers(0, 99, (9, 9, 9)).astype("i2"))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"))
    content = (tmp_path / "a.nrrd").read_bytes()
    (tmp_path / "a.nrrd").write_bytes(content[:-500])
    assert kind_of(tmp_path / "a.nrrd") in ("truncated", "unreadable")
    header = content.split(b"\n\n")[0] + b"\ndata file: /etc/passwd\n\n"
    (tmp_path / "b.nrrd").write_bytes(header)
    assert kind_of(tmp_path / "b.nrrd") == "format"


def test_nrrd_without_spacing_has_no_physical_size(tmp_path):
    header = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 3 4\nencoding: raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(header + bytes(range(24)))
    volume = read_volume(FileRef(path=tmp_path / "a.nrrd"))
    assert volume.grid.unit == "px"
    assert volume.values[1, 0, 0] == 1


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("a.png", "u1"), ("a.png", "u2"), ("a.tif", "u1"), ("a.tif", "u2"), ("a.tiff", "f4")],
)
def test_grey_pictures_row_by_column(tmp_path, name, dtype):
    values = RNG.integers(0, 200, (5, 7)).astype(dtype)
    Image.fromarray(values).save(tmp_path / name, dpi=(72, 72))
    volume = read_volume(FileRef(path=tmp_path / name))
    np.testing.assert_array_equal(volume.values, values)
    assert volume.values.dtype.itemsize == np.dtype(dtype).itemsize
    assert volume.grid == base.pixel_grid(2)


def test_16_bit_keeps_its_depth(tmp_path):
    values = np.array([[0, 257, 65535]], "u2").repeat(3, 0)
    for name in ("a.png", "a.tif"):
        Image.fromarray(values).save(tmp_path / name)
        np.testing.assert_array_equal(read_volume(FileRef(path=tmp_path / name)).values, values)


def test_jpeg(tmp_path):
    values = np.tile(np.arange(0, 128, 4, dtype="u1"), (32, 1))
    Image.fromarray(values).save(tmp_path / "a.jpg", quality=100)
    found = read_volume(FileRef(path=tmp_path / "a.jpg")).values
    assert np.abs(found.astype(int) - values).max() <= 2


def test_colour_is_refused_and_grey_stored_as_colour_is_read(tmp_path):
    grey = RNG.integers(0, 255, (6, 5)).astype("u1")
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_volume(FileRef(path=tmp_path / "grey.png")).values, grey)
    colour = np.stack([grey, grey, grey + 1], -1)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    assert kind_of(tmp_path / "colour.png") == "colour"
    Image.fromarray(colour).convert("P").save(tmp_path / "palette.png")
    assert kind_of(tmp_path / "palette.png") == "colour"
    half = np.stack([grey] * 3 + [grey], -1)
    Image.fromarray(half, "RGBA").save(tmp_path / "alpha.png")
    assert kind_of(tmp_path / "alpha.png") == "colour"


def test_several_pages_are_refused(tmp_path):
    pages = [Image.fromarray(np.full((4, 4), n, "u1")) for n in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert kind_of(tmp_path / "a.tif") == "dimensions"


def test_I1_truncated_picture(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 255, (64, 64)).astype("u1")).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[:2000])
    assert kind_of(tmp_path / "a.png") == "truncated"


def test_I11_large_picture_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((100, 100), "u1")).save(tmp_path / "a.png")
    monkeypatch.setattr(base, "MAXIMUM_BYTES", 100)
    assert kind_of(tmp_path / "a.png") == "too_large"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_an_archive(tmp_path, save):
    values = RNG.integers(0, 99, (4, 5, 6)).astype("i2")
    save(tmp_path / "a.npz", train=values, test=values + 1)
    path = tmp_path / "a.npz"
    for key, expected in (("train", values), ("test", values + 1)):
        found = read_volume(FileRef(path=path, npz_key=key, npz_index=2))
        np.testing.assert_array_equal(found.values, expected[2])
        assert found.grid.unit == "px"
    np.testing.assert_array_equal(read_volume(FileRef(path=path, npz_key="train")).values, values)
    assert kind_of(path, npz_key="train", npz_index=4) == "missing"
    assert kind_of(path, npz_key="valid") == "missing"
    assert kind_of(path) == "missing"


def test_an_archive_is_opened_once_and_again_when_it_changes(tmp_path, monkeypatch):
    path, opened = tmp_path / "a.npz", []
    real = array._load
    monkeypatch.setattr(array, "_load", lambda ref: opened.append(ref) or real(ref))
    np.savez_compressed(path, a=np.zeros((3, 4, 4)))
    for row in range(3):
        read_volume(FileRef(path=path, npz_index=row))
    assert len(opened) == 1
    np.savez_compressed(path, a=np.ones((30, 4, 4)))
    assert read_volume(FileRef(path=path, npz_index=2)).values.min() == 1
    assert len(opened) == 2


def test_arrays_of_either_order(tmp_path):
    for number, values in enumerate(
        (np.arange(24.0).reshape(2, 3, 4), np.arange(6.0).reshape(3, 2).T)
    ):
        np.save(tmp_path / f"{number}.npy", values)
        found = read_volume(FileRef(path=tmp_path / f"{number}.npy"))
        np.testing.assert_array_equal(found.values, values)


def test_I11_pickles_are_refused(tmp_path):
    values = np.array([{"a": 1}, None], dtype=object)
    np.save(tmp_path / "a.npy", values, allow_pickle=True)
    np.savez(tmp_path / "a.npz", a=values)
    assert kind_of(tmp_path / "a.npy") == "pickle"
    assert kind_of(tmp_path / "a.npz") == "pickle"


def test_I11_archive_bomb_is_refused_by_its_header(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((100, 100)))
    monkeypatch.setattr(base, "MAXIMUM_BYTES", 1000)
    assert kind_of(tmp_path / "a.npz") == "too_large"


def test_a_row_of_a_stack_of_signals_is_a_signal(tmp_path):
    signals = np.arange(96.0).reshape(3, 32)
    np.savez(tmp_path / "a.npz", signals=signals)
    volume = read_volume(FileRef(path=tmp_path / "a.npz", npz_key="signals", npz_index=1))
    assert np.array_equal(volume.values, signals[1])
    assert (volume.grid.spacing, volume.grid.unit) == ((1.0,), "px")


def test_arrays_that_are_no_image(tmp_path):
    for number, values in enumerate((np.ones(3), np.ones((2, 2), complex), np.array([["a"]]))):
        np.save(tmp_path / f"{number}.npy", values)
    assert kind_of(tmp_path / "0.npy") == "dimensions"
    assert kind_of(tmp_path / "1.npy") == "unreadable"
    assert kind_of(tmp_path / "2.npy") == "unreadable"


def test_I1_files_that_are_not_there_or_something_else(tmp_path):
    assert kind_of(tmp_path / "absent.nii") == "missing"
    (tmp_path / "empty.nii.gz").touch()
    assert kind_of(tmp_path / "empty.nii.gz") == "empty"
    (tmp_path / "text.nii.gz").write_text("patient;age\n1;2\n" * 99)
    assert kind_of(tmp_path / "text.nii.gz") == "unreadable"
    (tmp_path / "text.xyz").write_text("patient;age\n1;2\n")
    assert kind_of(tmp_path / "text.xyz") == "format"
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM" + bytes(99))
    assert kind_of(tmp_path / "a.dcm") == "format"
    assert kind_of(tmp_path) == "format"
