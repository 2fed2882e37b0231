"""What is measured, as commands: each in a process of its own, which prints one JSON line.

In: options. Out: jobs. A job's name is its place in the results: ``kind/what/who``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from peers import PAIRS, Settings
from places import HERE, TUNED, manifest

VOXELS = (1_000, 5_000, 20_000, 50_000)  # in the mask of a classic case
PATIENTS = (1_000, 5_000)  # of two sites
CASES = (1_000, 10_000, 100_000)  # in tables that are evaluated
UNTUNED = Settings(batch=16, rate=1e-3, schedule="constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user set: seconds of the race, and whether all is tiny."""

    peer_seconds: float
    our_seconds: float
    smoke: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A measurement; ``seeded`` ones take the number of the repeat as their seed."""

    name: str
    script: str
    options: tuple[str, ...]
    seeded: bool = False

    def run(self, repeat: int, *, smoke: bool) -> dict:
        """Run it and return what it printed."""
        command = [sys.executable, str(HERE / self.script), *self.options]
        command += ["--seed", str(repeat)] if self.seeded else []
        command += ["--smoke"] if smoke else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


def prepare_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (d): preparing by ours, MONAI and TorchIO."""
    workers = str(len(os.sched_getaffinity(0)))
    return [
        Job(
            name=f"prepare/{task}/{who}",
            script="prepare.py",
            options=("--task", task, "--who", who, "--workers", workers),
        )
        for task in ("roi", "pose")
        for who in ("ours", "monai", "torchio")
    ]


def classic_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (e): classic features by ours and PyRadiomics, where that could be built."""
    if importlib.util.find_spec("radiomics") is None:
        print("PyRadiomics is not here: classic features are not compared")
        return []
    return [
        Job(
            name=f"classic/{voxels}/{who}",
            script="classic.py",
            options=("--who", who, "--voxels", str(voxels)),
        )
        for voxels in VOXELS
        for who in ("ours", "pyradiomics")
    ]


def shift_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (f): the permutation test of MMD by ours and by a plain loop."""
    return [
        Job(
            name=f"shift/{patients}/{who}",
            script="shift.py",
            options=("--who", who, "--patients", str(patients)),
        )
        for patients in PATIENTS
        for who in ("ours", "loop")
    ]


def evaluation_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (g): all that a run evaluates on its tables, by how many cases there are."""
    return [
        Job(
            name=f"evaluation/{cases}/ours",
            script="evaluation.py",
            options=("--cases", str(cases)),
        )
        for cases in CASES
    ]


def step_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (b): a step of the peer's network in a plain loop and in our trainer."""
    return [
        Job(
            name=f"step/{network}/{who}",
            script="step.py",
            options=("--network", network, "--who", who),
        )
        for network in ("autoencoder", "varautoencoder")
        for who in ("plain", "ours", "ours-channels-last")
    ]


def peak_jobs(asked: Asked) -> list[Job]:  # noqa: ARG001
    """Return (c): our step's share of the measured peak."""
    return [
        Job(name=f"peak/{precision}/ours", script="peak.py", options=("--precision", precision))
        for precision in ("float32", "bfloat16")
    ]


def race_jobs(asked: Asked) -> list[Job]:
    """Return (a): the race, on the cohorts whose images are here."""
    here = ["mni"] if asked.smoke or manifest("hippocampus") is None else ["hippocampus", "mni"]
    return [
        Job(
            name=f"race/{cohort}/{pair}/{who}",
            script="race.py",
            options=("--cohort", cohort, "--pair", pair, "--who", who, *own),
            seeded=True,
        )
        for cohort in here
        for pair in PAIRS
        for who, own in (
            ("peer", ("--seconds", str(asked.peer_seconds), "--settings", _settings(cohort, pair))),
            ("ours", ("--seconds", str(asked.our_seconds))),
        )
    ]


def tuning() -> dict[str, dict]:
    """Return the peers' tuned settings by ``cohort/pair``, as far as they were tuned."""
    return json.loads(TUNED.read_text()) if TUNED.is_file() else {}


def _settings(cohort: str, pair: str) -> str:
    chosen = tuning().get(f"{cohort}/{pair}")
    return json.dumps(chosen["settings"] if chosen else asdict(UNTUNED), sort_keys=True)


KINDS: dict[str, Callable[[Asked], list[Job]]] = {
    "prepare": prepare_jobs,
    "classic": classic_jobs,
    "shift": shift_jobs,
    "evaluation": evaluation_jobs,
    "step": step_jobs,
    "peak": peak_jobs,
    "race": race_jobs,
}


def jobs_of(asked: Asked) -> list[Job]:
    """Return all jobs, in the order of ``KINDS``."""
    return [job for make in KINDS.values() for job in make(asked)]
