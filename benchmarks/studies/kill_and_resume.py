"""Kill a run at random moments and resume it: the weights must be those of the run nobody stopped.

Usage: kill_and_resume.py COHORT FOLDER [--kills 8] [--epochs 4] [--seed 0]
Prints each moment and the hash of every run that came to its end between kills (then a new one
begins); exits with 1 when one differs (PROMISES T1).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def weights(run: Path) -> str:
    return json.loads((run / "model" / "model.json").read_text())["weights_sha256"]


def command(source: Path, run: Path, *more: str) -> list[str]:
    return ["latentomics", "run", str(source), "-o", str(run), "--quiet", *more]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    whole, killed = asked.folder / "whole", asked.folder / "killed"
    begun = time.monotonic()
    subprocess.run(command(asked.cohort, whole, "--epochs", str(asked.epochs)), check=True)
    took = time.monotonic() - begun
    # precision and threads are measured anew by each run: the same plan makes the same bytes
    plan = whole / "plan.yaml"
    generator = random.Random(asked.seed)
    landed, same = 0, True
    while landed < asked.kills:
        moment = generator.uniform(0.1, 0.9) * took
        process = subprocess.Popen(command(plan, killed, "--resume"), stdout=subprocess.DEVNULL)
        try:
            process.wait(moment)
            same = ended(killed, weights(whole)) and same
            shutil.rmtree(killed)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            landed += 1
            print(f"kill {landed}: after {moment:.1f} of {took:.1f} s", flush=True)
    subprocess.run(command(plan, killed, "--resume"), stdout=subprocess.DEVNULL, check=False)
    same = ended(killed, weights(whole)) and same
    return int(not same)


def ended(run: Path, expected: str) -> bool:
    """Say whether a run that came to its end has the weights of the one nobody stopped."""
    print(f"ended with {weights(run)}, expected {expected}", flush=True)
    return weights(run) == expected


if __name__ == "__main__":
    sys.exit(main())
