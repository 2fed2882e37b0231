"""Tune the peers: batch, rate and schedule by successive halving, chosen on validation.

In: cohorts and pairs of rivals. Out: trials.jsonl, one line a trial, and tuned.json, the choice.
All 18 settings run for 20 s with one seed, the best 4 for 40 s, the best 2 for 60 s (half of the
race's own time) with three seeds; the lowest mean validation error wins. Its test error, of a third
split that chose nothing, is written beside it. A trial that stands in trials.jsonl is not run
again: the script may be stopped and started at any time.

With ``--core N`` a trial runs on that core alone, in one thread, and gets 1.7 times the seconds,
counted as the core's time spent on it: so other work may go on beside. Such trials are others than
those on all cores, and the two are never mixed in a choice; both records say which they are.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[1]))

import peers
from crops import COHORTS, Crops, crops_of
from machine import Others, machine
from peers import PAIRS, RACE_SECONDS, Settings
from places import TRIALS, TUNED, WORK, add_line, read_lines
from race_peer import POINTS, run

BATCHES = (8, 16, 64)
RATES = (3e-4, 1e-3, 3e-3)
SCHEDULES = ("constant", "one-cycle")
FACTOR = 1.7  # on a core's seconds, for the second thread that a trial lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How many of the best settings so far run, with how many seeds, for how long."""

    settings: int
    seeds: int
    seconds: float
    points: int = 8  # measured, the last of them at the end
    tested: bool = False


ROUNDS = (
    Round(settings=18, seeds=1, seconds=20.0),
    Round(settings=4, seeds=1, seconds=40.0),
    Round(settings=2, seeds=3, seconds=RACE_SECONDS / 2, points=POINTS, tested=True),
)
SMOKE = (
    Round(settings=3, seeds=1, seconds=0.5),
    Round(settings=2, seeds=2, seconds=1.0, tested=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a trial runs on, and the clock that counts its seconds."""

    cores: int
    factor: float
    counted: str  # as wall time or core time
    clock: Callable[[], float]


def hands_of(core: int | None) -> Hands:
    """Bind this process to one core, where one is given."""
    import torch

    if core is None:
        cores = len(os.sched_getaffinity(0))
        return Hands(cores=cores, factor=1.0, counted="wall time", clock=time.perf_counter)
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    return Hands(cores=1, factor=FACTOR, counted="core time", clock=time.process_time)


class Trials:
    """Trials that were run, in a file."""

    def __init__(self, path: Path, hands: Hands) -> None:
        self.path, self.hands, self.about = path, hands, machine() | {"cores": hands.cores}
        self.done = {self._name(record["key"]): record for record in read_lines(path)}

    def run(self, pair: str, crops: Crops, settings: Settings, how: Round, seed: int) -> dict:
        """Return the record of a trial, which is run only if it is new."""
        key = self.key(pair, crops, settings, how, seed)
        name = self._name(key)
        if name not in self.done:
            record = {"key": key} | self._run(pair, crops, settings, how, seed)
            add_line(self.path, record)
            self.done[name] = record
            print(f"{pair} {settings}, {how.seconds:g} s, seed {seed}: {record['validation']}")
        return self.done[name]

    def key(self, pair: str, crops: Crops, settings: Settings, how: Round, seed: int) -> dict:
        """Return everything that decides what a trial gives."""
        network = {"channels": peers.CHANNELS, "strides": peers.STRIDES}
        network |= {"residual_units": peers.RESIDUAL_UNITS}
        given = {"pair": pair, "crops": crops.identity, "network": network, "seed": seed}
        clock = {"seconds": how.seconds * self.hands.factor, "counted": self.hands.counted}
        points = {"points": how.points, "tested": how.tested}
        return given | asdict(settings) | clock | points | {"machine": self.about}

    def _run(self, pair: str, crops: Crops, settings: Settings, how: Round, seed: int) -> dict:
        others, seconds = Others(), how.seconds * self.hands.factor
        curve = run(
            pair,
            crops,
            settings,
            seconds,
            seed,
            points=how.points,
            tested=how.tested,
            clock=self.hands.clock,
        )
        best = min(curve.points, key=lambda point: _or_worst(point[1]))
        errors = [value if math.isfinite(value) else None for value in best[1:]]
        record = dict(zip(("validation", "test"), errors, strict=False))
        return record | {"best_at": round(best[0], 1), "others": others.share()}

    @staticmethod
    def _name(key: dict) -> str:
        return json.dumps(key, sort_keys=True)


def _or_worst(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.inf


def choose(trials: Trials, pair: str, crops: Crops, rounds: tuple[Round, ...]) -> dict:
    """Return the choice for a pair on a cohort."""
    alive = [
        Settings(batch=b, rate=r, schedule=s) for b, r, s in product(BATCHES, RATES, SCHEDULES)
    ]
    for how in rounds:
        scored = []
        for settings in alive[: how.settings]:
            found = [trials.run(pair, crops, settings, how, seed) for seed in range(how.seeds)]
            scored.append((fmean(_or_worst(r["validation"]) for r in found), settings, found))
        scored.sort(key=lambda entry: entry[0])
        alive = [settings for _, settings, _ in scored]
    validation, settings, found = scored[0]
    return {
        "settings": asdict(settings),
        "validation": validation,
        "test": fmean(record["test"] for record in found),
        "second": {"settings": asdict(scored[1][1]), "validation": scored[1][0]},
        "seeds": how.seeds,
        "seconds": how.seconds * trials.hands.factor,
        "counted": trials.hands.counted,
        "machine": trials.about,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", nargs="+", default=COHORTS, choices=COHORTS)
    parser.add_argument("--pairs", nargs="+", default=PAIRS, choices=PAIRS)
    parser.add_argument("--core", type=int, help="run on this core alone, beside other work")
    parser.add_argument("--smoke", action="store_true", help="three settings, a second each")
    given = parser.parse_args()
    trials_path, tuned_path = TRIALS, TUNED
    if given.smoke:
        given.cohorts = ("mni",)
        trials_path, tuned_path = WORK / "smoke" / TRIALS.name, WORK / "smoke" / TUNED.name
    trials = Trials(trials_path, hands_of(given.core))
    for cohort in given.cohorts:
        crops = crops_of(cohort, smoke=given.smoke)
        if crops is None:
            print(f"no images of {cohort}: set LATENTOMICS_DATA")
            continue
        for pair in given.pairs:
            print(f"{cohort} {pair}", flush=True)
            choice = choose(trials, pair, crops, SMOKE if given.smoke else ROUNDS)
            found = json.loads(tuned_path.read_text()) if tuned_path.is_file() else {}
            found[f"{cohort}/{pair}"] = choice
            tuned_path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
