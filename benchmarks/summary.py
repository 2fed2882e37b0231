"""From the records of all repeats to one row a comparison.

In: records by job name, in the order of the repeats, and the tuning. Out: rows with medians,
ranges, the ratio and the goal; ``won`` is False where ours is not ahead, and such a row stays in
the table. A ratio is the median of the repeats' own ratios, because rivals ran beside each other in
each repeat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from curve import reached

Records = Mapping[str, Sequence[dict]]
GOALS = {"prepare/roi": 10.0, "classic": 3.0, "shift": 100.0, "race": 5.0, "peak": 0.4}
STEP_GOAL = {True: 2.4, False: 1.3}  # with and without fast bfloat16
AGREE = 1e-3  # of a range of 1 (MR) or 2 (CT), median: TorchIO cuts off what lies below one HU
EVALUATION_SECONDS = 60.0  # at most, of the smallest table
LONGEST = 3  # evaluations that are named
FAST = 1.5  # times the float32 peak, from which hardware counts as having bfloat16


def _row(name: str, rival: str, ours: list, theirs: list, goal: float | None) -> dict:
    ratios = [them / us for us, them in zip(ours, theirs, strict=False)]
    return {
        "comparison": name,
        "against": rival,
        "ours": median(ours),
        "theirs": median(theirs),
        "ratio": median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "repeats": len(ratios),
        "goal": goal,
        "won": median(ratios) > 1.0,
        "goal_met": None if goal is None else median(ratios) >= goal,
    }


def _seconds(records: Sequence[dict]) -> list[float]:
    return [record["seconds"] for record in records]


def prepare_rows(records: Records) -> list[dict]:
    """Return seconds for all cases, and how far the values lie apart."""
    rows = []
    for task in ("roi", "pose"):
        ours = records.get(f"prepare/{task}/ours", [])
        for rival in ("monai", "torchio"):
            theirs = records.get(f"prepare/{task}/{rival}", [])
            if not ours or not theirs:
                continue
            seconds = _seconds(ours), _seconds(theirs)
            row = _row(f"prepare/{task}", rival, *seconds, GOALS.get(f"prepare/{task}"))
            apart = max((r["apart"] for r in theirs), key=lambda found: found["median"])
            agree = apart["median"] <= AGREE
            row["goal_met"] = row["goal_met"] and agree
            rows.append(row | {"apart": apart, "agree": agree, "cases": ours[0]["cases"]})
    return rows


def classic_rows(records: Records) -> list[dict]:
    """Return seconds of one core for the classic features of one case."""
    return _rows_by_size(records, "classic", "pyradiomics", "PyRadiomics")


def shift_rows(records: Records) -> list[dict]:
    """Return seconds of one core for the permutations of two sites."""
    return _rows_by_size(records, "shift", "loop", "plain loop")


def evaluation_rows(records: Records) -> list[dict]:
    """Return seconds of one core for all evaluations: the aim, and then growth beside linear."""
    jobs = [name for name in records if name.startswith("evaluation/") and records[name]]
    rows: list[dict] = []
    before: Sequence[dict] = []
    for job in sorted(jobs, key=lambda name: int(name.split("/")[1])):
        found = records[job]
        against, theirs = f"{EVALUATION_SECONDS:g} s", [EVALUATION_SECONDS] * len(found)
        if before:
            times = found[0]["cases"] / before[0]["cases"]
            against = f"{times:g} times that of {before[0]['cases']:,} cases"
            theirs = [times * seconds for seconds in _seconds(before)]
        longest = sorted(found[0]["by"].items(), key=lambda one: -one[1])[:LONGEST]
        row = _row(job.rsplit("/", 1)[0], against, _seconds(found), theirs, 1.0)
        rows.append(row | {"longest": longest, "megabytes": found[0]["megabytes"]})
        before = found
    return rows


def _rows_by_size(records: Records, kind: str, rival: str, title: str) -> list[dict]:
    names = {job.rsplit("/", 1)[0] for job in records if job.startswith(f"{kind}/")}
    rows = []
    for name in sorted(names, key=lambda name: int(name.split("/")[1])):
        ours, theirs = (records.get(f"{name}/{who}", []) for who in ("ours", rival))
        if ours and theirs:
            seconds = _seconds(ours), _seconds(theirs)
            rows.append(_row(name, title, *seconds, GOALS[kind]))
    return rows


def step_rows(records: Records) -> list[dict]:
    """Return seconds of a step of the peer's network."""
    rows = []
    for network in ("autoencoder", "varautoencoder"):
        plain = records.get(f"step/{network}/plain", [])
        for who in ("ours", "ours-channels-last"):
            ours = records.get(f"step/{network}/{who}", [])
            if not ours or not plain:
                continue
            seconds = _seconds(ours), _seconds(plain)
            goal = STEP_GOAL[_has_bfloat16(records, ours)] if who == "ours" else None
            name = f"step/{network}" + who.removeprefix("ours").replace("-", " ", 1)
            row = _row(name, "plain float32 loop", *seconds, goal)
            rows.append(row | {"precision": [r["precision"] for r in ours]})
    return rows


