"""A run's table curated on training cases alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
import yaml
from answers_cohort import write_answers
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.core import IntegrityError, RequestError
from latentomics.features import read_table
from latentomics.flow.folder import read_results
from latentomics.planning import Request


@pytest.fixture(scope="module")
def curated(
    tmp_path_factory: pytest.TempPathFactory, finished: flow.RunRecord
) -> tuple[Path, flow.CurateRecord]:
    folder = tmp_path_factory.mktemp("curated") / "RUN"
    shutil.copytree(finished.folder, folder)
    return folder, flow.curate(folder, workers=1)


def test_the_curated_table_is_part_of_the_run(
    curated: tuple[Path, flow.CurateRecord], finished: flow.RunRecord
) -> None:
    folder, record = curated
    whole, kept = read_table(folder / "features.parquet"), read_table(record.table)
    assert list(kept.frame.columns[:4]) == ["case", "patient", "site", "split"]
    assert tuple(kept.frame.columns[4:]) == record.kept
    assert 0 < len(record.kept) < record.columns == len(whole.frame.columns) - 4
    assert kept.frame.equals(whole.frame[kept.frame.columns])
    assert "training cases" in kept.provenance["curation"]
    dictionary = pandas.read_csv(folder / "features_curated_dictionary.csv")
    assert tuple(dictionary["name"]) == record.kept
    figures = pandas.read_csv(folder / "curation.csv")
    assert tuple(figures.loc[figures["left_out_by"].isna(), "name"]) == record.kept
    assert flow.verify(folder)
    assert (folder / "features.parquet").read_bytes() == finished.table.read_bytes()


def test_records_and_report_tell_what_curation_did(
    curated: tuple[Path, flow.CurateRecord],
) -> None:
    folder, record = curated
    stored = [one for one in read_results(folder / "results.json") if one.evaluation == "curation"]
    assert len(stored) == len(record.results)
    counts = [one for one in stored if one.metric == "columns"]
    targets = [None, "variance", "stability", "redundancy", "shift"]
    assert [one.target for one in counts] == targets
    assert counts[-1].value == len(record.kept)
    assert {one.settings["scored"] for one in counts} == {"train"}
    probed = {(one.target, one.features) for one in stored if one.metric == "auroc"}
    assert {("large", "table"), ("large", "table curated"), ("site", "latent")} <= probed
    assert any(one.metric == "auroc_minus_table" for one in stored)
    page = (folder / "report.html").read_text()
    assert f"Curation keeps {len(record.kept)} of {record.columns} columns" in page
    assert (folder / "pictures" / "curation.svg").is_file()


@pytest.mark.slow
def test_curated_again_it_is_the_same_and_steps_can_be_left_out(
    curated: tuple[Path, flow.CurateRecord],
) -> None:
    folder, record = curated
    before = (folder / "curation.csv").read_bytes(), len(read_results(folder / "results.json"))
    flow.curate(folder, workers=1)
    assert before == (
        (folder / "curation.csv").read_bytes(),
        len(read_results(folder / "results.json")),
    )
    steps = ("stability", "redundancy", "shift")
    more = flow.curate(folder, without=steps, workers=1)
    assert len(more.kept) > len(record.kept)


@pytest.mark.slow
def test_L2_noise_in_place_of_the_test_set_leaves_curation_byte_identical(
    finished: flow.RunRecord, curated: tuple[Path, flow.CurateRecord], tmp_path: Path
) -> None:
    noisy = write_cohort(tmp_path / "cohort")
    table = pandas.read_parquet(finished.folder / "cohort.parquet")
    draws = np.random.default_rng(7)
    for case in table.loc[table["split"] == "test", "case"]:
        np.save(noisy.parent / f"{case}.npy", draws.normal(100, 30, (16, 16)).astype(np.float32))
    plan = yaml.safe_load((finished.folder / "plan.yaml").read_text())
    plan["request"]["manifest"] = str(noisy)
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    flow.run(tmp_path / "plan.yaml", tmp_path / "RUN", workers=1)
    other = flow.curate(tmp_path / "RUN", workers=1)
    folder, record = curated
    flow.curate(folder, workers=1)
    assert (tmp_path / "RUN" / "curation.csv").read_bytes() == (
        folder / "curation.csv"
    ).read_bytes()

    def learned(found: flow.CurateRecord) -> list[object]:
        return [one for one in found.results if one.metric == "columns"]

    assert learned(other) == learned(record)
    scored = [
        [one.value for one in found.results if (one.metric, one.features) == ("auroc", "table")]
        for found in (other, record)
    ]
    assert scored[0] != scored[1]  # the test pictures did change


def test_pictures_that_have_changed_are_refused(
    curated: tuple[Path, flow.CurateRecord], cohort: Path, tmp_path: Path
) -> None:
    folder, _ = curated
    shutil.copytree(folder, tmp_path / "RUN")
    moved = write_cohort(tmp_path / "cohort", seed=5)
    plan = tmp_path / "RUN" / "plan.yaml"
    plan.write_text(plan.read_text().replace(str(cohort), str(moved)))
    (tmp_path / "RUN" / "seal.json").write_text("{}")
    with pytest.raises(IntegrityError, match="have changed since the run"):
        flow.curate(tmp_path / "RUN", workers=1)


def test_what_cannot_be_curated_says_why(finished: flow.RunRecord, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no step 'size'"):
        flow.curate(finished.folder, without=("size",))
    with pytest.raises(RequestError, match="no ICC"):
        flow.curate(finished.folder, lowest_icc=1.0)
    with pytest.raises(RequestError, match="no finished run"):
        flow.curate(tmp_path)


@pytest.mark.slow
def test_classic_features_and_size_are_measured_again_too(tmp_path: Path) -> None:
    manifest = write_answers(tmp_path / "cohort", shift=4.0, masks=True)
    asked = Request(site="site", method="probabilistic-pca", latent=4)
    flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    record = flow.curate(tmp_path / "RUN", workers=1)
    figures = pandas.read_csv(tmp_path / "RUN" / "curation.csv").set_index("name")
    assert set(figures["group"]) == {"latent", "classic", "size"}
    judged = figures["stability"].notna()
    assert judged["size_mm3"]
    assert judged[figures["group"] == "classic"].mean() > 0.9  # the others never vary
    for name in ("size_voxels", "size_mm3", "classic_outline_approximate_area"):
        assert figures.loc[name, ["left_out_by", "instead"]].tolist() == [
            "redundancy",
            "classic_outline_area",
        ]
    assert "classic_outline_area" in record.kept
