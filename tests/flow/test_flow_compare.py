"""Runs side by side, and one cohort with codes of several lengths."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.core import RequestError
from latentomics.flow.comparing import Held
from latentomics.flow.refitted import refit
from latentomics.planning import Request


def test_METHODS_29_error_falls_with_the_length_and_the_tail_is_that_of_the_eigenvalues(
    tmp_path: Path,
) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    asked = Request(labels=("large",), method="linear", epochs=1)
    swept = flow.sweep(manifest, tmp_path / "sweep", (4, 1), asked, workers=1)
    assert [run.name for run in swept.runs] == ["latent-1", "latent-4"]
    tails = [one.value for one in swept.figures if one.figure == "tail"]
    assert tails[0] > tails[1]
    errors = {
        (one.latents, one.features): one.value for one in swept.figures if one.figure == "error"
    }
    # closed form: a linear autoencoder of k latents leaves what k components leave
    for length in (1, 4):
        assert errors[length, "latent"] == pytest.approx(errors[length, "pca"], rel=0.02)
    train = refit(tmp_path / "sweep" / "latent-4", workers=1).stores.train
    rows = train.whole(np.arange(len(train))).reshape(len(train), -1).astype(np.float64)
    eigenvalues = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2 / len(rows)
    for tail, length in zip(tails, (1, 4), strict=True):
        assert tail == pytest.approx(eigenvalues[length:].sum() / rows.shape[1], rel=1e-4)
    with (tmp_path / "sweep" / "bottleneck.csv").open() as opened:
        assert len(list(csv.DictReader(opened))) == len(swept.figures)
    assert swept.picture.read_bytes().startswith(b"<?xml")
    again = flow.sweep(manifest, tmp_path / "sweep", (1, 4), asked, workers=1)
    assert again.figures == swept.figures  # the same request on the same files is not done again
    with pytest.raises(RequestError, match="lies here already"):  # and another one is not mixed in
        flow.sweep(manifest, tmp_path / "sweep", (1, 4), asked.model_copy(update={"seed": 5}))


def test_a_run_beside_itself_differs_by_nothing(finished: flow.RunRecord, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(finished.folder, twin)
    found = flow.compare([finished.folder, twin])
    assert found.runs == ("RUN", "twin")
    assert found.remarks == ()
    (difference,) = [one for one in found.paired if "_minus_" in one.metric]
    assert (difference.features, difference.metric) == ("twin", "auroc_minus_RUN")
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    row = next(row for row in found.rows if row.metric == "mse" and row.features == "latent")
    assert row.figures[0] == row.figures[1]
    # the probe of the stored latent is that of the run
    own = next(r for r in finished.results if (r.evaluation, r.metric) == ("probe", "auroc"))
    paired = next(one for one in found.paired if one.features == "RUN")
    assert paired.value == pytest.approx(own.value)


def test_METHODS_24_runs_that_differ_in_their_seed_are_matched(
    finished: flow.RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(finished.folder, twin)
    assert flow.compare([finished.folder, twin]).reseeded == ()  # the same seed is no other one
    plan = (twin / "plan.yaml").read_text()
    assert plan.count("\n  seed: 0\n") == 1
    (twin / "plan.yaml").write_text(plan.replace("\n  seed: 0\n", "\n  seed: 1\n"))
    found = flow.compare([finished.folder, twin])
    assert found.reseeded == ()
    assert "cases are held out by all" in found.remarks[-1]
    monkeypatch.setattr("latentomics.evaluation.unsupervised_ranking.FEWEST", 5)
    own, other = flow.compare([finished.folder, twin]).reseeded
    assert own.value == other.value
    assert own.settings["columns"] == 8
    assert own.n == (pandas.read_parquet(twin / "cohort.parquet")["split"] == "test").sum()
    # each latent matches itself, and repeats others as much as the pictures or chance make it
    assert 0.15 < own.value <= 1


def test_L4_runs_of_another_split_are_not_paired(finished: flow.RunRecord, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(finished.folder, other)
    table = other / "features.parquet"
    import pyarrow.parquet

    stored = pyarrow.parquet.read_table(table)
    frame = stored.to_pandas()
    frame.loc[frame["split"] == "test", "split"] = "train"
    changed = pyarrow.Table.from_pandas(frame, preserve_index=False)
    pyarrow.parquet.write_table(changed.replace_schema_metadata(stored.schema.metadata), table)
    found = flow.compare([finished.folder, other])
    assert found.paired == ()
    assert found.remarks == ("other is not paired with RUN: they hold out other cases",)


def test_what_cannot_be_compared_says_why(finished: flow.RunRecord, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="two runs"):
        flow.compare([finished.folder])
    with pytest.raises(RequestError, match="no finished run"):
        flow.compare([finished.folder, tmp_path])
    with pytest.raises(RequestError, match="two lengths"):
        flow.sweep(tmp_path, tmp_path / "sweep", (4, 4))


def test_labels_are_read_back_as_they_were() -> None:
    assert Held.of("a", [0.0, 1.0, float("nan")]).kind == "binary"
    assert Held.of("a", ["x", "y", None, "z"]).kind == "classes"
    assert Held.of("a", [0.5, 1.0, 2.0]).values == (0.5, 1.0, 2.0)