def _has_bfloat16(records: Records, ours: Sequence[dict]) -> bool:
    """Judge by the measured peaks; without them by what our trainer found faster."""
    half, full = (records.get(f"peak/{p}/ours", []) for p in ("bfloat16", "float32"))
    if half and full:
        peaks = [median(r["peak_gflops"] for r in found) for found in (half, full)]
        return peaks[0] > FAST * peaks[1]
    return ours[0]["precision"] == "bfloat16"


def peak_rows(records: Records) -> list[dict]:
    """Return the share of the matmul peak."""
    rows = []
    for precision in ("float32", "bfloat16"):
        found = records.get(f"peak/{precision}/ours", [])
        if found:
            shares = [r["share"] for r in found]
            rows.append(
                {
                    "comparison": f"peak/{precision}",
                    "against": "matmul peak",
                    "ours": median(r["step_gflops"] for r in found),
                    "theirs": median(r["peak_gflops"] for r in found),
                    "ratio": median(shares),
                    "low": min(shares),
                    "high": max(shares),
                    "repeats": len(shares),
                    "goal": GOALS["peak"],
                    "won": None,
                    "goal_met": median(shares) >= GOALS["peak"],
                }
            )
    return rows


def race_rows(records: Records, tuning: Mapping[str, dict]) -> list[dict]:
    """Return wall times to the same held-out error: the peer's own final one.

    The target of a repeat is the test error that the peer holds at the end of its time, and its
    time is when it first held that. A run of ours that never gets there counts as a loss, with the
    time that it had as a lower bound.
    """
    rows = []
    for name in sorted({job.rsplit("/", 1)[0] for job in records if job.startswith("race/")}):
        pairs = list(zip(records.get(f"{name}/ours", []), records.get(f"{name}/peer", [])))  # noqa: B905
        if not pairs:
            continue
        targets = [peer["held"][-1][1] for _, peer in pairs]
        theirs = [reached(peer["held"], t) for (_, peer), t in zip(pairs, targets, strict=True)]
        ours = [reached(our["held"], t) for (our, _), t in zip(pairs, targets, strict=True)]
        bounded = [
            time if time is not None else our["held"][-1][0]
            for time, (our, _) in zip(ours, pairs, strict=True)
        ]
        row = _row(name, "MONAI", bounded, theirs, GOALS["race"])
        missed = ours.count(None)
        if missed * 2 >= len(ours):
            row |= {"won": False, "goal_met": False}
        rows.append(
            row
            | {
                "not_reached": missed,
                "target": median(targets),
                "our_final_error": median(our["held"][-1][1] for our, _ in pairs),
                "peer_settings": tuning.get(name.removeprefix("race/"), {}).get("settings"),
            }
        )
    return rows


def rows_of(records: Records, tuning: Mapping[str, dict]) -> list[dict]:
    """Return every row."""
    makers = (step_rows, peak_rows, prepare_rows, classic_rows, shift_rows, evaluation_rows)
    return race_rows(records, tuning) + [row for maker in makers for row in maker(records)]


def write_json(path: Path, machine: dict, rows: list[dict]) -> None:
    """Write the results."""
    path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
