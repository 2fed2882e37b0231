"""Help is quick and every command's help shows an example."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from latentomics.cli.main import app

COMMANDS = [
    "check",
    "classic",
    "compare",
    "curate",
    "demo",
    "encode",
    "evaluate",
    "export",
    "info",
    "methods",
    "plan",
    "report",
    "run",
    "sample",
    "verify",
]


def test_the_commands_are_those_of_the_design() -> None:
    assert sorted(entry.name for entry in app.registered_commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_that_names_the_command(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert f"latentomics {command}" in shown.stdout.partition("Example:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_quiet_and_json(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    assert "--quiet" in shown
    assert "--json" in shown


def test_help_starts_within_half_a_second_and_without_heavy_packages() -> None:
    code = (
        "import sys; from latentomics.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    seconds = []
    for _ in range(3):
        begin = _child_seconds()
        shown = subprocess.run(
            [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
        )
        seconds.append(_child_seconds() - begin)
    assert shown.stdout.splitlines()[-1] == "[]"
    assert min(seconds) < 1.0, seconds  # .3 s on an idle machine; other work slows a core down


def _child_seconds() -> float:
    """Return the processor time of finished children, which waiting for a core does not add to."""
    times = os.times()
    return times.children_user + times.children_system


def test_an_unknown_option_is_a_wrong_request() -> None:
    assert CliRunner().invoke(app, ["run", "--nonsense"]).exit_code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("latentomics ver", {"verify"}),
        ("latentomics run --method beta", {"beta-vae", "beta-tcvae"}),
        ("latentomics plan --method beta", {"beta-vae", "beta-tcvae"}),
        ("latentomics run --track ", {"mlflow", "tensorboard"}),
        ("latentomics run --bud", {"--budget"}),
        ("latentomics run cohort.csv -o RUN --label ma", {"malignant", "margin"}),
        ("latentomics check cohort.csv --site s", {"site"}),
        ("latentomics check none.csv --site s", set()),
    ],
)
def test_a_shell_completes_commands_options_and_their_words(
    line: str, words: set[str], tmp_path: Path
) -> None:
    (tmp_path / "cohort.csv").write_text("\ufeffimage,malignant,margin,site\na.png,1,2,east\n")
    code = "import sys; sys.argv = ['latentomics']; from latentomics.cli.main import main; main()"
    given = {
        "_LATENTOMICS_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **given},
        cwd=tmp_path,
    )
    assert set(shown.stdout.split()) == words, shown.stderr
