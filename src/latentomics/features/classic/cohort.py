"""Classic features of a cohort: every case once, on all cores, from the cache where it is known.

In: cases with masks and settings. Out: columns in the order of the cases, not a number where a case
could not be measured, and who that was. A cached row is the sha256 of its bytes and the bytes; one
that is not what was written is measured again (PROMISES T7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from latentomics.core import (
    Case,
    CaseError,
    DoubleArray,
    Rejection,
    content_hash,
    map_cases,
    write_atomic,
)
from latentomics.dataset import content_of
from latentomics.features.classic.extract import classic_names, measure_region
from latentomics.features.classic.mesh import tables_of
from latentomics.features.classic.region import region_of
from latentomics.features.table import Columns
from latentomics.planning import Classic
from latentomics.sources import read_case, rejection_of

VERSION = 1  # of the features; raise it when the same settings give other values
TIMEOUT_S = 120.0
DIGEST = 32  # bytes of a sha256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classified:
    """Columns of all cases, and the cases that could not be measured."""

    columns: Columns
    rejected: tuple[Rejection, ...]


def measure_classic(
    cases: Sequence[Case],
    settings: Classic,
    dimension: int,
    *,
    cache: Path | None = None,
    workers: int | None = None,
    memory_bytes: int | None = None,
    on_done: Callable[[object], None] | None = None,
) -> Classified:
    """Measure every case; those without a mask, or without a voxel that counts, are named.

    Parameters
    ----------
    cases : sequence of Case
        In the order that the rows take.
    dimension : int
        Of the images.
    cache : Path, optional
        A folder shared by any number of runs and processes.
    workers, memory_bytes
        See ``map_cases``.
    """
    names = classic_names(dimension)
    values = np.full((len(cases), len(names)), np.nan)
    rejected = []
    if dimension == 3:
        tables_of()  # derived once: forked workers share it
    outcomes = map_cases(
        partial(_row, settings, cache, dimension),
        cases,
        name=lambda case: case.id,
        workers=workers,
        timeout_s=TIMEOUT_S,
        memory_bytes=memory_bytes,
        on_done=on_done,
    )
    for number, outcome in enumerate(outcomes):
        if outcome.value is not None:
            values[number] = outcome.value
        elif outcome.error is not None:
            rejected.append(rejection_of(cases[number], outcome.error))
    return Classified(columns=Columns(names=names, values=values), rejected=tuple(rejected))


def _row(settings: Classic, cache: Path | None, dimension: int, case: Case) -> DoubleArray:
    if cache is None:
        return _measured(case, settings, dimension)
    try:
        key = content_hash(
            {"case": content_of(case), "classic": settings.model_dump(), "version": VERSION}
        )
    except OSError:  # the reader says it best
        return _measured(case, settings, dimension)
    path = cache / "classic" / key[:2] / key
    row = _read(path, len(classic_names(dimension)))
    if row is None:
        row = _measured(case, settings, dimension)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = row.astype("<f8").tobytes()
        write_atomic(path, hashlib.sha256(content).digest() + content, durable=False)
    return row


def _measured(case: Case, settings: Classic, dimension: int) -> DoubleArray:
    acquisition, mask = read_case(case)
    where = f"case {case.id}"
    if mask is None:
        raise CaseError("it has no mask", where, "draw one, or leave the case out", "mask_missing")
    if mask.values.ndim != dimension:
        raise CaseError(
            f"it is {mask.values.ndim}-D in a cohort of {dimension}-D images",
            where,
            "put images of another kind into a manifest of their own",
            "dimension",
        )
    return measure_region(region_of(acquisition, mask, settings, where))


def _read(path: Path, length: int) -> DoubleArray | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, values = content[:DIGEST], content[DIGEST:]
    if len(values) != 8 * length or hashlib.sha256(values).digest() != digest:
        return None
    return np.frombuffer(values, "<f8").astype(np.float64)
