"""Scores of linear models for a label, measured: what probes and site evaluations share.

In: a label, one or several parts (a train/test split, or folds whose features were each made
without the scored patients), and named sets of feature blocks. Out: scores (repetitions, n,
columns) of rows that no fitting saw (PROMISES L2), and each metric on them and on resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray, IntArray
from latentomics.evaluation import statistics
from latentomics.evaluation.calibration import calibration
from latentomics.evaluation.linear import COMPONENTS, Block, design, logistic_scores, ridge_scores

FEWEST_CONTINUOUS = 10  # labelled training patients


class LabelLike(Protocol):
    """What a probe reads of a label; ``sources.Label`` is one."""

    @property
    def name(self) -> str:
        """Its name in records."""

    @property
    def kind(self) -> str:
        """One of binary, continuous and classes."""

    @property
    def values(self) -> Sequence[float | str | None]:
        """One a case, None where unknown."""

    @property
    def positive(self) -> str | None:
        """The positive value of a binary label; None: the larger one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One split of the cohort, with the features its training rows gave.

    Attributes
    ----------
    train, test : IntArray
        Rows that fit, rows that are scored.
    blocks : mapping of str to sequence of arrays of shape (n, d)
        Every set of features as blocks over all rows of the cohort.
    """

    train: IntArray
    test: IntArray
    blocks: Mapping[str, Sequence[Block]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """A label as columns: (n, columns) of bool or float, and which rows have it."""

    name: str
    kind: str
    columns: npt.NDArray[Any]
    known: BoolArray
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Scores of one set of features: (repetitions, n, columns), and how they came about."""

    values: DoubleArray
    strengths: tuple[float, ...]
    columns: int  # features the model saw

    def apart(self) -> list[Scored]:
        """Return each repetition by itself."""
        return [replace(self, values=one[None]) for one in self.values]


def truth_of(label: LabelLike) -> Truth:
    """Return a label as columns: one for a binary or continuous label, one a class for classes."""
    known = np.array([value is not None and value == value for value in label.values])
    given = [v for v in label.values if v is not None and v == v]
    if label.kind == "continuous":
        columns = np.full((len(known), 1), np.nan)
        columns[known, 0] = [float(value) for value in given]
        return Truth(name=label.name, kind=label.kind, columns=columns, known=known, classes=())
    distinct = sorted(set(given), key=_order)
    if label.kind == "binary":
        distinct = ([v for v in distinct if _same(v, label.positive)] or distinct)[-1:]
    truth = np.zeros((len(known), len(distinct)), dtype=bool)
    truth[known] = [[value == one for one in distinct] for value in given]
    names = tuple(str(one) for one in distinct)
    return Truth(name=label.name, kind=label.kind, columns=truth, known=known, classes=names)


def probeable(truth: Truth, parts: Sequence[Part], patients: IntArray) -> bool:
    """Whether each part has two patients of every class to fit on, and the label varies."""
    scored = truth.columns[scored_rows(truth, parts)]
    trains = [part.train[truth.known[part.train]] for part in parts]
    if truth.kind == "continuous":
        fewest = min(len(np.unique(patients[rows])) for rows in trains)
        return fewest >= FEWEST_CONTINUOUS and len(scored) > 1 and bool(np.ptp(scored) > 0)
    if truth.columns.shape[1] < (1 if truth.kind == "binary" else 2):
        return False
    sides = [
        rows[column[rows] == side]
        for rows in trains
        for column in truth.columns.T
        for side in (True, False)
    ]
    enough = min(len(np.unique(patients[rows])) for rows in sides) >= 2
    return enough and bool((scored.any(axis=0) & ~scored.all(axis=0)).all())


def score_sets(
    truth: Truth,
    parts: Sequence[Part],
    patients: IntArray,
    *,
    seed: int,
    components: int = COMPONENTS,
) -> dict[str, Scored]:
    """Fit on the training rows of each part and score its test rows, for every set of features.

    Returns
    -------
    dict of str to Scored
        Repetitions (``name/seed``) stacked under their common name; NaN where a row is not scored.
    """
    by_set: dict[str, list[Scored]] = {}
    for name in parts[0].blocks:
        values = np.full((1, *truth.columns.shape), np.nan)
        strengths, columns = [], 0
        for part in parts:
            train = part.train[truth.known[part.train]]
            features = design(part.blocks[name], part.train, components)
            columns = features.shape[1]
            for column, known in enumerate(truth.columns.T):
                if truth.kind == "continuous":
                    scores, strength = ridge_scores(features, known, train, patients, seed)
                else:
                    (scores,), (strength,) = logistic_scores(
                        features, known, [train], patients, seed
                    )
                values[0, part.test, column] = scores[part.test]
                strengths.append(strength)
        scored = Scored(values=values, strengths=tuple(strengths), columns=columns)
        by_set.setdefault(name.split("/")[0], []).append(scored)
    return {name: _stack(several) for name, several in by_set.items()}


def scored_rows(truth: Truth, parts: Sequence[Part]) -> IntArray:
    """Return the labelled rows that the parts score, one after the other."""
    return np.concatenate([part.test[truth.known[part.test]] for part in parts])


def prior_odds(truth: Truth, parts: Sequence[Part]) -> DoubleArray:
    """Return the log odds of each class among the training rows that score a row, (n, columns).

    Scores of a class lie above them; NaN where a row is not scored.
    """
    odds = np.full(truth.columns.shape, np.nan)
    for part in parts:
        seen = truth.columns[part.train[truth.known[part.train]]].mean(axis=0)
        odds[part.test] = np.log(seen / (1 - seen))
    return odds


def measure(
    truth: Truth,
    scored: Scored,
    rows: IntArray,
    weights: DoubleArray,
    priors: DoubleArray | None = None,
) -> dict[str, DoubleArray]:
    """Return each metric by name, the main one first, as (draws,) for each row of weights.

    Repetitions and classes are averaged after measuring.

    Parameters
    ----------
    weights : DoubleArray of shape (draws, rows)
    priors : DoubleArray of shape (n, columns), optional
        Those of ``prior_odds``: with them, calibration is measured too.
    """
    each = []
    for one in scored.values:
        for column in range(truth.columns.shape[1]):
            scores, known = one[rows, column], truth.columns[rows, column]
            if truth.kind == "continuous":
                each.append(statistics.continuous(scores, known, weights))
                continue
            found = statistics.binary(scores, known, weights)
            if priors is not None:
                found |= calibration(scores + priors[rows, column], known, weights)
            each.append(found)
    return {name: np.mean([found[name] for found in each], axis=0) for name in each[0]}


def points(
    truth: Truth, scored: Scored, rows: IntArray, priors: DoubleArray | None = None
) -> dict[str, float]:
    """Return each metric on the rows."""
    measured = measure(truth, scored, rows, np.ones((1, len(rows))), priors)
    return {name: float(values[0]) for name, values in measured.items()}


def _stack(several: Sequence[Scored]) -> Scored:
    return Scored(
        values=np.concatenate([one.values for one in several]),
        strengths=tuple(strength for one in several for strength in one.strengths),
        columns=several[0].columns,
    )


def _order(value: float | str) -> tuple[bool, float | str]:
    return isinstance(value, str), value


def _same(value: float | str, positive: str | None) -> bool:
    if positive is None:
        return False
    try:
        return float(value) == float(positive)
    except ValueError:
        return str(value) == positive
