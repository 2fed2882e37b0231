"""``latentomics info``: what is installed here, or what a run folder holds.

In: nothing, or a run folder. Out: versions and hardware; or the run's verdict, choices and origin.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Annotated, Any

import typer

from latentomics.cli.command import command
from latentomics.cli.options import existing_run
from latentomics.cli.talk import Talk

PACKAGES = ("torch", "numpy", "SimpleITK", "scikit-learn", "pandas")


@command("latentomics info", "latentomics info RUN --json")
def info(
    talk: Talk,
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run folder. Default: this machine.")
    ] = None,
) -> int:
    """Say what is installed and on what hardware, or what a run folder holds."""
    document = machine() if run is None else stored_run(run)
    talk.result(_lines(document), document)
    return 0


def machine() -> dict[str, object]:
    """Return versions and hardware: what a report of a defect needs."""
    import torch

    from latentomics import __version__

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "latentomics": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        **{package: _installed(package) for package in PACKAGES},
    }


def stored_run(run: Path) -> dict[str, object]:
    """Return what a run folder says of itself: how far it came, cases, verdict, choices, origin.

    Raises
    ------
    RequestError
        When the folder holds no run.
    """
    existing_run(run)
    from latentomics.planning import load_plan

    plan = load_plan(run / "plan.yaml").model_dump(mode="json")
    chosen = {
        name: f"{_brief(part['value'])} ({part['reason']})"
        for name, part in plan.items()
        if isinstance(part, dict) and set(part) == {"value", "reason"}
    }
    return {
        "state": _state(run),
        "cases": _cases(run),
        "verdict": [f"{row['status']}: {row['sentence']}" for row in _stored(run / "verdict.json")],
        "plan": chosen,
        "provenance": _stored(run / "provenance.json"),
    }


def _state(run: Path) -> str:
    """Say how far a run came, from its files."""
    if (run / "seal.json").is_file():
        return str(_stored(run / "provenance.json").get("outcome", "finished"))
    history = run / "history.jsonl"
    lines = history.read_text().splitlines() if history.is_file() else []
    trained = f"training came to step {json.loads(lines[-1])['step']}" if lines else "not trained"
    return f"not finished: {trained}; go on with --resume"


def _cases(run: Path) -> dict[str, int]:
    """Count the cases of each part of the split, and those that were rejected."""
    import csv

    import pandas

    counts = {}
    if (run / "cohort.parquet").is_file():
        parts = pandas.read_parquet(run / "cohort.parquet", columns=["split"])["split"]
        counts = {str(part): int(count) for part, count in parts.value_counts().items()}
    if (run / "rejected.csv").is_file():
        with (run / "rejected.csv").open(newline="") as file:
            counts["rejected"] = len(list(csv.DictReader(file)))
    return counts


def _stored(path: Path) -> Any:
    """Return the content of a JSON file, or nothing where the run stopped before writing it."""
    return json.loads(path.read_text()) if path.is_file() else {}


def _brief(choice: object) -> str:
    """Return a choice in one line; of a record only its numbers and words."""
    if isinstance(choice, dict):
        return ", ".join(f"{key} {value}" for key, value in choice.items() if value is not None)
    return str(choice)


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _lines(document: dict[str, object], indent: str = "") -> str:
    lines = []
    for key, entry in document.items():
        if isinstance(entry, dict):
            lines += [f"{indent}{key}", _lines(entry, indent + "  ")]
        elif isinstance(entry, list):
            lines += [f"{indent}{key}", *(f"{indent}  {item}" for item in entry)]
        else:
            lines.append(f"{indent}{key:<12}  {entry}")
    return "\n".join(line for line in lines if line)
