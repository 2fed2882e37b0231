"""What was done is not done again, and a dry run says what a run would do and makes nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from flow_cohort import write_cohort
from typer.testing import CliRunner

from latentomics import flow
from latentomics.cli.main import app
from latentomics.core import IncompleteError, RequestError
from latentomics.flow import job
from latentomics.flow.finished import asked_sha256
from latentomics.planning import Request
from latentomics.training import lock_folder


def files_of(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copied(
    finished: flow.RunRecord, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Return a cohort and its finished run that a test may spoil; no stage may run."""
    folder, place = tmp_path / "RUN", tmp_path / "cohort"
    shutil.copytree(finished.folder, folder)
    shutil.copytree(cohort.parent, place)  # with the times of the files
    manifest = place / cohort.name
    told = json.loads((folder / "provenance.json").read_text())
    asked = Request(labels=("large",), site="site", epochs=3, latent=8)  # as the finished run was
    told["asked_sha256"] = asked_sha256(asked.of(manifest), None)
    _write(folder, "provenance.json", json.dumps(told))
    monkeypatch.setattr(job, "_run", _must_not)
    return manifest, folder


def _write(folder: Path, name: str, text: str) -> None:
    """Change a file of a run, and its seal."""
    from latentomics.core import file_sha256

    (folder / name).write_text(text)
    sealed = json.loads((folder / "seal.json").read_text())
    sealed[name] = file_sha256(folder / name)
    (folder / "seal.json").write_text(json.dumps(sealed))


def _must_not(_: object) -> None:
    raise AssertionError("a stage was begun")


def test_the_same_run_again_is_done_at_once_and_changes_nothing(
    copied: tuple[Path, Path], asked: Request, finished: flow.RunRecord
) -> None:
    manifest, folder = copied
    before, told = files_of(folder), list[flow.Event]()
    for resume in (False, True):
        again = flow.run(manifest, folder, asked, resume=resume, on_event=told.append)
        assert again.done_before
        assert (again.results, again.verdict) == (finished.results, finished.verdict)
        assert (again.rejected, again.exit_code) == (0, 0)
    assert "nothing was done again" in told[0].message
    assert files_of(folder) == before


