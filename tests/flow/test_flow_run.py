"""The main job end to end on small pictures: files, bytes, and a verdict that can say no."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
import torch
import yaml
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.core import IncompleteError, IntegrityError, RequestError
from latentomics.features import read_table
from latentomics.planning import Request, load_plan

KEYS = {
    "evaluation",
    "features",
    "target",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "settings",
}
FILES = (
    "report.html",
    "features.parquet",
    "features_dictionary.csv",
    "results.json",
    "plan.yaml",
    "cohort.parquet",
    "rejected.csv",
    "model/weights.safetensors",
    "model/model.json",
    "model/MODEL_CARD.md",
    "history.jsonl",
    "provenance.json",
    "pictures/data.npz",
)


def weights(folder: Path) -> str:
    return str(json.loads((folder / "model" / "model.json").read_text())["weights_sha256"])


def test_a_run_leaves_every_file_of_the_run_folder(finished: flow.RunRecord) -> None:
    missing = [name for name in FILES if not (finished.folder / name).is_file()]
    assert missing == []
    assert finished.exit_code == 0


def test_results_have_exactly_the_promised_keys(finished: flow.RunRecord) -> None:
    records = json.loads((finished.folder / "results.json").read_text())
    assert all(set(record) == KEYS for record in records)
    found = {(record["evaluation"], record["features"]) for record in records}
    assert {("probe", name) for name in ("latent", "pooled", "pca", "random")} <= found
    assert {("reconstruction", name) for name in ("latent", "pca", "mean")} <= found
    assert ("site", "latent") in found


def test_L1_no_patient_is_on_both_sides(finished: flow.RunRecord) -> None:
    cohort = pandas.read_parquet(finished.folder / "cohort.parquet")
    assert cohort.groupby("patient")["split"].nunique().max() == 1
    assert set(cohort["split"]) == {"train", "val", "test"}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_encode_gives_the_bytes_of_the_run(
    finished: flow.RunRecord, cohort: Path, tmp_path: Path, threads: int
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)  # a clinic's machine has other cores than the run's
    record = flow.encode(finished.folder, cohort, tmp_path / "again.parquet", workers=1)
    torch.set_num_threads(before)
    before = read_table(finished.table).frame
    after = read_table(record.table).frame
    columns = [name for name in before if name.startswith(("latent", "pooled"))]
    assert columns
    pandas.testing.assert_frame_equal(before[columns], after[columns], check_exact=True)


def test_new_cases_need_not_name_their_site(
    finished: flow.RunRecord, cohort: Path, tmp_path: Path
) -> None:
    frame = pandas.read_csv(cohort).drop(columns="site")
    frame["image"] = [str(cohort.parent / name) for name in frame["image"]]
    frame.to_csv(tmp_path / "new.csv", index=False)
    record = flow.encode(finished.folder, tmp_path / "new.csv", tmp_path / "new.parquet", workers=1)
    assert record.rows == len(frame)


def test_encode_flags_pictures_of_another_kind(finished: flow.RunRecord, tmp_path: Path) -> None:
    strange = write_cohort(tmp_path / "noise", cases=6, kind="noise")
    record = flow.encode(finished.folder, strange, tmp_path / "new.parquet", workers=1)
    assert record.flagged >= 5


def test_D1_the_resolved_plan_gives_the_same_weights(
    finished: flow.RunRecord, tmp_path: Path
) -> None:
    again = flow.run(finished.folder / "plan.yaml", tmp_path / "again")
    assert weights(again.folder) == weights(finished.folder)
    table = (read_table(record.table).frame for record in (again, finished))
    pandas.testing.assert_frame_equal(*table, check_exact=True)


def test_L3_shuffled_labels_leave_the_weights_unchanged(
    finished: flow.RunRecord, tmp_path: Path
) -> None:
    plan = yaml.safe_load((finished.folder / "plan.yaml").read_text())
    cohort = pandas.read_parquet(finished.folder / "cohort.parquet").set_index("case")["split"]
    manifest = pandas.read_csv(plan["request"]["manifest"])
    manifest["split"] = [cohort[case] for case in manifest["case"]]
    folder = Path(plan["request"]["manifest"]).parent
    manifest["image"] = [str(folder / name) for name in manifest["image"]]
    manifest["large"] = manifest["large"].sample(frac=1, random_state=1).to_numpy()
    shuffled = tmp_path / "shuffled.csv"
    manifest.to_csv(shuffled, index=False)
    plan["request"]["manifest"] = str(shuffled)
    edited = tmp_path / "plan.yaml"
    edited.write_text(yaml.safe_dump(plan))
    again = flow.run(edited, tmp_path / "RUN")
    assert weights(again.folder) == weights(finished.folder)


def test_an_edited_plan_is_what_runs(finished: flow.RunRecord, tmp_path: Path) -> None:
    plan = yaml.safe_load((finished.folder / "plan.yaml").read_text())
    plan["network"]["value"]["latent"] = 5
    plan["length"]["value"].update(steps=4, decay_steps=2, epochs=None)
    edited = tmp_path / "edited.yaml"
    edited.write_text(yaml.safe_dump(plan))
    record = flow.run(edited, tmp_path / "RUN")
    assert len(read_table(record.table).groups["latent"]) == 5


def test_a_plan_with_an_unknown_key_is_refused(finished: flow.RunRecord, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text((finished.folder / "plan.yaml").read_text() + "surprise: 1\n")
    with pytest.raises(RequestError, match="surprise"):
        flow.run(edited, tmp_path / "RUN")


def test_what_a_plan_does_not_hold_is_refused_beside_it(
    finished: flow.RunRecord, cohort: Path, tmp_path: Path
) -> None:
    plan = finished.folder / "plan.yaml"
    with pytest.raises(RequestError, match=r"folds is 5, and the plan was made for 0"):
        flow.run(plan, tmp_path / "RUN", Request(folds=5))
    with pytest.raises(RequestError, match=r"seed is 7"):
        flow.run(cohort, finished.folder, Request(seed=7), resume=True)
    assert not (tmp_path / "RUN").exists()


def test_S1_a_plan_cannot_name_code(finished: flow.RunRecord, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text("method: !!python/object/apply:os.system ['echo']\n")
    with pytest.raises(RequestError):
        flow.run(edited, tmp_path / "RUN")


def test_another_run_in_the_same_folder_is_refused(
    finished: flow.RunRecord, cohort: Path, asked: Request
) -> None:
    with pytest.raises(RequestError, match="already"):
        flow.run(cohort, finished.folder, asked.model_copy(update={"seed": 1}), workers=1)


def test_T10_a_flipped_byte_is_refused(finished: flow.RunRecord, tmp_path: Path) -> None:
    assert flow.verify(finished.folder)
    path = finished.folder / "model" / "weights.safetensors"
    before = path.read_bytes()
    try:
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(IntegrityError, match="not what"):
            flow.verify(finished.folder)
        with pytest.raises(IntegrityError):
            flow.encode(finished.folder, tmp_path / "none.csv", tmp_path / "x.parquet")
    finally:
        path.write_bytes(before)


def test_a_report_written_again_is_sealed_again(finished: flow.RunRecord) -> None:
    for path in (finished.report, finished.folder / "model" / "MODEL_CARD.md"):
        before = path.read_bytes()
        path.write_text("damaged")
        with pytest.raises(IntegrityError, match="not what"):
            flow.verify(finished.folder)
        flow.report(finished.folder)
        assert flow.verify(finished.folder)
        assert path.read_bytes() == before


def test_the_model_card_says_what_the_records_say(finished: flow.RunRecord) -> None:
    card = (finished.folder / "model" / "MODEL_CARD.md").read_text()
    records = json.loads((finished.folder / "results.json").read_text())
    known = next(
        record
        for record in records
        if (record["evaluation"], record["features"]) == ("probe", "latent")
        and record["metric"] == "auroc"
    )
    span = f"{known['low']:.3f} to {known['high']:.3f}"
    assert f"| latent | AUROC | {known['value']:.3f} | {span} | {known['n']} |" in card
    assert "| all | 60 | 60 |" in card
    assert "Modality: XR 60. Sites: A 30, B 30." in card
    assert weights(finished.folder) in card


def test_I1_broken_files_cost_their_own_case_only(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    (manifest.parent / "c003.npy").write_bytes(b"")
    (manifest.parent / "c004.npy").write_text("no array")
    (manifest.parent / "c005.npy").unlink()
    record = flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    rejected = pandas.read_csv(record.folder / "rejected.csv")
    assert sorted(rejected["case"]) == ["c003", "c004", "c005"]
    assert rejected[["reason", "remedy"]].notna().all(axis=None)
    assert record.exit_code == 3
    assert len(read_table(record.table).frame) == 37


def test_I1_too_few_cases_are_said_and_nothing_is_trained(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=6)
    (manifest.parent / "c003.npy").unlink()
    with pytest.raises(IncompleteError, match="5 cases"):
        flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    assert list(pandas.read_csv(tmp_path / "RUN" / "rejected.csv")["case"]) == ["c003"]
    assert not (tmp_path / "RUN" / "model").exists()


def test_T6_shuffled_labels_are_reported_as_failure(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=80, shuffled=True)
    record = flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    assert any(s == "fail" and "chance" in words for s, words in record.verdict), record.verdict


def test_T6_noise_images_are_reported_as_failure(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=60, kind="noise")
    record = flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    assert record.verdict[0][0] == "fail", record.verdict


def test_T6_equal_images_are_reported_as_failure(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=60, kind="equal")
    with pytest.raises(IncompleteError, match="all 60 pictures are equal: there is nothing"):
        flow.run(manifest, tmp_path / "RUN", asked, workers=1)


def test_folds_score_every_case_once(asked: Request, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    folded = asked.model_copy(update={"folds": 2, "epochs": 1})
    record = flow.run(manifest, tmp_path / "RUN", folded, workers=1)
    probes = [r for r in record.results if r.evaluation == "probe" and r.features == "latent"]
    assert probes
    assert all(result.settings["cases"] == 40 for result in probes)
    own, other = (load_plan(tmp_path / "RUN" / "folds" / n / "plan.yaml") for n in "01")
    assert own.window.value != other.window.value  # each fold is planned from its own cases
    again = flow.run(manifest, tmp_path / "RUN", resume=True, workers=1)
    assert again.results == record.results


RUN = """
import sys
from pathlib import Path
from latentomics import flow
from latentomics.planning import Request
source, folder = map(Path, sys.argv[1:3])
asked = Request(labels=("large",), site="site", epochs=6, latent=8)
asked = None if source.suffix == ".yaml" else asked
flow.run(source, folder, asked, workers=1, resume="--resume" in sys.argv)
"""


@pytest.mark.slow
def test_T1_a_killed_run_ends_with_the_same_weights(cohort: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", RUN, str(cohort), str(whole)], check=True)
    took = time.monotonic() - begun
    # precision and threads are measured anew by each request: the same plan makes the same bytes
    command = [sys.executable, "-c", RUN, str(whole / "plan.yaml")]
    for share in (0.45, 0.6, 0.75):
        process = subprocess.Popen([*command, str(killed), "--resume"])
        time.sleep(share * took)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(killed), "--resume"], check=True)
    assert weights(killed) == weights(whole)
