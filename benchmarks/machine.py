"""What figures belong to: the machine, its libraries, and how much other work it did meanwhile.

In: nothing. Out: plain values for records. Seconds of one machine say nothing about another, so a
measurement is only taken up again where the machine and the rivals' versions are the same.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil
from places import HERE

RIVALS = ("torch", "monai", "torchio")


def machine() -> dict:
    """Return the machine and the versions of what is compared."""
    import torch

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "python": platform.python_version(),
        **{name: version(name) for name in RIVALS},
    }


def revision() -> str:
    """Return the last commit that changed our source, or our version outside a repository."""
    command = ["git", "-C", str(HERE), "log", "-1", "--format=%h", "--", "../src"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or version("latentomics")


class Others:
    """The share of its cores that work other than this process and its children kept busy."""

    def __init__(self) -> None:
        self.begin, self.work = time.perf_counter(), _others_seconds()

    def share(self) -> float:
        """Return the share since the start."""
        wall = time.perf_counter() - self.begin
        seconds = max(0.0, _others_seconds() - self.work)
        return round(seconds / wall / len(os.sched_getaffinity(0)), 3)


def _others_seconds() -> float:
    every, own = psutil.cpu_times(percpu=True), os.times()
    ours = [every[core] for core in os.sched_getaffinity(0)]
    busy = sum(core.user + core.nice + core.system + getattr(core, "steal", 0.0) for core in ours)
    return busy - (own.user + own.system + own.children_user + own.children_system)


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
