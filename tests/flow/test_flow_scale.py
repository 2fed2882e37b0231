"""Thousands of tiny pictures through check, plan and run, and the memory that takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

STUDY = Path(__file__).parents[2] / "benchmarks" / "studies" / "many_cases.py"


@pytest.mark.slow
def test_M2_thousands_of_cases_stay_within_memory(tmp_path: Path) -> None:
    words = [sys.executable, str(STUDY), str(tmp_path), "--cases", "3000", "--edge", "8"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False)
    found = {line["command"]: line for line in map(json.loads, shown.stdout.splitlines())}
    assert shown.returncode == 0, shown.stdout
    assert set(found) == {"check", "plan", "run"}
    assert found["check"]["together_bytes"] < 400e6
    assert found["run"]["together_bytes"] < 0.9e9
