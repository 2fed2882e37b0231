"""The manifest as people save it: read, or refused with row and column."""

import numpy as np
import pandas as pd
import pytest

from latentomics.core import RequestError
from latentomics.sources import read_cohort
from latentomics.sources.table import number_of


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        np.save(tmp_path / f"c{number}.npy", np.ones((2, 2)))
        np.save(tmp_path / f"c{number}_mask.npy", np.ones((2, 2)))
    return tmp_path


def write(folder, text, name="m.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def refused(path, **options):
    with pytest.raises(RequestError) as caught:
        read_cohort(path, **options)
    return f"{caught.value.what} | {caught.value.where}"


FULL = """case,image,mask,patient,site,modality,split,mask_label,retest_of,age,group
a,c0.npy,c0_mask.npy,p1,x,CT,train,1,,30,ill
b,c1.npy,,p1,y,mri,valid,,a,,well
c,c2.npy,c2_mask.npy,,,,TEST,2,,40.5,
"""


def test_KA_the_manifest_of_the_design(folder):
    cohort = read_cohort(write(folder, FULL))
    first, second, third = cohort.cases
    assert (first.id, first.patient, first.site, first.modality) == ("a", "p1", "x", "CT")
    assert (first.split, second.split, third.split) == ("train", "val", "test")
    assert (first.mask_label, second.mask_label, third.mask_label) == (1, None, 2)
    assert first.image[0].path == folder / "c0.npy"
    assert first.mask.path == folder / "c0_mask.npy"
    assert second.mask is None
    assert second.modality == "MR"
    assert second.retest_of == "a"
    assert third.patient == "c"
    assert dict(first.targets) == {"age": 30.0, "group": "ill"}
    assert dict(third.targets) == {"age": 40.5, "group": None}
    assert dict(second.targets)["age"] is None
    assert cohort.rejected == ()
    assert cohort.columns[:2] == ("case", "image")


@pytest.mark.parametrize(
    ("spoil", "encoding"),
    [
        (lambda text: "\ufeff" + text, "utf-8"),
        (lambda text: text.replace("\n", "\r\n"), "utf-8"),
        (lambda text: text.replace(",", ";"), "utf-8"),
        (lambda text: text.replace(",", "\t"), "utf-8"),
        (lambda text: "sep=;\r\n" + text.replace(",", ";").replace("\n", "\r\n"), "utf-8"),
        (lambda text: "\ufeff" + text.replace(",", "\t"), "utf-16-le"),
        (lambda text: text.replace("\n", "\n\n") + ",,,,,,,,,,\n  \n", "utf-8"),
        (lambda text: text.replace("c0.npy", '" c0.npy "'), "utf-8"),
        (lambda text: text.replace("image", "Image").replace("mask,", "Mask,", 1), "utf-8"),
    ],
)
def test_I9_ways_of_saving_a_table_give_the_same_cases(folder, spoil, encoding):
    plain = read_cohort(write(folder, FULL))
    path = write(folder, spoil(FULL), "n.csv", encoding)
    assert read_cohort(path).cases == plain.cases


def test_I9_excel_numbers(folder):
    path = write(folder, "image;a;b;c\nc0.npy;0,5;1.234,5;45 %\nc1.npy;-1,5e;7;1e3\n")
    first, second = (dict(case.targets) for case in read_cohort(path).cases)
    assert first == {"a": 0.5, "b": 1234.5, "c": 0.45}
    assert second == {"a": "-1,5e", "b": 7.0, "c": 1000.0}
    for text in ("1_000", "inf", "1e999", "0x1", "1,5"):
        assert number_of(text, comma_decimals=False) is None


def test_I9_parquet_with_numbers_as_identifiers(folder):
    path = folder / "m.parquet"
    frame = pd.DataFrame(
        {"case": [1.0, 2.0], "image": ["c0.npy", "c1.npy"], "y": [True, None], "z": [0.5, np.nan]}
    )
    frame.to_parquet(path)
    first, second = read_cohort(path).cases
    assert (first.id, second.id) == ("1", "2")
    assert dict(first.targets) == {"y": 1.0, "z": 0.5}
    assert dict(second.targets) == {"y": None, "z": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,mask\na,c0.npy\n", ["'image'", "row 1"]),
        ("case,image\na,c0.npy\nb,c1.npy\na,c2.npy\n", ["'a' stands in row 2", "row 4", "case"]),
        ("case,image\n,c0.npy\n", ["no name", "row 2"]),
        ("case,image\na,c0.npy,x\n", ["3 cells", "row 2"]),
        ("case,image\na\n", ["1 cells", "row 2"]),
        ("case,image,image\na,c0.npy,c1.npy\n", ["'image' stands twice"]),
        ("case,image,modality\na,c0.npy,CT\nb,c1.npy,XX\n", ["'XX'", "row 3", "modality"]),
        ("case,image,split\na,c0.npy,dev\n", ["'dev'", "row 2", "split"]),
        ("case,image,mask_label\na,c0.npy,1.5\n", ["'1.5'", "row 2", "mask_label"]),
        ("case,image,npz_index\na,c0.npy,-1\n", ["'-1'", "row 2", "npz_index"]),
        ("case,image,retest_of\na,c0.npy,z\n", ["'z'", "row 2", "retest_of"]),
        ('case,image\na,"c0.npy\n', ["row 2"]),
        ("case,image\n", ["no rows"]),
        ("", ["empty"]),
        ("case,image\na,gone.npy\n", ["gone.npy"]),
        ("case,image\na\x07,c0.npy\n", ["control", "row 2"]),
    ],
)
def test_I9_refused_with_row_and_column(folder, text, words):
    said = refused(write(folder, text))
    for word in words:
        assert word in said


