"""Forty broken files among twenty good ones: each costs its own case, with reason and remedy."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas
import pytest

from latentomics import flow
from latentomics.features import read_table
from latentomics.planning import Request

GOOD, BROKEN = 20, 40
SIZE = (12, 12, 10)
Break = Callable[[Path, Path], None]  # image, mask


def save(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> None:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SIZE), indexing="ij"))
    centre = np.array(SIZE) / 2 + rng.uniform(-1, 1, 3)
    inside = np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(0)) < rng.uniform(2.5, 4.5)
    shade: np.ndarray = 100 + 80 * inside + rng.normal(0, 5, SIZE)
    return shade.astype(np.float32)


def spoil(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def folder_instead(image: Path, mask: Path) -> None:
    image.unlink()
    image.mkdir()


def pickled(image: Path, mask: Path) -> None:
    np.savez(image.with_suffix(".npz"), values=np.array([{"a": 1}], dtype=object))
    image.unlink()
    image.with_suffix(".npz").rename(image)


def far_away(image: Path, mask: Path) -> None:
    affine = np.eye(4)
    affine[:3, 3] = 500.0
    save(mask, np.ones((4, 4, 4), np.uint8), affine)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


KINDS: dict[str, Break] = {
    "truncated": lambda image, _: spoil(image, lambda content: content[: len(content) // 2]),
    "empty": lambda image, _: spoil(image, lambda _: b""),
    "text": lambda image, _: spoil(image, lambda _: b"no image, a letter\n" * 40),
    "flipped byte": lambda image, _: spoil(image, flipped),
    "absent": lambda image, _: image.unlink(),
    "folder": folder_instead,
    "pickle": pickled,
    "not a number": lambda image, _: save(image, np.full(SIZE, np.nan, np.float32)),
    "infinite": lambda image, _: save(image, np.full(SIZE, np.inf, np.float32)),
    "constant": lambda image, _: save(image, np.full(SIZE, 7, np.int16)),
    "several frames": lambda image, _: save(image, np.stack([picture(0), picture(1)], -1)),
    "empty mask": lambda _, mask: save(mask, np.zeros(SIZE, np.uint8)),
    "mask elsewhere": far_away,
    "mask truncated": lambda _, mask: spoil(mask, lambda content: content[:60]),
    "mask of text": lambda _, mask: spoil(mask, lambda _: b"drawn by hand"),
    "spacing": lambda image, _: save(image, picture(2), np.diag([400.0, 400, 400, 1])),
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = []
    kinds = list(KINDS)
    for number in range(GOOD + BROKEN):
        name = f"c{number:02d}"
        image, mask = tmp_path / f"{name}.nii.gz", tmp_path / f"{name}_mask.nii.gz"
        values = picture(number)
        save(image, values)
        save(mask, (values > 140).astype(np.uint8))
        kind = "good"
        if number % 3:  # two of three, spread over the manifest
            kind = kinds[(number - number // 3 - 1) % len(kinds)]
            KINDS[kind](image, mask)
        rows.append({"case": name, "image": image.name, "mask": mask.name, "modality": "MR"})
        rows[-1]["kind"] = kind
    path = tmp_path / "cohort.csv"
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def kinds_of(manifest: Path) -> dict[str, str]:
    frame = pandas.read_csv(manifest)
    return dict(zip(frame["case"], frame["kind"], strict=True))


def test_I1_forty_broken_files_of_many_kinds_are_each_named(manifest: Path) -> None:
    kinds = kinds_of(manifest)
    assert len({kind for kind in kinds.values() if kind != "good"}) == len(KINDS) >= 12
    found = flow.check(manifest, workers=1)
    assert sorted(fact.case for fact in found.facts) == [c for c, k in kinds.items() if k == "good"]
    assert {r.case for r in found.rejections} == {c for c, k in kinds.items() if k != "good"}
    assert len(found.rejections) == BROKEN
    assert all(r.code and r.reason and r.remedy and "Traceback" not in r.reason
               for r in found.rejections)  # fmt: skip
    assert len({r.code for r in found.rejections}) >= 8


@pytest.mark.slow
def test_I1_a_run_goes_on_with_the_twenty_that_are_good(manifest: Path, tmp_path: Path) -> None:
    record = flow.run(manifest, tmp_path / "RUN", Request(epochs=1), workers=1)
    rejected = pandas.read_csv(tmp_path / "RUN" / "rejected.csv")
    assert list(rejected.columns) == ["case", "file", "code", "reason", "remedy"]
    assert len(rejected) == BROKEN
    assert rejected[["code", "reason", "remedy"]].notna().all(axis=None)
    assert record.exit_code == 3
    assert len(read_table(record.table).frame) == GOOD
