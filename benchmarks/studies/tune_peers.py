"""Tune the peers as well as ours: batch, rate and schedule, chosen on validation.

In: cohorts and pairs of rivals. Out: trials.jsonl, one line a trial, and tuned.json, the choice.
Every setting runs with one seed; the best few run with all seeds, and the lowest mean validation
error wins. Its test error, of a third split that chose nothing, is written beside it. A trial that
stands in trials.jsonl is not run again: the script may be killed and started at any time.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[1]))

from crops import COHORTS, Crops, crops_of
from peers import LOSSES, Settings
from places import TRIALS, TUNED, WORK, add_line, read_lines
from race_peer import run

BATCHES = (8, 16, 64)
RATES = (3e-4, 1e-3, 3e-3)
SCHEDULES = ("constant", "one-cycle")
FINALISTS = 3  # settings that run with every seed


def grid(*, smoke: bool) -> list[Settings]:
    """Return every setting."""
    cells = list(product(BATCHES, RATES, SCHEDULES))
    return [Settings(batch=b, rate=r, schedule=s) for b, r, s in (cells[:2] if smoke else cells)]


def key_of(cohort: str, pair: str, settings: Settings, seconds: float, seed: int) -> dict:
    """Return what identifies a trial."""
    return {"cohort": cohort, "pair": pair, "seconds": seconds, "seed": seed} | asdict(settings)


def best_of(points: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Return validation and test error of the weights that were best on validation."""
    _, validation, test = min(points, key=lambda point: point[1])
    return validation, test


class Trials:
    """Trials that were run, in a file."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.done = {self._name(record["key"]): record for record in read_lines(path)}

    def run(self, cohort: str, pair: str, crops: Crops, settings: Settings, seed: int) -> dict:
        """Return the record of a trial, which is run only if it is new."""
        key = key_of(cohort, pair, settings, self.seconds, seed)
        name = self._name(key)
        if name not in self.done:
            curve = run(pair, crops, settings, self.seconds, seed)
            validation, test = best_of(curve.points)
            record = {"key": key, "validation": validation, "test": test}
            add_line(self.path, record)
            self.done[name] = record
            print(f"{cohort} {pair} {settings} seed {seed}: {validation:.5f}", flush=True)
        return self.done[name]

    @staticmethod
    def _name(key: dict) -> str:
        return json.dumps(key, sort_keys=True)


def choose(
    trials: Trials, cohort: str, pair: str, crops: Crops, seeds: int, *, smoke: bool
) -> dict:
    """Return the choice for a pair on a cohort."""
    first = [(trials.run(cohort, pair, crops, s, 0)["validation"], s) for s in grid(smoke=smoke)]
    finalists = [settings for _, settings in sorted(first, key=lambda entry: entry[0])[:FINALISTS]]
    scored = []
    for settings in finalists:
        records = [trials.run(cohort, pair, crops, settings, seed) for seed in range(seeds)]
        scored.append((fmean(r["validation"] for r in records), settings, records))
    validation, settings, records = min(scored, key=lambda entry: entry[0])
    return {
        "settings": asdict(settings),
        "validation": validation,
        "test": fmean(record["test"] for record in records),
        "seeds": seeds,
        "seconds": trials.seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", nargs="+", default=COHORTS, choices=COHORTS)
    parser.add_argument("--pairs", nargs="+", default=tuple(LOSSES), choices=tuple(LOSSES))
    parser.add_argument("--seconds", type=float, default=120.0, help="wall time of one trial")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="two settings, a second each")
    given = parser.parse_args()
    trials_path, tuned_path = TRIALS, TUNED
    if given.smoke:
        given.cohorts, given.pairs, given.seconds, given.seeds = ("mni",), ("vector",), 1.0, 2
        trials_path, tuned_path = WORK / "smoke" / TRIALS.name, WORK / "smoke" / TUNED.name
    trials = Trials(trials_path, given.seconds)
    for cohort, pair in product(given.cohorts, given.pairs):
        crops = crops_of(cohort, smoke=given.smoke)
        if crops is None:
            print(f"no images of {cohort}: set LATENTOMICS_DATA")
            continue
        choice = choose(trials, cohort, pair, crops, given.seeds, smoke=given.smoke)
        found = json.loads(tuned_path.read_text()) if tuned_path.is_file() else {}
        found[f"{cohort}/{pair}"] = choice
        tuned_path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
