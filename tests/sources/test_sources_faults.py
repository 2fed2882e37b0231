"""Files that are no files, files that change while they are read, and readers that go wrong."""

from __future__ import annotations

import faulthandler
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from latentomics.core import Case, CaseError, FileRef, RequestError
from latentomics.core.executor import MEMORY, SECONDS
from latentomics.sources import (
    FORMATS,
    check,
    check_cohort,
    measure_cases,
    read_cohort,
    read_volume,
)
from latentomics.sources.formats import array, base

RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 200, (9, 8)).astype("u1")


def kind_of(path: Path, **where: object) -> str:
    with pytest.raises(CaseError) as caught:
        read_volume(FileRef(path=path, **where))
    assert str(path) in caught.value.where
    assert caught.value.remedy
    return caught.value.kind


def case(path: Path, name: str = "a") -> Case:
    return Case(id=name, patient=name, image=(FileRef(path=path),))


def test_I1_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npy")
    assert kind_of(tmp_path / "a.npy") == "format"


def test_I1_links_are_followed_or_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    for name, target in (("good", "a.npy"), ("dangling", "gone.npy"), ("loop", "loop.npy")):
        (tmp_path / f"{name}.npy").symlink_to(tmp_path / target)
    (tmp_path / "folder.npy").symlink_to(tmp_path)
    good = read_volume(FileRef(path=tmp_path / "good.npy"))
    np.testing.assert_array_equal(good.values, VALUES)
    assert kind_of(tmp_path / "dangling.npy") == "missing"
    assert kind_of(tmp_path / "folder.npy") == "format"
    assert kind_of(tmp_path / "loop.npy") == "unreadable"


def test_I1_a_name_that_no_disk_holds(tmp_path: Path) -> None:
    assert kind_of(tmp_path / ("a" * 5000)) == "unreadable"
    np.save(tmp_path / "b.npy", VALUES)
    assert kind_of(tmp_path / "b.npy" / "c.npy") == "missing"


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz", "a.png", "a.tif", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_I1_truncated_in_every_format(tmp_path: Path, name: str, share: float) -> None:
    values = RNG.normal(100, 40, (40, 40))
    path = tmp_path / name
    if name.endswith(".npy"):
        np.save(path, values)
    elif name.endswith(".npz"):
        (np.savez_compressed if name == "packed.npz" else np.savez)(path, values)
    elif name.endswith(".nii.gz"):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    else:
        Image.fromarray(values.astype("u1")).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert kind_of(path) in ("truncated", "unreadable")


