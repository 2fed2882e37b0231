"""One row a patient, of a table with a row a case.

In: the patient of every row, and for two of the three ways a number of every row. Out: which rows
stand for each patient, and their means (one row stays what it is, to the byte).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray

Kind = TypeVar("Kind", bound=np.floating)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patients:
    """The patients of a table, in the order in which it names them first, and their rows."""

    names: tuple[str, ...]
    rows: tuple[IntArray, ...]  # that stand for each patient: all of its rows, or one


def patients_of(patients: Sequence[str], leading: DoubleArray | None = None) -> Patients:
    """Return the rows that stand for each patient.

    Parameters
    ----------
    patients : sequence of str
        Of every row.
    leading : DoubleArray of shape (rows,), optional
        The row with the largest number stands for a patient, of equal ones the first; without
        numbers all rows do.

    Examples
    --------
    >>> found = patients_of(["a", "b", "a"], np.array([1.0, 2.0, 3.0]))
    >>> found.names, [rows.tolist() for rows in found.rows]
    (('a', 'b'), [[2], [1]])
    """
    own: dict[str, list[int]] = {}
    for row, patient in enumerate(patients):
        own.setdefault(patient, []).append(row)
    every = [np.array(rows, np.int64) for rows in own.values()]
    if leading is not None:
        every = [rows[[int(np.argmax(leading[rows]))]] for rows in every]
    return Patients(names=tuple(own), rows=tuple(every))


def combined(values: npt.NDArray[Kind], patients: Patients) -> npt.NDArray[Kind]:
    """Return the mean of each patient's rows, (patients, columns), in the values' own precision.

    What is not a number is left out of a mean. The mean does not depend on the order of the rows.
    """
    found = np.empty((len(patients.rows), values.shape[1]), values.dtype)
    for number, rows in enumerate(patients.rows):
        ordered = np.sort(values[rows], axis=0).astype(np.float64)  # not a number comes last
        known = np.isfinite(ordered).sum(axis=0)
        total = np.where(np.isfinite(ordered), ordered, 0.0).sum(axis=0)
        found[number] = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return found
