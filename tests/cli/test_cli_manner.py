"""Every command keeps to one manner: results on stdout, talk on stderr, no control characters."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cli_stand_in
import pytest

from latentomics.cli import demo
from latentomics.cli.main import app
from latentomics.cli.progress import Bars, Lines, display
from latentomics.core import RequestError

LINES = {  # one of each command; FOLDER holds what looks like a run
    "check": "check c.csv --label a",
    "classic": "classic c.csv -o t.csv",
    "compare": "compare FOLDER FOLDER",
    "curate": "curate FOLDER",
    "demo": "demo -o FOLDER",
    "encode": "encode FOLDER c.csv -o t.csv",
    "evaluate": "evaluate FOLDER --nll 5",
    "export": "export FOLDER -o portable",
    "info": "info",
    "methods": "methods",
    "plan": "plan c.csv",
    "report": "report FOLDER",
    "run": "run c.csv -o FOLDER",
    "sample": "sample FOLDER -o s.png",
    "verify": "verify FOLDER",
}
WITHOUT_FLOW = ("info", "methods")
CONTROL = re.compile(r"[^\n\x20-\x7e\xa0-\U0010ffff]")


@pytest.fixture
def said(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable:
    """Return a function that runs one of LINES; libraries chatter, and names are odd."""
    flow.message = "case \x1b[31mc1\r\udcff"
    flow.chatter = "a library was here\n"
    (tmp_path / "plan.yaml").write_text("version: 1\n")
    monkeypatch.setattr(demo, "write_example", lambda _, folder: folder / "manifest.csv")
    return lambda name, *more: shell(*LINES[name].replace("FOLDER", str(tmp_path)).split(), *more)


def test_no_command_is_left_out() -> None:
    assert sorted(LINES) == sorted(entry.name for entry in app.registered_commands)


@pytest.mark.parametrize("name", LINES)
def test_json_is_one_document_and_nothing_else(said: Callable, name: str) -> None:
    shown = said(name, "--json")
    assert shown.exit_code == 0, shown.stderr
    assert isinstance(json.loads(shown.stdout), dict | list)


@pytest.mark.parametrize("name", [name for name in LINES if name not in WITHOUT_FLOW])
def test_an_error_is_one_document_too(said: Callable, flow: cli_stand_in.Flow, name: str) -> None:
    flow.raises = RequestError("a", "b", "c")
    shown = said(name, "--json")
    assert shown.exit_code == 2
    assert json.loads(shown.stdout)["error"] == {"what": "a", "where": "b", "remedy": "c"}


@pytest.mark.parametrize("name", LINES)
def test_quiet_leaves_the_result_alone(said: Callable, flow: cli_stand_in.Flow, name: str) -> None:
    loud = said(name)
    flow.chatter = ""
    quiet = said(name, "--quiet")
    assert quiet.stderr == ""
    assert quiet.stdout.strip() != ""
    if name != "demo":  # which chooses another folder each time
        assert quiet.stdout == loud.stdout


@pytest.mark.parametrize("name", LINES)
def test_a_log_gets_no_control_characters(said: Callable, name: str) -> None:
    shown = said(name)
    assert CONTROL.findall(shown.stdout + shown.stderr) == []


def test_lines_are_for_logs_and_terminals_that_cannot_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert isinstance(display(quiet=False), Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display(quiet=False), Lines)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(display(quiet=False), Bars)


@pytest.mark.parametrize("words", [["check"], ["run", "c.csv", "--nonsense"], ["runn", "c.csv"]])
def test_a_wrong_option_is_a_document_with_json(words: list[str]) -> None:
    code = "from latentomics.cli.main import main; main()"
    shown = subprocess.run(
        [sys.executable, "-c", code, *words, "--json"], capture_output=True, text=True, check=False
    )
    document = json.loads(shown.stdout)
    assert shown.returncode == document["exit_code"] == 2
    assert document["error"]["where"].startswith(words[0])
    assert "Traceback" not in shown.stderr
