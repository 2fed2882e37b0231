"""Classic radiomics through the flow: the command's table, and the columns of a run with masks."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from flow_cohort import picture

from latentomics import flow
from latentomics.core import Case, IncompleteError, Rejection, RequestError
from latentomics.features import Classified, read_table
from latentomics.flow import encoding
from latentomics.planning import Request


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 40 pictures with masks: larger and smoother where the label is positive."""
    folder = tmp_path_factory.mktemp("masked")
    draw = np.random.default_rng(4)
    rows = []
    for number in range(40):
        positive = bool(number % 2)
        values = picture(draw, positive, "disks").astype(np.float32)
        at = np.indices(values.shape) - 7.5
        np.save(folder / f"c{number:02d}.npy", values)
        mask = np.hypot(*at) < draw.uniform(3.5, 5.5) + positive
        np.save(folder / f"m{number:02d}.npy", mask.astype(np.uint8))
        rows.append(
            {
                "case": f"c{number:02d}",
                "image": f"c{number:02d}.npy",
                "mask": f"m{number:02d}.npy",
                "modality": "XR",
                "large": int(positive),
            }
        )
    path = folder / "cohort.csv"
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def measured(masked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("classic") / "classic.parquet"
    record = flow.classic(masked, output, workers=1)
    assert (record.rows, record.rejected, record.exit_code) == (40, 0, 0)
    assert record.settings == "spacing own grid; 32 bins; 2d-merged"
    return output


def test_the_command_writes_a_table_and_says_what_every_column_is(measured: Path) -> None:
    table = read_table(measured)
    assert len(table.groups["classic"]) == 18 + 23 + 25 + 16 + 9
    assert np.isfinite(table.values("classic")).all()
    assert table.provenance["classic"] == "spacing own grid; 32 bins; 2d-merged (SUJT)"
    rows = pandas.read_csv(measured.with_name("classic_dictionary.csv")).set_index("name")
    assert rows.loc["classic_glcm_contrast", "ibsi"] == "ACUI"
    assert rows.loc["classic_glcm_contrast", "pyradiomics"] == "glcm_Contrast"
    assert rows.loc["classic_statistics_energy", "unit"] == "a.u.^2"


def test_what_is_given_is_what_is_measured(masked: Path, tmp_path: Path) -> None:
    given = {"bin_width": 10.0, "lower": 0.0, "aggregation": "2d-averaged"}
    record = flow.classic(masked, tmp_path / "c.csv", given=given, workers=1)
    assert record.settings == "spacing own grid; intensities 0 to inf; bins of 10; 2d-averaged"
    with pytest.raises(RequestError, match="give lower"):
        flow.classic(masked, tmp_path / "c.csv", given={"bin_width": 10.0}, workers=1)
    with pytest.raises(RequestError, match="suffix"):
        flow.classic(masked, tmp_path / "c.xlsx", workers=1)


def test_I1_a_case_that_cannot_be_measured_is_named(masked: Path, tmp_path: Path) -> None:
    lines = masked.read_text().splitlines()
    lines[3] = lines[3].replace("m02.npy", "")
    part = masked.with_name("part.csv")
    part.write_text("\n".join(lines[:9]) + "\n")
    record = flow.classic(part, tmp_path / "c.csv", workers=1)
    assert (record.rows, record.rejected, record.exit_code) == (7, 1, 3)
    rejected = pandas.read_csv(tmp_path / "c_rejected.csv")
    assert rejected[["case", "code"]].to_numpy().tolist() == [["c02", "mask_missing"]]
    unmasked = [",".join([*line.split(",")[:2], "", *line.split(",")[3:]]) for line in lines[1:9]]
    part.write_text("\n".join([lines[0], *unmasked]) + "\n")
    with pytest.raises(IncompleteError, match="mask"):
        flow.classic(part, tmp_path / "c.csv", workers=1)


@pytest.fixture(scope="module")
def learned(masked: Path, tmp_path_factory: pytest.TempPathFactory) -> flow.RunRecord:
    folder = tmp_path_factory.mktemp("learned") / "RUN"
    asked = Request(labels=("large",), epochs=1, latent=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return flow.run(masked, folder, asked=asked, workers=1)


@pytest.mark.slow
def test_a_run_with_masks_has_classic_columns_and_probes_them(
    measured: Path, learned: flow.RunRecord
) -> None:
    table, alone = read_table(learned.table), read_table(measured)
    np.testing.assert_array_equal(table.values("classic"), alone.values("classic"))
    assert table.provenance["classic"] == alone.provenance["classic"]
    found = {(one.features, one.metric) for one in learned.results if one.evaluation == "probe"}
    assert ("classic", "auroc") in found
    assert ("latent+classic", "auroc_minus_classic") in found
    assert "classic" in json.loads((learned.folder / "provenance.json").read_text())["seconds"]
    assert "latent + classic" in learned.report.read_text()


@pytest.mark.slow
def test_D2_encode_gives_every_column_of_the_run_and_its_bytes(
    masked: Path, learned: flow.RunRecord, tmp_path: Path
) -> None:
    lines = masked.read_text().splitlines()
    some = masked.with_name("some.csv")
    some.write_text("\n".join([lines[0], *lines[20:10:-3]]) + "\n")  # others, in another order
    record = flow.encode(learned.folder, some, tmp_path / "new.parquet", workers=1)
    before, after = read_table(learned.table), read_table(record.table)
    assert set(after.groups) == {*before.groups, "likeness"}
    columns = list(before.frame)[4:]
    assert list(after.frame)[4 : 4 + len(columns)] == columns
    known = before.frame.set_index("case").loc[after.frame["case"], columns]
    pandas.testing.assert_frame_equal(
        known, after.frame.set_index("case")[columns], check_exact=True
    )
    counted = {"mask": "label 1 (4 cases)"}  # of the cases at hand; all else is the run's
    assert after.provenance == {**before.provenance, **counted}
    words = [
        pandas.read_csv(path.with_name(f"{path.stem}_dictionary.csv"), keep_default_na=False)
        for path in (learned.table, record.table)
    ]
    pandas.testing.assert_frame_equal(words[0], words[1][: len(columns)])


@pytest.mark.slow
def test_I1_a_new_case_that_cannot_be_measured_has_empty_classic_columns_and_is_named(
    masked: Path, learned: flow.RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_by = encoding.measured_by

    def without_last(cases: Sequence[Case], *rest: Any) -> Classified:
        found = measured_by(cases, *rest)
        found.columns.values[-1] = np.nan
        reason = Rejection(case=cases[-1].id, file="", code="", reason="no voxel counts", remedy="")
        return replace(found, rejected=(reason,))

    monkeypatch.setattr(encoding, "measured_by", without_last)
    told: list[flow.Event] = []
    record = flow.encode(learned.folder, masked, tmp_path / "n.csv", on_event=told.append)
    frame = read_table(record.table).frame
    assert np.flatnonzero(frame["classic_glcm_contrast"].isna()).tolist() == [39]
    assert frame["latent_000"].notna().all()
    remarks = [event.remark for event in told if event.remark]
    assert remarks == ["1 of 40 cases have empty classic columns; case c39: no voxel counts"]
