"""Errors in the user's words, exit codes as promised, progress in lines."""

import json
from collections.abc import Callable

import cli_stand_in
import pytest

from latentomics.cli.progress import Bars, Lines
from latentomics.core import (
    IncompleteError,
    IntegrityError,
    Interrupted,
    LatentomicsError,
    RequestError,
)


@pytest.mark.parametrize(
    ("error", "code"), [(RequestError, 2), (IncompleteError, 4), (IntegrityError, 4)]
)
def test_our_errors_say_what_where_and_remedy_without_traceback(
    flow: cli_stand_in.Flow, shell: Callable, error: type[LatentomicsError], code: int
) -> None:
    flow.raises = error("no column 'age'", "cohort.csv, row 1", "name one of: sex, site")
    shown = shell("run", "c.csv", "-o", "R", "--quiet")
    assert shown.exit_code == code
    assert shown.stdout == ""
    assert shown.stderr.splitlines() == [
        "no column 'age'",
        "  where:  cohort.csv, row 1",
        "  remedy: name one of: sex, site",
    ]


def test_an_error_is_a_document_too(flow: cli_stand_in.Flow, shell: Callable) -> None:
    flow.raises = RequestError("a", "b", "c")
    shown = json.loads(shell("check", "c.csv", "--json").stdout)
    assert shown == {"error": {"what": "a", "where": "b", "remedy": "c"}, "exit_code": 2}


def test_a_defect_of_ours_shows_its_traceback_and_exits_1(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    flow.raises = ZeroDivisionError("division by zero")
    shown = shell("check", "c.csv")
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr
    assert "a defect of latentomics: ZeroDivisionError" in shown.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("stopped", "step 7", "go on")])
def test_T5_an_interrupted_run_prints_the_command_that_resumes(
    flow: cli_stand_in.Flow,
    shell: Callable,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    monkeypatch.setattr("sys.argv", ["latentomics", "run", "my cohort.csv", "-o", "R"])
    flow.raises = error
    shown = shell("run", "my cohort.csv", "-o", "R")
    assert shown.exit_code == 130
    assert "latentomics run 'my cohort.csv' -o R --resume" in shown.stderr


def test_T3_a_full_disk_is_said_in_words_with_4(flow: cli_stand_in.Flow, shell: Callable) -> None:
    flow.raises = OSError(28, "No space left on device", "R/features.parquet")
    shown = shell("run", "c.csv", "-o", "R")
    assert shown.exit_code == 4
    assert "No space left on device" in shown.stderr
    assert "R/features.parquet" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_lines_come_when_a_stage_begins_and_ends_and_every_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    lines = Lines(clock=lambda: now)
    for step in range(101):
        now = step * 0.25
        lines.show(cli_stand_in.Event(stage="train", done=step, total=100))
    lines.show(cli_stand_in.Event(stage="encode", done=0, total=0))
    said = capsys.readouterr().err.splitlines()
    assert said == ["train", "train 40%", "train 80%", "train 100%", "encode"]


def test_bars_end_full_and_without_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    bars = Bars()
    for step in (0, 5, 10):
        event = cli_stand_in.Event(
            stage="train", done=step, total=10, seconds_left=10.0 - step, message="nll 3.1"
        )
        bars.show(event)
    bars.line("a remark [in brackets]")
    bars.close()
    bars.close()
    said = capsys.readouterr().err
    assert "a remark [in brackets]" in said
    last = said.splitlines()[-1]
    assert "train" in last
    assert "100 %" in last
    assert "nll 3.1" in last
    assert "left" not in last
