"""What is measured, as commands: each in a process of its own, which prints one JSON line.

In: options. Out: jobs. A job's name is its place in the results: ``kind/what/who``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from places import HERE, WORK, manifest

KINDS = ("prepare", "step", "peak", "race")


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


def prepare_jobs() -> list[Job]:
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


def step_jobs() -> list[Job]:
    """Return (b): a step of the peer's network in a plain loop and in our trainer."""
    rivals = {
        "autoencoder": ("plain", "ours", "ours-channels-last"),
        "varautoencoder": ("plain", "ours", "ours-channels-last"),
    }
    return [
        Job(
            name=f"step/{network}/{who}",
            script="step.py",
            options=("--network", network, "--who", who),
        )
        for network, everyone in rivals.items()
        for who in everyone
    ]


def peak_jobs() -> list[Job]:
    """Return (c): our step's share of the measured peak."""
    return [
        Job(name=f"peak/{precision}/ours", script="peak.py", options=("--precision", precision))
        for precision in ("float32", "bfloat16")
    ]


def race_jobs(peer_seconds: float, our_seconds: float, *, smoke: bool) -> list[Job]:
    """Return (a): the race, on the cohorts whose images are here."""
    here = ["mni"] if smoke or manifest("hippocampus") is None else ["hippocampus", "mni"]
    seconds = {"peer": str(peer_seconds), "ours": str(our_seconds)}
    return [
        Job(
            name=f"race/{cohort}/{pair}/{who}",
            script="race.py",
            options=("--cohort", cohort, "--pair", pair, "--who", who, "--seconds", seconds[who]),
            seeded=True,
        )
        for cohort in here
        for pair in ("vector", "vae", "map")
        for who in ("peer", "ours")
    ]


def jobs_of(kinds: list[str], peer_seconds: float, our_seconds: float, *, smoke: bool) -> list[Job]:
    """Return the jobs of some kinds, in the order of ``KINDS``."""
    makers = {
        "prepare": prepare_jobs,
        "step": step_jobs,
        "peak": peak_jobs,
        "race": lambda: race_jobs(peer_seconds, our_seconds, smoke=smoke),
    }
    WORK.mkdir(exist_ok=True)
    return [job for kind in KINDS if kind in kinds for job in makers[kind]()]
