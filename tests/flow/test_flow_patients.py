"""Several regions a patient: a table and probes that count patients, or one sentence why not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from flow_cohort import picture
from sklearn.covariance import LedoitWolf

from latentomics import flow
from latentomics.core import Case, FileRef, RequestError
from latentomics.features import FeatureTable, patients_of, read_table
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


@pytest.mark.parametrize("how", ["mean", "largest", "deviant"])
def test_classic_gives_each_patient_the_row_of_its_cases(
    lesions: Path, tmp_path: Path, how: str
) -> None:
    def measured(**asked: str) -> FeatureTable:
        return read_table(flow.classic(lesions, tmp_path / "t.csv", workers=1, **asked).table)

    flow.classic(lesions, tmp_path / "t.parquet", per="patient", aggregate=how, workers=1)
    assert "patient" in read_table(tmp_path / "t.parquet").provenance["rows"]
    cases, patients = measured(), measured(per="patient", aggregate=how)
    assert list(patients.frame["case"]) == [f"p{number:02d}" for number in range(PATIENTS)]
    columns = [*patients.groups["classic"], *patients.groups["size"]]
    values = cases.values("classic")
    far = mahalanobis(values)
    for row, (_, own) in enumerate(cases.frame.groupby("patient")):
        found = patients.frame[columns].iloc[row]
        expected = {
            "mean": own[columns].mean(),
            "largest": own.loc[own["size_mm3"].idxmax(), columns],
            "deviant": own.loc[far[own.index].idxmax(), columns],
        }[how]
        np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-9)
    default = measured(per="patient").frame
    assert (how == "mean") == default.equals(patients.frame)


def mahalanobis(values: np.ndarray) -> pandas.Series:
    """Return the distance of rows to their mean, in units of their columns' robust SDs."""
    low, middle, high = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
    spread = np.where(high > low, (high - low) / 1.3489795, np.nanstd(values, axis=0))
    varies = spread > 1e-12 * np.abs(middle)
    drawn = np.arcsinh((values - middle)[:, varies] / spread[varies])
    drawn = np.nan_to_num(drawn)
    standard = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    _, sizes, right = np.linalg.svd(standard, full_matrices=False)
    kept = standard @ right[sizes > 1e-9 * sizes[0]].T
    inverse = np.linalg.inv(LedoitWolf().fit(kept).covariance_)
    return pandas.Series(np.einsum("ij,jk,ik->i", kept, inverse, kept))


def test_classic_refuses_a_patient_of_two_sites_before_it_measures(
    lesions: Path, tmp_path: Path
) -> None:
    lines = lesions.read_text().splitlines()
    sites = [f"{line},{'site' if not n else 'AB'[n % 2]}" for n, line in enumerate(lines)]
    (lesions.parent / "sites.csv").write_text("\n".join(sites) + "\n")
    with pytest.raises(RequestError, match="different values of site"):
        flow.classic(lesions.parent / "sites.csv", tmp_path / "t.csv", per="patient", workers=1)
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.slow
def test_L1_folds_of_patients_with_several_regions_from_end_to_end(
    lesions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    asked = Request(labels=("large",), epochs=1, latent=4, per="patient", folds=3,
                    method="autoencoder")  # fmt: skip
    record = flow.run(lesions, tmp_path / "RUN", asked, workers=1)
    table = read_table(record.table).frame
    assert sorted(table["case"]) == [f"p{number:02d}" for number in range(PATIENTS)]
    cohort = pandas.read_parquet(tmp_path / "RUN" / "cohort.parquet")
    for side in ("split", "fold"):
        assert (cohort.groupby("patient")[side].nunique(dropna=False) == 1).all()
    assert set(cohort["fold"]) == {0.0, 1.0, 2.0}
    probes = [one for one in record.results if one.evaluation == "probe"]
    assert {one.n for one in probes} == {PATIENTS}  # each is scored once, by a fold without it
    assert {one.settings["scored"] for one in probes if "scored" in one.settings} == {
        "3 folds, out of fold"
    }
    encoded = flow.encode(tmp_path / "RUN", lesions, tmp_path / "new.parquet", workers=1)
    again = read_table(encoded.table).frame.set_index("case")
    before = table.set_index("case").loc[again.index]
    columns = [name for name in before if name in again and name != "split"]
    assert "latent_000" in columns
    pandas.testing.assert_frame_equal(before[columns], again[columns], check_exact=True)


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
