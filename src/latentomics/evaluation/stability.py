"""Stability: whether a feature gives the same number when a case is measured again.

In: features (cases, ways, columns) of cases that were measured in several ways, or pairs of a test
and its retest. Out: records of the agreement ICC(A,1): its median over features and the share of
features whose lower 95 % limit exceeds .75 and .9 (METHODS, section 26). Features that never vary
count as not stable, and how many there are is stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import statistics
from latentomics.evaluation.agreement import (
    icc_agreement,
    icc_agreement_value,
    icc_one_way,
    within_subject_sd,
)

GOOD, EXCELLENT = 0.75, 0.9
ZWANENBURG = 0.9  # of ICC(1,1), their robust features
DRAWS = 500
FEWEST = 5  # subjects
NORMAL_95 = 1.959964
LOWEST, HIGHEST = -1 + 2.0**-24, 1 - 2.0**-24
Values = npt.NDArray[np.floating]


def stability(
    features: str,
    names: Sequence[str],
    values: Values,
    patients: IntArray,
    *,
    target: str,
    detail: bool = False,
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
) -> list[Result]:
    """Report the agreement of features of cases measured again.

    Parameters
    ----------
    values : array of shape (cases, ways, columns)
        The first way is the case as it is.
    patients : IntArray of shape (cases,)
    target : str
        How it was measured again: chained, rotation, ..., or retest.
    detail : bool
        Whether shares are reported too, and the records hold every feature's value and limits.
    settings : mapping, optional
        What is said besides.

    Returns
    -------
    list of Result
        Metrics ``icc_median`` (interval over patients), ``share_above_075``, ``share_above_090``
        (of lower limits) and ``share_one_way_090`` (of values of ICC(1,1)). Empty with fewer than
        five cases.
    """
    n, ways, columns = values.shape
    if n < FEWEST or columns == 0:
        return []
    table = np.asarray(values, np.float64)
    icc, low, high = icc_agreement(table)
    shared: dict[str, object] = {
        "scored": "test",
        "cases": n,
        "ways": ways,
        "columns": columns,
        "constant": int(np.isnan(icc).sum()),
        **(settings or {}),
    }
    each = {
        "names": list(names),
        "icc": _plain(icc),
        "low": _plain(low),
        "high": _plain(high),
        "sd_within": _plain(within_subject_sd(table[:, 0], table[:, -1])) if ways == 2 else [],
    }
    number = len(np.unique(patients))

    def record(metric: str, value: float, **more: Any) -> Result:
        ends = {"low": None, "high": None} | more.pop("ends", {})
        return Result(evaluation="stability", features=features, target=target, metric=metric,
                      value=value, n=number, settings={**shared, **more}, **ends)  # fmt: skip

    ends = _ends(table, _median(icc), patients, seed)
    resampled = f"95 %, Fisher z, {DRAWS} resamples of patients"
    if not detail:
        return [record("icc_median", _median(icc), ends=ends, interval=resampled)]
    return [
        record("icc_median", _median(icc), ends=ends, interval=resampled, by_feature=each),
        record("share_above_075", _share(low, GOOD), rule="lower 95 % limit above .75"),
        record("share_above_090", _share(low, EXCELLENT), rule="lower 95 % limit above .9"),
        record("share_one_way_090", _share(icc_one_way(table), ZWANENBURG), rule="ICC(1,1) >= .9"),
    ]


def retest_pairs(cases: Sequence[str], retest_of: Sequence[str | None]) -> list[tuple[int, int]]:
    """Return the rows of each test and its retest."""
    place = {case: row for row, case in enumerate(cases)}
    return [
        (place[first], row)
        for row, first in enumerate(retest_of)
        if first is not None and first in place
    ]


def _ends(
    table: DoubleArray, median: float, patients: IntArray, seed: int
) -> dict[str, float | None]:
    """Return the limits of the median by the spread of its Fisher z over resamples.

    Percentiles of resamples would lie too low: a case drawn twice differs from itself by nothing,
    so few patients seem to differ less than they do.
    """
    weights = statistics.resample_patients(patients, DRAWS, seed).astype(np.int64)
    medians = [
        _median(icc_agreement_value(table[np.repeat(np.arange(len(w)), w)])) for w in weights
    ]
    spread = float(np.std(_fisher(medians), ddof=1))
    if not np.isfinite(spread):
        return {"low": None, "high": None}
    low, high = np.tanh(_fisher([median]) + NORMAL_95 * spread * np.array([-1.0, 1.0]))
    # z stands for the nearest value below 1, which is then not outside its own limits
    return {"low": min(float(low), median), "high": max(float(high), median)}


def _fisher(icc: Sequence[float]) -> DoubleArray:
    """Return z of agreements; one of 1 counts as the nearest below that float32 tells."""
    z: DoubleArray = np.arctanh(np.clip(icc, LOWEST, HIGHEST))
    return z


def _median(icc: DoubleArray) -> float:
    """Return the median, features without agreement counted as the worst."""
    ordered = np.sort(np.where(np.isnan(icc), -np.inf, icc))
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return float(middle) if np.isfinite(middle) else float("nan")


def _share(values: DoubleArray, limit: float) -> float:
    return float((np.nan_to_num(values, nan=-1.0) > limit).mean())


def _plain(values: DoubleArray) -> list[float | None]:
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]
