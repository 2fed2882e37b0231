"""Memory is estimated before work starts, and a run takes no more than was said (PROMISES M1)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from latentomics import flow
from latentomics.core import RequestError
from latentomics.planning import Request, load_plan

MEASURED = """
import resource, sys
from pathlib import Path
from latentomics import flow
from latentomics.planning import Request
asked = Request(labels=("large",), site="site", epochs=1, latent=8)
flow.run(Path(sys.argv[1]), Path(sys.argv[2]), asked, workers=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def with_memory(asked: Request, size: int) -> Request:
    return asked.model_copy(update={"memory_bytes": size})


def test_M1_the_peak_is_said_before_anything_is_prepared(cohort: Path, asked: Request) -> None:
    events: list[flow.Event] = []
    plan = flow.make_plan(cohort, with_memory(asked, 4 * 10**9), workers=1, on_event=events.append)
    assert plan.memory.value is not None
    assert 0.6e9 < plan.memory.value.peak_bytes < 1e9
    assert plan.memory.value.limit_bytes == 4 * 10**9
    assert events[-1].stage == "memory"
    assert events[-1].message.startswith("about 0.")


def test_M1_with_less_memory_the_plan_changes(cohort: Path, asked: Request) -> None:
    usual = flow.make_plan(cohort, with_memory(asked, 4 * 10**9), workers=1)
    assert usual.memory.value is not None
    tight = flow.make_plan(cohort, with_memory(asked, usual.memory.value.peak_bytes - 1), workers=1)
    assert tight.memory.value is not None
    assert tight.memory.value.peak_bytes < usual.memory.value.peak_bytes
    changed = [
        name for name in type(usual).model_fields if _value(usual, name) != _value(tight, name)
    ]
    assert {"mapped", "components_bytes", "batch"} & set(changed)


def test_M1_a_run_that_cannot_fit_is_refused_before_training(
    cohort: Path, asked: Request, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=r"needs about 0\.\d+ GB .* may take 0\.10 GB"):
        flow.run(cohort, tmp_path / "RUN", with_memory(asked, 10**8), workers=1)
    assert not (tmp_path / "RUN" / "checkpoint").exists()


@pytest.mark.slow
def test_M1_a_run_takes_no_more_than_was_said(cohort: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURED, str(cohort), str(tmp_path / "RUN")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    estimate = load_plan(tmp_path / "RUN" / "plan.yaml").memory.value
    assert estimate is not None
    assert 0.6 * estimate.peak_bytes < int(said.stdout.split()[-1]) < 1.1 * estimate.peak_bytes


def _value(plan: object, name: str) -> object:
    return getattr(getattr(plan, name), "value", None)
