"""What check finds in a cohort with every kind of fault, and how it says so."""

import json
import pickle
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from latentomics.core import Case, FileRef
from latentomics.sources import (
    CaseFacts,
    check_cohort,
    duplicates,
    label_of,
    measure_case,
    measure_cases,
    predictability,
    read_cohort,
    voxel_hash,
)

COUNT = 24


@pytest.fixture
def folder(tmp_path):
    """Twenty-four cases of twelve patients; size tells ``big``, site tells ``local``."""
    rng = np.random.default_rng(0)
    rows = ["case,image,mask,patient,site,modality,big,local,chance,volume"]
    for number in range(COUNT):
        values = rng.normal(0, 100, (16, 16, 8)).astype("i2")
        mask = np.zeros(values.shape, "u1")
        edge = 3 + number % 4
        mask[2 : 2 + edge, 2 : 2 + edge, 1:5] = 1
        for name, array in (("image", values), ("mask", mask)):
            nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}{number}.nii.gz")
        site = "AB"[number // 4 % 2]
        rows.append(
            f"c{number},image{number}.nii.gz,mask{number}.nii.gz,p{number // 2},{site},MR,"
            f"{int(edge > 4)},{int(site == 'B')},{rng.integers(0, 2)},{edge * edge * 4}"
        )
    (tmp_path / "m.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def check(folder, *expressions, **options):
    cohort = read_cohort(folder / "m.csv")
    labels = [label_of(cohort.cases, expression) for expression in expressions]
    return check_cohort(cohort, labels, workers=1, **options)


def test_KA_labels_that_hang_on_size_or_site(folder):
    found = check(folder, "big", "local", "volume").predictability
    score = {(p.label, p.by): p for p in found}
    assert score["big", "size"].value == 1.0
    assert score["local", "site"].value == 1.0
    assert score["volume", "size"].value == pytest.approx(1.0, abs=0.01)
    assert abs(score["big", "site"].value - 0.5) < 0.3
    assert score["big", "size"].notable
    assert not score["volume", "site"].notable
    assert score["big", "size"].patients == 12


def test_L1_confounds_leave_out_whole_patients():
    """A site that is the patient tells the label of this patient only."""
    rng = np.random.default_rng(0)
    cases = []
    for patient in range(40):
        truth = float(rng.integers(0, 2))
        cases += [
            Case(id=f"{patient}_{number}", patient=str(patient), site=str(patient),
                 image=(FileRef(path=Path("x")),), targets={"y": truth})
            for number in range(5)
        ]  # fmt: skip
    blank = dict.fromkeys(CaseFacts.__dataclass_fields__, 0.0)
    facts = [CaseFacts(**blank | {"mask_voxels": 1, "mask_mm3": 1.0}) for _ in cases]
    (score,) = predictability(label_of(cases, "y"), cases, facts)
    assert score.by == "site"
    assert abs(score.value - 0.5) < 0.1


def test_counts_balance_and_words(folder):
    found = check(folder, "big", "volume")
    assert found.counts["site"] == {"A": 12, "B": 12}
    assert found.counts["modality"] == {"MR": 24}
    assert found.counts["size"] == {"16 x 16 x 8": 24}
    assert found.balance[0].values == {"0": 12.0, "1": 12.0}
    assert found.balance[1].values["maximum"] == 144.0
    text = "\n".join(found.describe())
    for words in ("24 cases", "12 patients", "1 x 1 x 1 mm", "big from size alone: AUROC 1.00"):
        assert words in text
    assert json.loads(json.dumps(found.plain()))["rows"] == 24


def test_I1_I4_each_fault_costs_its_own_case(folder):
    good = (folder / "image0.nii.gz").read_bytes()
    (folder / "image1.nii.gz").write_bytes(good[:900])
    (folder / "image2.nii.gz").write_bytes(b"")
    (folder / "image3.nii.gz").write_text("this is no image" * 99)
    (folder / "image4.nii.gz").unlink()
    for number, values in ((5, np.full((16, 16, 8), 7, "i2")), (6, np.full((16, 16, 8), np.nan))):
        nib.save(nib.Nifti1Image(values, np.eye(4)), folder / f"image{number}.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((16, 16, 8), "u1"), np.eye(4)), folder / "mask7.nii.gz")
    far = np.eye(4)
    far[0, 3] = 900
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), "u1"), far), folder / "mask8.nii.gz")
    seen = []
    found = check(folder, on_done=seen.append)
    assert {r.case: r.code for r in found.rejections} == {
        "c1": "truncated",
        "c2": "empty",
        "c3": "unreadable",
        "c4": "missing",
        "c5": "constant",
        "c6": "not_finite",
        "c7": "mask_empty",
        "c8": "mask_outside",
    }
    assert len(found.facts) == COUNT - 8
    assert len(seen) == COUNT - 1  # the missing file was never opened
    assert all(r.reason and r.remedy and r.file for r in found.rejections)
    assert "8 rejected" in found.describe()[0]


