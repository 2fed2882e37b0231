"""Run every benchmark, interleaved, and write results.json, results.md and results.png.

In: options. Out: files beside this script. In each repeat every job runs once, rivals one after the
other, so that a slow minute of the machine hits all of them. Each measurement is one line of
records.jsonl, known by its command, its repeat, the machine and the rivals' versions: a run that
was stopped goes on where it was, on another day too, and ``--fresh`` begins anew.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import summary
import table
from jobs import KINDS, Asked, Job, jobs_of, tuning
from machine import Others, machine, revision
from peers import RACE_SECONDS
from places import HERE, RECORDS, WORK, add_line, read_lines

BUSY = 0.05  # share of the cores: other work beyond this is said beside the figures


class Log:
    """Measurements that were made, in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.about, self.lines = path, machine(), {}
        for line in read_lines(path):
            self.lines[json.dumps(line["key"], sort_keys=True)] = line

    def key(self, job: Job, repeat: int) -> dict:
        """Return what identifies a measurement."""
        name = {"job": job.name, "options": list(job.options), "repeat": repeat}
        return name | {"machine": self.about}

    def line(self, job: Job, repeat: int) -> dict | None:
        """Return a measurement, where it was made."""
        return self.lines.get(json.dumps(self.key(job, repeat), sort_keys=True))

    def add(self, job: Job, repeat: int, found: dict) -> None:
        """Keep a measurement."""
        line = {"key": self.key(job, repeat)} | found
        self.lines[json.dumps(line["key"], sort_keys=True)] = line
        add_line(self.path, line)


def measure(jobs: list[Job], repeats: int, log: Log, *, smoke: bool) -> None:
    """Run what is not in the log yet."""
    for repeat in range(repeats):
        for job in jobs:
            if log.line(job, repeat) is not None:
                continue
            begin, others = time.perf_counter(), Others()
            record = job.run(repeat, smoke=smoke)
            share = others.share()
            found = {"revision": revision(), "others": share, "record": record}
            log.add(job, repeat, found)
            busy = f", beside other work on {share:.0%} of the cores" if share > BUSY else ""
            print(f"{repeat} {job.name}: {time.perf_counter() - begin:.0f} s{busy}", flush=True)


def write(out: Path, log: Log, asked: Asked, repeats: int) -> None:
    """Write the results of all kinds that the log holds."""
    lines = {
        job.name: [line for repeat in range(repeats) if (line := log.line(job, repeat))]
        for job in jobs_of(asked)
    }
    records = {name: [line["record"] for line in found] for name, found in lines.items()}
    every = [line for found in lines.values() for line in found]
    about = log.about | {
        "latentomics": ", ".join(sorted({line["revision"] for line in every})),
        "most other work": f"{max((line['others'] for line in every), default=0.0):.0%}",
    }
    rows = summary.rows_of(records, tuning())
    summary.write_json(out / "results.json", about, rows)
    (out / "results.md").write_text(table.markdown(about, rows, smoke=asked.smoke))
    table.picture(out / "results.png", rows, smoke=asked.smoke)
    print((out / "results.md").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=list(KINDS), help="beginnings of names: step, race/mni"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer-seconds", type=float, default=RACE_SECONDS, help="of a peer's race")
    parser.add_argument("--our-seconds", type=float, default=40.0, help="of our race")
    parser.add_argument("--fresh", action="store_true", help="forget earlier measurements")
    parser.add_argument("--smoke", action="store_true", help="tiny shapes, once: does all run?")
    given = parser.parse_args()
    out, path = (WORK / "smoke", WORK / "smoke" / RECORDS.name) if given.smoke else (HERE, RECORDS)
    out.mkdir(parents=True, exist_ok=True)
    if given.fresh or given.smoke:
        path.unlink(missing_ok=True)
    seconds = (2.0, 2.0) if given.smoke else (given.peer_seconds, given.our_seconds)
    asked = Asked(peer_seconds=seconds[0], our_seconds=seconds[1], smoke=given.smoke)
    repeats, log = 1 if given.smoke else given.repeats, Log(path)
    jobs = [job for job in jobs_of(asked) if job.name.startswith(tuple(given.only))]
    if not jobs:
        parser.error(f"--only {' '.join(given.only)}: kinds are {', '.join(KINDS)}")
    measure(jobs, repeats, log, smoke=given.smoke)
    write(out, log, asked, repeats)


if __name__ == "__main__":
    main()
