"""The examples run as they are, in a process of their own: what they define enters no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_a_penalty_a_method_and_a_network_of_ones_own(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, EXAMPLES / "own_method.py"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LATENTOMICS_CACHE": str(tmp_path)},
    )
    assert shown.returncode == 0, shown.stderr
    assert "method: 24 cases, 3 latents" in shown.stdout
    assert "method and network: 24 cases, 3 latents" in shown.stdout
