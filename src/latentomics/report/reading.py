"""Read what a run folder holds; a file that is absent or damaged is left out, with the words why.

In: the run folder (DESIGN, section 7). Out: one record of plain data, a pandas table and the arrays
of ``pictures/data.npz``. Nothing here can execute code: YAML is loaded safely, arrays without
pickles.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import yaml

from latentomics.core import Rejection, RequestError, Result

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")
Plain = Mapping[str, object]
Arrays = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunFiles:
    """The contents of a run folder; ``missing`` maps a file's name to why it is not shown."""

    folder: Path
    plan: Plain
    cohort: DataFrame | None
    rejected: tuple[Rejection, ...]
    history: tuple[Plain, ...]
    results: tuple[Result, ...]
    verdict: tuple[Plain, ...]
    provenance: Plain
    check: Plain
    dictionary: tuple[Mapping[str, str], ...]
    pictures: Arrays
    missing: Mapping[str, str]

    @property
    def request(self) -> Plain:
        """What the user asked for."""
        request = self.plan.get("request")
        return request if isinstance(request, Mapping) else {}

    @property
    def demonstration(self) -> str | None:
        """The sentence of a demonstration; intervals would lie there and are left out."""
        sentence = self.request.get("demonstration")
        return str(sentence) if sentence else None

    def choice(self, key: str) -> object:
        """Return the value of one choice of the plan, None where there is none."""
        entry = self.plan.get(key)
        return entry.get("value") if isinstance(entry, Mapping) else None


def read_run(folder: Path) -> RunFiles:
    """Read every file that a report is made of.

    Raises
    ------
    RequestError
        When the folder does not exist or holds none of a run's files.
    """
    missing: dict[str, str] = {}

    def read(name: str, reader: Callable[[Path], T], otherwise: T) -> T:
        try:
            return reader(folder / name)
        except FileNotFoundError:
            missing[name] = f"{name} is not in the run folder"
        except _DAMAGE as error:
            missing[name] = f"{name} cannot be read: {_first_line(error)}"
        return otherwise

    files = RunFiles(
        folder=folder,
        plan=read("plan.yaml", _yaml, {}),
        cohort=read("cohort.parquet", _parquet, None),
        rejected=read("rejected.csv", _rejections, ()),
        history=read("history.jsonl", _lines, ()),
        results=read("results.json", _results, ()),
        verdict=read("verdict.json", _records, ()),
        provenance=read("provenance.json", _mapping, {}),
        check=read("check.json", _mapping, {}),
        dictionary=read("features_dictionary.csv", _rows, ()),
        pictures=read("pictures/data.npz", _arrays, {}),
        missing=missing,
    )
    if len(missing) == _FILES:
        raise RequestError(
            "this is not a run folder: it holds none of a run's files",
            str(folder),
            "give the folder that 'latentomics run' wrote",
        )
    return files


_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    csv.Error,
    yaml.YAMLError,
    zipfile.BadZipFile,
)
_FILES = 10


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _yaml(path: Path) -> Plain:
    return _as_mapping(yaml.safe_load(_text(path)))


def _mapping(path: Path) -> Plain:
    return _as_mapping(json.loads(_text(path)))


def _as_mapping(content: object) -> Plain:
    if not isinstance(content, Mapping):
        raise ValueError(f"expected names and values, found a {type(content).__name__}")
    return content


def _records(path: Path) -> tuple[Plain, ...]:
    content = json.loads(_text(path))
    if not isinstance(content, list):
        raise ValueError(f"expected a list, found a {type(content).__name__}")
    return tuple(_as_mapping(entry) for entry in content)


def _lines(path: Path) -> tuple[Plain, ...]:
    lines = [line for line in _text(path).splitlines() if line.strip()]
    entries = []
    for index, line in enumerate(lines):
        try:
            entries.append(_as_mapping(json.loads(line)))
        except ValueError:
            if index + 1 < len(lines):
                raise
            # a run that was killed may leave half of its last line; the others are whole
    return tuple(entries)


def _results(path: Path) -> tuple[Result, ...]:
    return tuple(_result(entry) for entry in _records(path))


def _result(entry: Plain) -> Result:
    names = {field.name for field in fields(Result)}
    if set(entry) != names:
        raise ValueError(f"a record has the keys {sorted(entry)}, expected {sorted(names)}")
    return Result(
        evaluation=str(entry["evaluation"]),
        features=str(entry["features"]),
        target=None if entry["target"] is None else str(entry["target"]),
        metric=str(entry["metric"]),
        value=_float(entry["value"]),
        low=None if entry["low"] is None else _float(entry["low"]),
        high=None if entry["high"] is None else _float(entry["high"]),
        n=int(_float(entry["n"])),
        settings=_as_mapping(entry["settings"]),
    )


def _float(value: object) -> float:
    if value is None:
        return float("nan")
    if not isinstance(value, (int, float)):
        raise ValueError(f"expected a number, found {value!r}")
    return float(value)


def _rows(path: Path) -> tuple[Mapping[str, str], ...]:
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened, restkey="", restval="")
        return tuple({key: str(row[key]) for key in row} for row in reader)


def _rejections(path: Path) -> tuple[Rejection, ...]:
    names = [field.name for field in fields(Rejection)]
    return tuple(Rejection(**{name: row[name] for name in names}) for row in _rows(path))


def _parquet(path: Path) -> DataFrame | None:
    import pandas

    return pandas.read_parquet(path)


def _arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