def test_I9_a_blank_line_does_not_shift_the_row_in_the_message(folder):
    said = refused(write(folder, "case,image,split\n\n\na,c0.npy,train\n\nb,c1.npy,dev\n"))
    assert "row 6" in said


def test_I9_a_cell_of_several_lines_does_not_shift_the_row_either(folder):
    text = 'case,image,split,note\na,c0.npy,train,"one\ntwo"\nb,c1.npy,{},x\n'
    cases = read_cohort(write(folder, text.format("test"))).cases
    assert dict(cases[0].targets) == {"note": "one two"}
    assert "row 4" in refused(write(folder, text.format("dev")))


def test_I9_not_text_or_not_there(folder):
    (folder / "m.csv").write_bytes(bytes(range(256)))
    assert "no text" in refused(folder / "m.csv")
    (folder / "n.csv").write_bytes("case,image\nä,c0.npy\n".encode("latin-1"))
    assert "row 2" in refused(folder / "n.csv")
    assert "does not exist" in refused(folder / "absent.csv")
    (folder / "m.parquet").write_text("case,image\n")
    assert "parquet" in refused(folder / "m.parquet")


def test_I1_a_missing_file_costs_its_own_case(folder):
    text = "case,image,mask\na,c0.npy,\nb,gone.npy,\nc,c1.npy,gone.npy\nd,,\n"
    cohort = read_cohort(write(folder, text))
    assert [case.id for case in cohort.cases] == ["a"]
    assert [(r.case, r.code) for r in cohort.rejected] == [
        ("b", "missing"),
        ("c", "missing"),
        ("d", "missing"),
    ]
    assert "row 3" in cohort.rejected[0].reason
    assert cohort.rejected[1].file.endswith("gone.npy")
    assert "row 5" in cohort.rejected[2].reason


def test_I9_paths_absolute_relative_and_from_windows(folder):
    below = folder / "below"
    below.mkdir()
    text = f"case,image\na,{folder / 'c0.npy'}\nb,../c1.npy\nc,..\\c2.npy\n"
    cohort = read_cohort(write(below, text))
    assert [case.image[0].path for case in cohort.cases] == [
        folder / f"c{number}.npy" for number in range(3)
    ]


def test_pyradiomics_table_is_read_as_it_is(folder):
    text = "Image,Mask,Label\nc0.npy,c0_mask.npy,2\nc1.npy,c1_mask.npy,3\n"
    cases = read_cohort(write(folder, text)).cases
    assert [(case.id, case.mask_label) for case in cases] == [("c0", 2), ("c1", 3)]
    assert cases[0].targets == {}
    other = read_cohort(write(folder, "image,Label\nc0.npy,2\n")).cases
    assert other[0].mask_label is None
    assert dict(other[0].targets) == {"Label": 2.0}


def test_several_regions_a_patient(folder):
    text = "case,roi,image,mask\na,left,c0.npy,c0_mask.npy\na,right,c0.npy,c1_mask.npy\n"
    cases = read_cohort(write(folder, text)).cases
    assert [(case.id, case.patient, case.roi) for case in cases] == [
        ("a_left", "a", "left"),
        ("a_right", "a", "right"),
    ]


def test_default_names_take_the_folder_where_stems_repeat(folder):
    for name in ("p1", "p2"):
        (folder / name).mkdir()
        np.save(folder / name / "image.npy", np.ones((2, 2)))
    cases = read_cohort(write(folder, "image\np1/image.npy\np2/image.npy\n")).cases
    assert [case.id for case in cases] == ["p1_image", "p2_image"]


def test_channels_site_and_mask_label_as_asked(folder):
    text = "case,image,image_ct,site,scanner\na,c0.npy,c1.npy,s,g\n"
    path = write(folder, text)
    case = read_cohort(path, channels=("image", "image_ct"), site="scanner", mask_label=3).cases[0]
    assert [ref.path.name for ref in case.image] == ["c0.npy", "c1.npy"]
    assert (case.site, case.mask_label) == ("g", 3)
    assert dict(case.targets)["site"] == "s"
    assert read_cohort(path).cases[0].site == "s"
    assert "image_mr" in refused(path, channels=("image", "image_mr"))
    assert "camera" in refused(path, site="camera")


def test_rows_of_an_archive(folder):
    np.savez(folder / "a.npz", x=np.ones((2, 3, 3)))
    cases = read_cohort(write(folder, "image,npz_key,npz_index\na.npz,x,0\na.npz,x,1\n")).cases
    assert [case.id for case in cases] == ["a_x_0", "a_x_1"]
    assert (cases[1].image[0].npz_key, cases[1].image[0].npz_index) == ("x", 1)


def test_a_folder_pairs_images_and_masks(folder):
    cohort = read_cohort(folder)
    assert [(case.id, case.mask.path.name) for case in cohort.cases] == [
        (f"c{number}", f"c{number}_mask.npy") for number in range(4)
    ]


def test_a_folder_as_nnunet_lays_it_out(tmp_path):
    for name in ("imagesTr/a_001_0000", "imagesTr/a_002_0000", "labelsTr/a_001", "labelsTr/a_002"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", np.ones((2, 2)))
    cases = read_cohort(tmp_path).cases
    assert [case.mask.path.name for case in cases] == ["a_001.npy", "a_002.npy"]
    np.save(tmp_path / "imagesTr/a_001_0001.npy", np.ones((2, 2)))
    assert "several channels" in refused(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    assert "no image" in refused(tmp_path)