def test_I1_a_file_under_another_formats_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.nii.gz")
    found = read_volume(FileRef(path=tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(found.values, VALUES)
    (tmp_path / "b.png").write_text("patient,age\n1,2\n")
    assert kind_of(tmp_path / "b.png") == "unreadable"


def test_I1_four_axes_with_one_frame_and_with_several(tmp_path: Path) -> None:
    volume = RNG.normal(0, 1, (5, 6, 7)).astype("f4")
    for frames in (1, 2):
        stacked = np.repeat(volume[..., None], frames, axis=-1)
        nibabel.save(nibabel.Nifti1Image(stacked, np.eye(4)), tmp_path / f"{frames}.nii")
    one = read_volume(FileRef(path=tmp_path / "1.nii"))
    np.testing.assert_array_equal(one.values, volume)
    assert kind_of(tmp_path / "2.nii") == "dimensions"
    np.save(tmp_path / "2.npy", stacked)
    assert kind_of(tmp_path / "2.npy") == "dimensions"


SHRINKS = """
import sys
from pathlib import Path
import numpy as np
from latentomics.core import Case, CaseError, FileRef
from latentomics.sources import formats, measure_case, reading
folder = Path(sys.argv[1])
for name, index in (("a.npy", None), ("rows.npy", 1), ("rows.npz", 1)):
    path = folder / name
    ref = FileRef(path=path, npz_index=index)
    find = reading.require_plausible
    def shrink(*given):
        path.write_bytes(path.read_bytes()[:64])
        return find(*given)
    reading.require_plausible = shrink
    try:
        print(measure_case(Case(id="a", patient="a", image=(ref,))).maximum > 0)
    except CaseError as error:
        print(error.kind)
    reading.require_plausible = find
"""


def test_T3_a_file_that_shrinks_while_it_is_read_does_not_end_the_process(tmp_path: Path) -> None:
    stack = RNG.normal(0, 1, (3, 400, 400))
    np.save(tmp_path / "a.npy", stack[0])
    np.save(tmp_path / "rows.npy", stack)
    np.savez(tmp_path / "rows.npz", stack)
    command = [sys.executable, "-c", SHRINKS, str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.returncode  # a mapped file would end it with SIGBUS
    assert shown.stdout.split() == ["True"] * 3


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.nii", "a.nii.gz", "a.png", "a.nrrd"])
def test_T3_a_file_that_vanishes_costs_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    if name == "a.nrrd":
        header = b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 3\nencoding: raw\n\n"
        path.write_bytes(header + bytes(range(6)))
    elif name.startswith("a.nii"):
        nibabel.save(nibabel.Nifti1Image(VALUES[..., None], np.eye(4)), path)
    elif name == "a.png":
        Image.fromarray(VALUES).save(path)
    else:
        (np.save if name == "a.npy" else np.savez)(path, VALUES)
    find = FORMATS[{"a.nii.gz": "nifti", "a.nii": "nifti", "a.png": "picture"}.get(name, name[2:])]

    def vanish(ref: FileRef) -> base.Volume:
        path.unlink()
        return find.read(ref)

    monkeypatch.setitem(FORMATS._entries, find.name, replace(find, read=vanish))
    array._kept.clear()
    assert kind_of(path) == "unreadable"


def crash(ref: FileRef) -> base.Volume:
    faulthandler.disable()  # or it writes a page
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def hang(ref: FileRef) -> base.Volume:
    time.sleep(60)
    raise AssertionError


def devour(ref: FileRef) -> base.Volume:
    return base.Volume(values=np.ones(50 * 2**30, "u1"), grid=base.pixel_grid(1))


@pytest.mark.parametrize(
    ("fault", "code"), [(crash, "crashed"), (hang, "timeout"), (devour, "too_large")]
)
def test_I8_a_reader_that_goes_wrong_costs_its_case_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., object], code: str
) -> None:
    """Limits are settings of the environment; the reader does it to one file of four."""
    rows = ["image"]
    for number in range(4):
        Image.fromarray(VALUES + number).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png")
    (tmp_path / "m.csv").write_text("\n".join(rows) + "\n")
    usual = FORMATS["picture"]

    def read(ref: FileRef) -> object:
        return (fault if ref.path.name == "2.png" else usual.read)(ref)

    monkeypatch.setitem(FORMATS._entries, "picture", replace(usual, read=read))
    monkeypatch.setenv(SECONDS, "4" if fault is hang else "60")
    monkeypatch.setenv(MEMORY, str(2**30))
    found = check_cohort(read_cohort(tmp_path / "m.csv"), workers=2)
    assert [fact.case for fact in found.facts] == ["0", "1", "3"]
    assert [(r.case, r.code) for r in found.rejections] == [("2", code)]
    assert code == "crashed" or "LATENTOMICS_CASE" in found.rejections[0].remedy


def test_I8_a_limit_that_is_no_number_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    for words in ("two minutes", "-1", "nan", "inf"):
        monkeypatch.setenv(SECONDS, words)
        with pytest.raises(RequestError, match=SECONDS):
            list(measure_cases([case(tmp_path / "a.png")], workers=2))


def own_process(_: Case) -> int:
    return os.getpid()


def test_I8_only_small_arrays_are_read_in_the_process_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "small.npy", VALUES)
    np.save(tmp_path / "large.npy", np.tile(VALUES, (20, 20)))
    np.savez_compressed(tmp_path / "packed.npz", np.tile(VALUES, (200, 200)))
    monkeypatch.setattr(check, "LIGHT_BYTES", 1000)
    monkeypatch.setattr(check, "measure_case", own_process)
    cases = [case(tmp_path / name, name) for name in ("packed.npz", "large.npy", "small.npy")]
    found = {outcome.key: outcome.value for outcome in measure_cases(cases, workers=2)}
    assert found["small.npy"] == os.getpid()
    assert os.getpid() not in (found["large.npy"], found["packed.npz"])


def _npz_with(header: bytes, packed: int) -> bytes:
    """An archive of one array whose header is given, followed by so many zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(header)
        for _ in range(packed // 2**20):
            member.write(bytes(2**20))
    return buffer.getvalue()


def _npy_header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def test_I11_an_archive_that_unpacks_to_more_than_it_says_is_read_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_npz_with(_npy_header((4, 4)), 64 * 2**20))
    unpacked = []
    real = zipfile.ZipExtFile.read

    def read(self: zipfile.ZipExtFile, n: int = -1) -> bytes:
        unpacked.append(real(self, n))
        return unpacked[-1]

    monkeypatch.setattr(zipfile.ZipExtFile, "read", read)
    assert read_volume(FileRef(path=path)).values.shape == (4, 4)
    assert sum(map(len, unpacked)) < 2**20
    path.write_bytes(_npz_with(_npy_header((2**17, 2**17)), 2**20))
    assert kind_of(path) == "too_large"


PEAK = """
import resource, sys
from pathlib import Path
from latentomics.core import FileRef
from latentomics.sources import read_volume
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(read_volume(FileRef(path=Path(sys.argv[1]))).values.sum())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_I11_a_compressed_image_that_unpacks_without_end_is_read_no_further(
    tmp_path: Path,
) -> None:
    nibabel.save(nibabel.Nifti1Image(np.arange(64, dtype="i2").reshape(4, 4, 4), np.eye(4)),
                 tmp_path / "a.nii")  # fmt: skip
    packer = zlib.compressobj(wbits=31)
    content = packer.compress((tmp_path / "a.nii").read_bytes())
    for _ in range(100):
        content += packer.compress(bytes(2**20))
    (tmp_path / "b.nii.gz").write_bytes(content + packer.flush())
    shown = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path / "b.nii.gz")],
                           capture_output=True, text=True, check=True)  # fmt: skip
    total, more_kib = map(int, shown.stdout.split())
    assert total == sum(range(64))
    assert more_kib < 50 * 1024


def test_I11_a_picture_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = (10**6).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    assert kind_of(tmp_path / "a.png") == "too_large"
