"""A study's pieces, each written down as soon as it is done and never done twice.

In: what decides a piece, as plain values, and a function that does it. Out: its record, from the
file of records where it stands already. Records lie in ``benchmarks/work``, one JSON line a piece;
``markdown`` makes a table of them.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from places import WORK, add_line, read_lines


class Study:
    """Pieces that were done, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = {_name(record["key"]): record for record in read_lines(path)}

    def piece(self, key: dict, do: Callable[[], dict]) -> dict:
        """Return the record of a piece, which is done only if it is new."""
        name = _name(key)
        if name not in self.done:
            begun = time.perf_counter()
            record = {"key": key} | do()
            give_back()
            record["wall_s"] = round(time.perf_counter() - begun, 1)
            add_line(self.path, record)
            self.done[name] = record
            print(f"{record['wall_s']:7.1f} s  {name}", file=sys.stderr, flush=True)
        return self.done[name]


def give_back() -> None:
    """Hand freed memory back to the system; malloc of glibc keeps what a peak has taken."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def options(about: str | None, name: str) -> argparse.ArgumentParser:
    """Return a parser with what every study takes."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--brief", action="store_true", help="a rehearsal: figures mean nothing")
    parser.add_argument("--records", type=Path, help="file of records, in place of the usual one")
    parser.set_defaults(name=name)
    return parser


def study_of(given: argparse.Namespace) -> Study:
    """Return the study that a command line asks for; a rehearsal keeps records of its own."""
    name = f"{given.name}-brief" if given.brief else given.name
    return Study(given.records or WORK / "studies" / f"{name}.jsonl")


def data_folder() -> Path:
    """Return the folder of real cohorts, or end with a sentence."""
    folder = os.environ.get("LATENTOMICS_DATA")
    if not folder:
        raise SystemExit("set LATENTOMICS_DATA to the folder of the cohorts")
    return Path(folder)


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; floats with four digits."""
    lines = [[_cell(value) for value in row] for row in ((*head,), ("---",) * len(head), *rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean_and_range(values: Sequence[float], digits: int = 3) -> str:
    """Return the mean of seeds, and their range."""
    low, high = (f"{one:.{digits}g}" for one in (min(values), max(values)))
    middle = f"{sum(values) / len(values):.{digits}g}"
    return middle if low == high else f"{middle} ({low} to {high})"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _name(key: dict) -> str:
    return json.dumps(key, sort_keys=True)
