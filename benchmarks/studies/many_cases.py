"""Check, plan and run a cohort of many tiny pictures: seconds and peak memory of each command.

Usage: many_cases.py FOLDER [--cases 100000] [--edge 16] [--files] [--commands check plan run]
Writes the cohort (rows of one .npz, or with --files one .npy a case) and prints one JSON line a
command: seconds of the clock and of a core, largest resident size of its main process, and the peak
of its processes together with shared pages counted once. Exits with 1 when a command fails or takes
more than 2 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

LIMIT_BYTES = 2_000_000_000
PAUSE_S = 0.5


def write_cohort(folder: Path, cases: int, edge: int, files: bool) -> Path:
    """Write disks whose size tells the label; two cases a patient, three sites."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.stack(np.meshgrid(np.arange(edge), np.arange(edge), indexing="ij")).astype("f4")
    values = rng.normal(0, 3, (cases, edge, edge)).astype("f4")
    lines = ["case,image,npz_index,patient,site,modality,large"]
    for case in range(cases):
        large = case % 2
        centre = edge / 2 + rng.uniform(-1.5, 1.5, (2, 1, 1))
        radius = rng.uniform(0.15, 0.25) * edge * (1 + large)
        values[case] += 60 * (np.hypot(*(grid - centre)) < radius) + 100
        name = f"{case:06d}"
        if files:
            np.save(folder / f"{name}.npy", values[case])
        image = f"{name}.npy," if files else f"pictures.npz,{case}"
        lines.append(f"{name},{image},p{case // 2},{'ABC'[case % 3]},XR,{large}")
    if not files:
        np.savez(folder / "pictures.npz", values=values)
    manifest = folder / "cohort.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def together(process: psutil.Process) -> int:
    """Return the memory of a process and those it started, shared pages once, in bytes."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue  # it has just ended
    return total


def measured(words: list[str], log: Path) -> dict[str, object]:
    """Run a command and watch it."""
    begun, highest = time.monotonic(), 0
    with log.open("w") as opened:
        started = subprocess.Popen(words, stdout=opened, stderr=opened)
        watched, ended = psutil.Process(started.pid), 0
        while not ended:
            time.sleep(PAUSE_S)
            ended, status, usage = os.wait4(started.pid, os.WNOHANG)
            highest = highest if ended else max(highest, together(watched))
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": round(time.monotonic() - begun, 1),
        "core_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "largest_process_bytes": usage.ru_maxrss * 1024,
        "together_bytes": highest,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--edge", type=int, default=16)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--commands", nargs="+", default=["check", "plan", "run"])
    asked = parser.parse_args()
    folder = asked.folder
    manifest = folder / "cohort.csv"
    if not manifest.exists():
        write_cohort(folder, asked.cases, asked.edge, asked.files)
    os.environ["LATENTOMICS_CACHE"] = str(folder / "cache")
    options = {"plan": ["--memory", "2GB"]}
    options["run"] = ["-o", str(folder / "RUN"), "--epochs", "1", "--memory", "2GB"]
    fine = True
    for name in asked.commands:
        words = ["latentomics", name, str(manifest), "--label", "large"]
        found = measured([*words, *options.get(name, [])], folder / f"{name}.log")
        print(json.dumps({"command": name, "cases": asked.cases} | found), flush=True)
        fine = fine and found["exit"] == 0 and int(str(found["together_bytes"])) < LIMIT_BYTES
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
