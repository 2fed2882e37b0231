"""A whole run on signals: rows of an array in, lines in the report out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentomics import flow
from latentomics.features import read_table
from latentomics.planning import Request

CASES, SAMPLES = 48, 64


def write_signals(folder: Path) -> Path:
    """Write beats of two widths, one row a case; the width is the label."""
    draws = np.random.default_rng(0)
    time = np.arange(SAMPLES)
    width = 2 + 3 * (np.arange(CASES) % 2)
    middle = draws.uniform(24, 40, CASES)
    beats = np.exp(-0.5 * ((time - middle[:, None]) / width[:, None]) ** 2)
    np.savez(folder / "beats.npz", beats=beats + draws.normal(0, 0.02, beats.shape))
    rows = [f"c{i},beats.npz,beats,{i},ECG,{i % 2}" for i in range(CASES)]
    manifest = folder / "cohort.csv"
    manifest.write_text("\n".join(["case,signal,npz_key,npz_index,modality,wide", *rows]))
    return manifest


@pytest.mark.slow
def test_a_recurrent_network_goes_through_a_whole_run(tmp_path: Path) -> None:
    cohort, folder = write_signals(tmp_path), tmp_path / "RUN"
    record = flow.run(cohort, folder, Request(epochs=8, method="recurrent-vae"), workers=1)
    assert record.exit_code == 0
    again = flow.encode(folder, cohort, tmp_path / "again.parquet", posterior=True, workers=1)
    before, after = (read_table(path) for path in (record.table, again.table))
    assert before.values("latent").shape == (CASES, 16)
    assert before.values("latent").tobytes() == after.values("latent").tobytes()
    assert (after.values("posterior") > 0).all()
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    totals = [line["validation"]["total"] for line in history]
    assert min(totals) < totals[0]
    flow.posterior(folder, nll=20, workers=1)
    found = {r["metric"]: r["value"] for r in json.loads((folder / "results.json").read_text())}
    assert found["nll"] <= found["nll_bound"]
    assert flow.verify(folder)
    drawn = flow.sample(folder, tmp_path / "drawn.png", count=2, workers=1)
    assert drawn.picture.is_file()


def write_recordings(folder: Path, invalid: float) -> Path:
    """Write beats with a gap and an end of a length of its own: invalid, and of one value."""
    folder.mkdir()
    manifest = write_signals(folder)
    beats = np.load(folder / "beats.npz")["beats"]
    valid = np.arange(SAMPLES) < SAMPLES - np.arange(CASES)[:, None] % 20
    valid[:, 10:13] = False
    np.savez(folder / "beats.npz", beats=np.where(valid, beats, invalid))
    lines = manifest.read_text().splitlines()
    for case, mask in enumerate(valid):
        np.save(folder / f"valid_{case}.npy", mask.astype(np.uint8))
        lines[1 + case] += f",valid_{case}.npy"
    lines[0] += ",mask"
    manifest.write_text("\n".join(lines))
    return manifest


@pytest.mark.slow
def test_KA_16_1_a_run_does_not_read_what_the_mask_calls_invalid(tmp_path: Path) -> None:
    cohort, other = (
        write_recordings(tmp_path / name, invalid) for name, invalid in (("a", 0.2), ("b", 0.8))
    )
    folder, asked = tmp_path / "RUN", Request(epochs=3, method="recurrent-vae", labels=("wide",))
    record = flow.run(cohort, folder, asked, workers=1)
    assert record.exit_code == 0
    read = [
        read_table(flow.encode(folder, source, tmp_path / f"{name}.parquet", workers=1).table)
        for name, source in (("as_trained", cohort), ("otherwise", other))
    ]
    np.testing.assert_array_equal(*(table.values("latent") for table in read))


@pytest.mark.slow
def test_signals_go_through_a_whole_run_and_are_drawn_as_lines(tmp_path: Path) -> None:
    folder = tmp_path / "RUN"
    asked = Request(labels=("wide",), epochs=3)
    record = flow.run(write_signals(tmp_path), folder, asked, workers=1)
    assert record.exit_code == 0
    assert len(read_table(folder / "features.parquet").frame) == CASES
    found = json.loads((folder / "results.json").read_text())
    auroc = {r["features"]: r["value"] for r in found if r["metric"] == "auroc"}
    assert auroc["latent"] > 0.9  # the width is plain to see
    for name in ("case_01.svg", "traversals.svg", "neighbours.png"):
        assert (folder / "pictures" / name).is_file()
