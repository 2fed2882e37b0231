"""Run every benchmark, interleaved, and write results.json, results.md and results.png.

In: options. Out: files beside this script. In each repeat every job runs once, rivals one after the
other, so that a slow minute of the machine hits all of them. Each measurement is one line of
work/records.jsonl: a run that was killed goes on where it was, ``--fresh`` begins anew.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from pathlib import Path

import summary
import table
from jobs import KINDS, Job, jobs_of
from places import HERE, WORK, add_line, read_lines

MOST_LOAD = 0.5  # of a core: a busier machine measures its neighbours


def machine() -> dict:
    """Return what the figures belong to."""
    from importlib.metadata import version

    import torch

    model = "unknown processor"
    found = Path("/proc/cpuinfo")
    if found.is_file():
        lines = [line for line in found.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "monai", "torchio", "latentomics")},
    }


def measure(jobs: list[Job], repeats: int, log: Path, *, smoke: bool) -> dict[str, list[dict]]:
    """Run what is not in the log yet, and return all records by job."""
    done = {(line["job"], line["repeat"]): line["record"] for line in read_lines(log)}
    for repeat in range(repeats):
        for job in jobs:
            if (job.name, repeat) in done:
                continue
            begin = time.perf_counter()
            record = job.run(repeat, smoke=smoke)
            done[job.name, repeat] = record
            add_line(log, {"job": job.name, "repeat": repeat, "record": record})
            print(f"{repeat} {job.name}: {time.perf_counter() - begin:.0f} s", flush=True)
    records = defaultdict(list)
    for (name, _), record in sorted(done.items()):
        records[name].append(record)
    return dict(records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer-seconds", type=float, default=300.0, help="of a peer's race")
    parser.add_argument("--our-seconds", type=float, default=120.0, help="of our race")
    parser.add_argument("--fresh", action="store_true", help="forget earlier measurements")
    parser.add_argument("--smoke", action="store_true", help="tiny shapes, once: does all run?")
    given = parser.parse_args()
    out = WORK / "smoke" if given.smoke else HERE
    out.mkdir(parents=True, exist_ok=True)
    log = (WORK / "smoke" if given.smoke else WORK) / "records.jsonl"
    if given.fresh or given.smoke:
        log.unlink(missing_ok=True)
    repeats = 1 if given.smoke else given.repeats
    seconds = (1.0, 1.0) if given.smoke else (given.peer_seconds, given.our_seconds)
    busy = os.getloadavg()[0]
    if busy > MOST_LOAD and not given.smoke:
        print(f"the machine is busy (load {busy:.1f}): figures will be too large")
    jobs = jobs_of(given.only, *seconds, smoke=given.smoke)
    records = measure(jobs, repeats, log, smoke=given.smoke)
    rows, about = summary.rows_of(records), machine() | {"load_at_start": round(busy, 2)}
    summary.write_json(out / "results.json", about, rows)
    (out / "results.md").write_text(table.markdown(about, rows, smoke=given.smoke))
    table.picture(out / "results.png", rows)
    print((out / "results.md").read_text())


if __name__ == "__main__":
    main()
