"""Several regions a patient: a table and probes that count patients, or one sentence why not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from flow_cohort import picture

from latentomics import flow
from latentomics.core import Case, FileRef, RequestError
from latentomics.features import patients_of, read_table
from latentomics.flow.patients import patient_cases, refuse_several_sites
from latentomics.planning import Request

PATIENTS = 24
LATENT = [f"latent_{number:03d}" for number in range(4)]


def case(name: str, patient: str, **known: object) -> Case:
    return Case(id=name, patient=patient, image=(FileRef(path=Path(name)),), **known)  # type: ignore[arg-type]


def test_a_patient_is_known_by_what_is_known_of_any_of_its_cases() -> None:
    cases = [
        case("a1", "a", targets={"grade": None, "age": 50.0}, roi="1", retest_of="a2"),
        case("b1", "b", site="x", targets={"grade": 1.0}),
        case("a2", "a", site="y", targets={"grade": 2.0, "age": 50.0}),
    ]
    first, second = patient_cases(cases, patients_of([one.patient for one in cases]))
    assert (first.id, first.patient, first.site) == ("a", "a", "y")
    assert first.targets == {"grade": 2.0, "age": 50.0}
    assert (first.roi, first.retest_of) == (None, None)
    assert (second.id, second.targets) == ("b", {"grade": 1.0})


def test_a_patient_of_two_sites_is_refused_in_one_sentence() -> None:
    cases = [case("a1", "a", site="x"), case("b1", "b", site="x"), case("a2", "a", site="y")]
    with pytest.raises(RequestError) as caught:
        refuse_several_sites(cases)
    assert caught.value.what == "patient a has cases with different values of site: x and y"
    assert "case a2" in caught.value.where
    refuse_several_sites([*cases[:2], case("a2", "a")])  # an unknown site contradicts none


def write(folder: Path, *, mixed: bool = False) -> Path:
    """Write one to three disks a patient, larger where the label is positive."""
    draw = np.random.default_rng(4)
    rows = []
    for patient in range(PATIENTS):
        for roi in range(1 + patient % 3):
            name = f"p{patient:02d}_{roi}"
            np.save(folder / f"{name}.npy", picture(draw, bool(patient % 2), "disks").astype("f4"))
            at = np.indices((16, 16)) - 7.5
            mask = np.hypot(*at) < draw.uniform(3.0, 5.0) + patient % 2
            np.save(folder / f"{name}_mask.npy", mask.astype(np.uint8))
            large = patient % 2 if not (mixed and roi) else 1 - patient % 2
            rows.append({"case": name, "image": f"{name}.npy", "mask": f"{name}_mask.npy",
                         "patient": f"p{patient:02d}", "modality": "XR",
                         "large": large})  # fmt: skip
    path = folder / ("mixed.csv" if mixed else "cohort.csv")
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("lesions"))


@pytest.fixture(scope="module")
def learned(lesions: Path, tmp_path_factory: pytest.TempPathFactory) -> flow.RunRecord:
    asked = Request(labels=("large",), epochs=1, latent=4, per="patient", aggregate="deviant",
                    method="autoencoder")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return flow.run(lesions, tmp_path_factory.mktemp("run") / "RUN", asked, workers=1)


def test_L3_a_patient_with_two_labels_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    asked = Request(labels=("large",), epochs=1, latent=4, per="patient")
    with pytest.raises(RequestError, match=r"different values of label 'large': 1\.0 and 0\.0"):
        flow.run(write(tmp_path, mixed=True), tmp_path / "RUN", asked, workers=1)
    assert not (tmp_path / "RUN" / "model").exists()


@pytest.mark.slow
def test_the_table_of_a_run_has_a_row_a_patient_and_probes_count_patients(
    learned: flow.RunRecord,
) -> None:
    table = read_table(learned.table)
    assert sorted(table.frame["case"]) == [f"p{number:02d}" for number in range(PATIENTS)]
    assert table.provenance["rows"].startswith("the patient's case whose code lies furthest")
    tested = int((table.frame["split"] == "test").sum())
    probes = [one for one in learned.results if one.evaluation == "probe"]
    assert {"latent", "classic", "size", "pca"} <= {one.features for one in probes}
    assert {one.n for one in probes} == {tested}
    assert {one.settings["cases"] for one in probes if "cases" in one.settings} <= {tested}
    cohort = pandas.read_parquet(learned.folder / "cohort.parquet")
    assert len(cohort) == sum(1 + patient % 3 for patient in range(PATIENTS))
    assert "One row a patient" in learned.report.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["mean", "largest", "deviant"])
def test_D2_encode_gives_each_patient_the_row_of_its_cases(
    lesions: Path, learned: flow.RunRecord, tmp_path: Path, how: str
) -> None:
    def encoded(**asked: str) -> pandas.DataFrame:
        record = flow.encode(learned.folder, lesions, tmp_path / "t.parquet", workers=1, **asked)
        return read_table(record.table).frame

    cases, patients = encoded(per="case"), encoded(aggregate=how).set_index("patient")
    assert len(patients) == PATIENTS
    for patient, own in cases.groupby("patient"):
        row = patients.loc[patient]
        if how == "mean":
            assert np.allclose(row[LATENT].astype(float), own[LATENT].mean(), rtol=1e-6)
        elif how == "largest":
            first = own.loc[own["size_mm3"].idxmax()]
            assert (row[[*LATENT, "size_mm3"]] == first[[*LATENT, "size_mm3"]]).all()
        else:  # p_code falls as the distance grows
            assert row["p_code"] == own["p_code"].min()
            assert any((row[LATENT] == one[LATENT]).all() for _, one in own.iterrows())
        assert row["unlike_training"] == own["unlike_training"].max()
    if how == "deviant":  # as in the run, to the byte, and the default
        before = read_table(learned.table).frame.set_index("patient")
        columns = [name for name in before if name in patients and name not in ("case", "split")]
        pandas.testing.assert_frame_equal(before[columns], patients[columns], check_exact=True)
        pandas.testing.assert_frame_equal(encoded().set_index("patient"), patients)
    with pytest.raises(RequestError, match="--aggregate"):
        encoded(per="case", aggregate=how)
    assert json.loads((learned.folder / "model/model.json").read_text())["plan"]["request"]["per"]
