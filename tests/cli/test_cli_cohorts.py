"""Every form of a cohort from the command line: what check finds in it, and its plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

COUNT = 16
SIZE = (12, 12, 10)
Write = Callable[[Path], Path]


def volume(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A ball in noise, and a mask of it: 1 in its middle, 2 around."""
    rng = np.random.default_rng(number)
    at = np.indices(SIZE) - (np.array(SIZE) / 2 + rng.uniform(-1, 1, 3))[:, None, None, None]
    radius = np.sqrt((at**2).sum(0))
    values = 100 + 80 * (radius < 4) + rng.normal(0, 5, SIZE)
    return values.astype(np.float32), (2 * (radius < 4) - (radius < 2)).astype(np.uint8)


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.0, 1.0, 1.5, 1.0])), path)


def by_suffix(folder: Path) -> Path:
    for number in range(COUNT):
        values, mask = volume(number)
        save(folder / f"p{number:02d}.nii.gz", values)
        save(folder / f"p{number:02d}_{'mask' if number % 2 else 'seg'}.nii.gz", mask)
    (folder / "notes.txt").write_text("not an image")
    return folder


def as_nnunet(folder: Path) -> Path:
    for number in range(COUNT):
        values, mask = volume(number)
        save(folder / "imagesTr" / f"p_{number:03d}_0000.nii.gz", values)
        save(folder / "labelsTr" / f"p_{number:03d}.nii.gz", mask)
    (folder / "dataset.json").write_text("{}")
    return folder


def as_pyradiomics(folder: Path) -> Path:
    lines = ["ID,IMAGE,Mask,Label"]
    for number in range(COUNT):
        values, mask = volume(number)
        save(folder / f"i{number}.nii.gz", values)
        save(folder / f"m{number}.nii.gz", mask)
        lines.append(f"{number},i{number}.nii.gz,m{number}.nii.gz,{(1, 2, '')[number % 3]}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder / "cases.csv"


def whole_images(folder: Path) -> Path:
    lines = ["image;ill"]
    for number in range(COUNT):
        save(folder / f"i{number}.nii.gz", volume(number)[0])
        lines.append(f"i{number}.nii.gz;{number % 2}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder / "cases.csv"


FORMS: dict[str, tuple[Write, set[str | None]]] = {
    "pairs by suffix": (by_suffix, {"labels 1, 2"}),
    "imagesTr and labelsTr": (as_nnunet, {"labels 1, 2"}),
    "PyRadiomics": (as_pyradiomics, {"label 1", "label 2", "labels 1, 2"}),
    "whole images": (whole_images, {None}),
}


@pytest.mark.parametrize("form", FORMS)
def test_I9_every_form_of_a_cohort_is_checked(shell: Callable, tmp_path: Path, form: str) -> None:
    write, rules = FORMS[form]
    shown = shell("check", str(write(tmp_path)), "--workers", "1", "--json", "--quiet")
    assert shown.exit_code == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert len(found["facts"]) == found["rows"] == COUNT
    assert {fact["mask_rule"] for fact in found["facts"]} == rules
    assert len({fact["case"] for fact in found["facts"]}) == COUNT


def test_I3_check_takes_the_label_that_counts(shell: Callable, tmp_path: Path) -> None:
    words = ["check", str(by_suffix(tmp_path)), "--workers", "1", "--json", "--quiet"]
    found = json.loads(shell(*words, "--mask-label", "2").stdout)
    assert {fact["mask_rule"] for fact in found["facts"]} == {"label 2"}
    refused = shell(*words, "--mask-label", "7")
    assert refused.exit_code == 3
    rejections = json.loads(refused.stdout)["rejections"]
    assert {one["code"] for one in rejections} == {"mask_empty"}
    assert "values found: 0, 1, 2" in rejections[0]["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_I9_every_form_of_a_cohort_is_planned(
    shell: Callable, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    write, rules = FORMS[form]
    shown = shell("plan", str(write(tmp_path / "cohort")), "--workers", "1", "--quiet")
    assert shown.exit_code == 0, shown.stderr
    plan = yaml.safe_load(shown.stdout)
    assert len(plan["size"]["value"]) == 3
    assert (plan["view"]["value"] == "whole") == (rules == {None})


def test_I9_a_label_in_small_letters_is_a_target(shell: Callable, tmp_path: Path) -> None:
    lines = ["image,mask,label"]
    for number in range(4):
        values, mask = volume(number)
        save(tmp_path / f"i{number}.nii.gz", values)
        save(tmp_path / f"m{number}.nii.gz", mask)
        lines.append(f"i{number}.nii.gz,m{number}.nii.gz,{number % 2}")
    (tmp_path / "cases.csv").write_text("\n".join(lines) + "\n")
    words = ["check", str(tmp_path / "cases.csv"), "--workers", "1", "--json", "--quiet"]
    found = json.loads(shell(*words, "--label", "label").stdout)
    assert found["balance"][0]["values"] == {"0": 2.0, "1": 2.0}
    assert {fact["mask_rule"] for fact in found["facts"]} == {"labels 1, 2"}


def test_I9_a_manifest_that_cannot_be_read_is_refused_with_2_in_three_lines(
    shell: Callable, tmp_path: Path
) -> None:
    save(tmp_path / "i.nii.gz", volume(0)[0])
    manifest = tmp_path / "cases.csv"
    for text, words in (
        ("case,picture\na,i.nii.gz\n", "there is no column 'image'"),
        ("case,image\na,i.nii.gz\na,i.nii.gz\n", "'a' stands in row 2 too"),
        ("case,image,y\na,i.nii.gz,1\nb,i.nii.gz,ill\nc,i.nii.gz,2\n", "mixes numbers and words"),
    ):
        manifest.write_text("\ufeff" + text)
        shown = shell("check", str(manifest), "--label", "y", "--quiet")
        assert shown.exit_code == 2, shown.stderr
        first, where, remedy = shown.stderr.splitlines()
        assert words in first
        assert where.startswith("  where:  ")
        assert remedy.startswith("  remedy: ")