def test_I3_masks_worth_a_word(folder):
    two = np.zeros((16, 16, 8), "u1")
    two[0, 0, :4], two[1, 0, 0] = 1, 2
    nib.save(nib.Nifti1Image(two, np.eye(4)), folder / "mask0.nii.gz")
    soft = two * np.float32(0.3)
    nib.save(nib.Nifti1Image(soft, np.eye(4)), folder / "mask1.nii.gz")
    text = (folder / "m.csv").read_text().replace("mask2.nii.gz", "")
    (folder / "m.csv").write_text(text)
    remarks = "\n".join(check(folder).remarks)
    for words in (
        "cases without a mask: 1 of 24",
        "masks of fewer than 8 voxels: 2 (c0, c1)",
        "masks with several labels: 1 (labels 1, 2)",
        "masks that are probabilities: 1; the region is probability >= 0.5",
    ):
        assert words in remarks


def test_I7_the_same_picture_under_two_cases(folder):
    values = nib.load(folder / "image0.nii.gz").get_fdata().astype("f4")
    # The same voxels in other bytes.
    nib.save(nib.Nifti1Image(values, np.eye(4)), folder / "image9.nii.gz")
    found = check(folder)
    assert found.duplicates == (("c0", "c9"),)
    text = "\n".join(found.remarks)
    assert "c0 = c9" in text
    assert "different values in: chance, volume" in text


def test_I7_two_regions_of_one_image_are_no_duplicates(folder):
    cohort = read_cohort(folder / "m.csv")
    image = cohort.cases[0].image
    regions = [
        Case(id=case.id, patient="p", image=image, mask=case.mask) for case in cohort.cases[:2]
    ]
    assert duplicates(map(measure_case, regions)) == []
    other = Case(id="x", patient="q", image=image, mask=cohort.cases[2].mask)
    assert duplicates(map(measure_case, [*regions, other])) == [("c0", "c1", "x")]
    again = Case(id="y", patient="p", image=image, mask=regions[0].mask)
    assert duplicates(map(measure_case, [*regions, again])) == [("c0", "c1", "y")]


def test_L1_patients_on_several_sides_of_the_given_split(folder):
    lines = (folder / "m.csv").read_text().splitlines()
    splits = ["split", *(["train", "test", *["train"] * (COUNT - 2)])]
    (folder / "m.csv").write_text("\n".join(f"{a},{b}" for a, b in zip(lines, splits, strict=True)))
    remarks = check(folder).remarks
    assert "patients on several sides of the given split: 1 (p0)" in remarks


def test_D2_facts_do_not_depend_on_processes_or_memory_order(folder):
    cases = read_cohort(folder / "m.csv").cases[:6]
    alone = [outcome.value for outcome in measure_cases(cases, workers=1)]
    apart = [outcome.value for outcome in measure_cases(cases, workers=2)]
    assert alone == apart
    assert pickle.loads(pickle.dumps(alone)) == alone
    values = np.arange(24, dtype="f4").reshape(1, 2, 3, 4)
    assert voxel_hash(values) == voxel_hash(np.asfortranarray(values))
    assert voxel_hash(values) != voxel_hash(values.reshape(1, 2, 4, 3))
    assert voxel_hash(values * 0) == voxel_hash(-values * 0)


def test_rows_of_an_archive_are_measured_in_this_process(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(0, 1, (5, 8, 8)))
    rows = "".join(f"a.npz,x,{row},{row % 2}\n" for row in range(5))
    (tmp_path / "m.csv").write_text("image,npz_key,npz_index,y\n" + rows)
    found = check(tmp_path, "y")
    assert len(found.facts) == 5
    assert found.predictability == ()  # one site, one size: nothing to tell by
