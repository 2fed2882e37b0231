"""What the cohort's table says about cases, in the order that a picture needs.

In: the table of cohort.parquet and case ids. Out: values, groups and numbers a case.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.reading import RunFiles
from latentomics.report.words import number

CLASSES_AT_MOST = 10  # more distinct numbers than this are a quantity, not a class


def targets_of(files: RunFiles) -> tuple[str, ...]:
    """Return the columns of the cohort's table that hold targets."""
    if files.cohort is None:
        return ()
    return tuple(str(name) for name in files.cohort.columns if str(name).startswith("target_"))


def values_of(files: RunFiles, column: str, cases: Sequence[str]) -> list[object]:
    """Return a column's value for each case; None where it, or the case, is unknown."""
    table = files.cohort
    if table is None or column not in table.columns or "case" not in table.columns:
        return [None] * len(cases)
    known = dict(zip(table["case"].astype(str), table[column].tolist(), strict=True))
    return [_present(known.get(case)) for case in cases]


def column_of(files: RunFiles, column: str) -> list[object]:
    """Return all values of a column of the cohort's table; none where there is no such column."""
    if files.cohort is None or column not in files.cohort.columns:
        return []
    return [_present(value) for value in files.cohort[column].tolist()]


def as_numbers(values: Sequence[object]) -> DoubleArray | None:
    """Return a quantity as numbers (NaN unknown); None where the values are classes."""
    known = [value for value in values if value is not None]
    numeric = [float(v) for v in known if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numeric) < len(known) or len(set(numeric)) <= CLASSES_AT_MOST:
        return None
    return np.array([float("nan") if v is None else float(str(v)) for v in values])


def as_groups(values: Sequence[object]) -> tuple[str | None, ...]:
    """Return classes as words: 1.0 and 1 are the same class."""
    return tuple(None if value is None else word(value) for value in values)


def as_float(value: object) -> float:
    """Return a number of a file as float; NaN where it is none."""
    return float(value) if isinstance(value, (int, float)) else float("nan")


def word(value: object) -> str:
    """Return a target's value as people write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return number(value, 4) if isinstance(value, (int, float)) else str(value)


def strings(values: object) -> list[str]:
    """Return an array of names as a list of strings; nothing as an empty list."""
    return [] if values is None else [str(value) for value in np.atleast_1d(np.asarray(values))]


def _present(value: object) -> object:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return None if str(value) in ("<NA>", "NaT") else value