@pytest.mark.parametrize("change", ["request", "picture", "case", "version", "result", "outcome"])
def test_whatever_differs_is_no_run_that_was_done(
    copied: tuple[Path, Path], asked: Request, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, folder = copied
    if change == "request":
        asked = asked.model_copy(update={"seed": 1})
    elif change == "picture":
        os.utime(manifest.parent / "c003.npy")
    elif change == "case":
        kept, times = manifest.read_text().splitlines()[:-1], manifest.stat()
        manifest.write_text("\n".join(kept))
        os.utime(manifest, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "version":
        monkeypatch.setattr("latentomics.flow.finished.__version__", "0.0.0")
    elif change == "result":
        (folder / "results.json").write_text("[]")
    else:
        told = json.loads((folder / "provenance.json").read_text())
        told["outcome"] = "stopped: nll became NaN"
        _write(folder, "provenance.json", json.dumps(told))
    with pytest.raises(RequestError, match="a run lies here already"):
        flow.run(manifest, folder, asked)


def test_a_dry_run_of_what_was_done_says_so(copied: tuple[Path, Path], asked: Request) -> None:
    manifest, folder = copied
    seen = flow.outlook(manifest, folder, asked)
    assert seen.done_before
    assert "done before" in seen.time


def test_a_dry_run_gives_plan_memory_and_time_and_makes_nothing(
    cohort: Path, asked: Request, finished: flow.RunRecord, tmp_path: Path
) -> None:
    seen = flow.outlook(cohort, tmp_path / "RUN", asked, workers=1)
    planned = yaml.safe_load((finished.folder / "plan.yaml").read_text())
    assert seen.plan.network.value.latent == planned["network"]["value"]["latent"] == 8
    assert "3 steps of" in seen.time  # 3 epochs of one step
    assert seen.seconds > 0
    assert seen.plan.memory.value is not None
    assert list(tmp_path.iterdir()) == []
    edited = tmp_path / "plan.yaml"
    edited.write_text((finished.folder / "plan.yaml").read_text())
    assert "3 steps of" in flow.outlook(edited, tmp_path / "RUN", workers=1).time
    assert [path.name for path in tmp_path.iterdir()] == ["plan.yaml"]


def test_a_dry_run_foresees_the_budget(cohort: Path, tmp_path: Path) -> None:
    for budget_s, words in ((90.0, "about 90 s in all (--budget)"), (None, "about 600 s in all")):
        asked = Request(budget_s=budget_s, latent=4)
        seen = flow.outlook(cohort, tmp_path / "RUN", asked, workers=1)
        assert words in seen.time
        assert seen.exit_code == 0


def test_a_dry_run_refuses_what_the_run_refuses(
    cohort: Path, finished: flow.RunRecord, asked: Request, tmp_path: Path
) -> None:
    other = asked.model_copy(update={"seed": 5})
    wrong = asked.model_copy(update={"labels": ("none",)})
    (tmp_path / "file").write_text("")
    plan = finished.folder / "plan.yaml"
    for source, folder, request in (
        (cohort, finished.folder, other),  # another run lies there
        (cohort, tmp_path / "file", asked),  # a file lies there
        (cohort, tmp_path / "RUN", wrong),  # no such label
        (plan, tmp_path / "RUN", other),  # the plan says otherwise
        (tmp_path / "none.csv", tmp_path / "RUN", asked),
    ):
        refusals = []
        for act in (flow.outlook, flow.run):
            with pytest.raises(RequestError) as refused:
                act(source, folder, request)
            refusals.append(str(refused.value))
        assert refusals[0] == refusals[1]


def test_a_dry_run_says_with_its_exit_code_what_the_run_would(
    asked: Request, tmp_path: Path
) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=30)
    (manifest.parent / "c003.npy").write_bytes(b"")
    seen = flow.outlook(manifest, tmp_path / "RUN", asked, workers=1)
    assert (seen.rejected, seen.exit_code) == (1, 3)
    few = write_cohort(tmp_path / "few", cases=6)
    with pytest.raises(IncompleteError):
        flow.outlook(few, tmp_path / "RUN", asked, workers=1)
    assert not (tmp_path / "RUN").exists()


def test_T8_a_dry_run_of_a_folder_that_is_written_is_refused(
    cohort: Path, asked: Request, tmp_path: Path
) -> None:
    with lock_folder(tmp_path / "RUN"), pytest.raises(RequestError, match="another run writes"):
        flow.outlook(cohort, tmp_path / "RUN", asked)


def test_info_says_how_far_a_run_came_and_what_it_found(
    finished: flow.RunRecord, tmp_path: Path
) -> None:
    def info(run: Path, *more: str) -> str:
        shown = CliRunner().invoke(app, ["info", str(run), *more])
        assert shown.exit_code == 0, shown.stderr
        return shown.stdout

    told = json.loads(info(finished.folder, "--json"))
    assert told["state"] == "finished"
    assert told["cases"] == {"train": 42, "test": 12, "val": 6, "rejected": 0}
    assert told["verdict"][0] == ": ".join(finished.verdict[0])
    assert told["plan"]["batch"].endswith("(small batches gave more than a larger network)")
    assert told["provenance"]["seed"] == 0
    assert "state         finished" in info(finished.folder).splitlines()

    stopped = tmp_path / "stopped"
    stopped.mkdir()
    for name in ("plan.yaml", "cohort.parquet", "rejected.csv"):
        shutil.copy(finished.folder / name, stopped)
    assert json.loads(info(stopped, "--json"))["state"].startswith("not finished: not trained")
    (stopped / "history.jsonl").write_text('{"step": 0}\n{"step": 250}\n')
    told = json.loads(info(stopped, "--json"))
    assert told["state"] == "not finished: training came to step 250; go on with --resume"
    assert told["verdict"] == []
