"""Where benchmarks keep what they make, and the cohorts that they read.

In: the environment. Out: paths. ``LATENTOMICS_DATA`` names a folder with ``manifests/``; without it
everything runs on what is made here or comes with a pip package.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

HERE = Path(__file__).parent
WORK = HERE / "work"
TUNED = HERE / "studies" / "tuned.json"
TRIALS = HERE / "studies" / "trials.jsonl"
RECORDS = HERE / "records.jsonl"


def manifest(cohort: str) -> Path | None:
    """Return the manifest of a cohort of real images, where there is one."""
    folder = os.environ.get("LATENTOMICS_DATA")
    path = Path(folder or ".") / "manifests" / f"{cohort}.csv"
    return path if folder and path.is_file() else None


def read_lines(path: Path) -> list[dict]:
    """Return the records of a file of JSON lines; a line cut short by a kill is left out."""
    records = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def add_line(path: Path, record: dict) -> None:
    """Add a record to a file of JSON lines; it stands on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as opened:
        opened.write(json.dumps(record) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
