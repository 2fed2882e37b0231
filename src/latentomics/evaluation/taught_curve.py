"""Encoders trained on few labels: which rows each is given, and the curve of what they say.

In: a label and the split of a probe; then the scores of every training. Out: nested subsets of the
labelled patients, the first draws of those that the probe is fitted on; and their curve. A fifth of
the patients of a subset stop the training, so that no label beyond the subset is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray, IntArray
from latentomics.evaluation.label_curve import counts_to
from latentomics.evaluation.labels import (
    DRAWS,
    SEEDS,
    TAUGHT,
    Curves,
    labelled_patients,
    resampled_by,
    subsets_of,
)
from latentomics.evaluation.scoring import LabelLike, Part, Truth, truth_of

TAUGHT_DRAWS = 5  # of the labelled patients: each point takes that many trainings
TAUGHT_COUNTS = 4  # numbers of labelled patients, the fewest and all among them
STOPPING = 5  # one patient of so many says when to stop


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """The labelled rows of one training, and those that say when to stop."""

    labelled: int  # patients, of both
    train: IntArray
    stop: IntArray


def lessons(label: LabelLike, part: Part, patients: IntArray, *, seed: int = 0) -> list[Lesson]:
    """Return the trainings of a curve, one number of labelled patients after the other."""
    truth = truth_of(label)
    counts = counts_to(labelled_patients(label, part, patients))
    found = list(subsets_of(truth, part, patients, counts, SEEDS, seed).items())
    places = np.linspace(0, len(found) - 1, min(TAUGHT_COUNTS, len(found))).round().astype(int)
    return [
        _lesson(truth, rows, patients, found[place][0])
        for place in places
        for rows in found[place][1][:TAUGHT_DRAWS]
    ]


def taught_curve(
    label: LabelLike,
    part: Part,
    patients: IntArray,
    scores: Mapping[int, Sequence[DoubleArray]],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Curves:
    """Return the curve of trained encoders.

    Parameters
    ----------
    scores : mapping of int to sequence of DoubleArray of shape (n,)
        Of every draw, by the number of labelled patients; of test rows alone.
    """
    scale = resampled_by(truth_of(label), part, patients, TAUGHT_DRAWS, seed, draws)
    figures = [scale.figure(each) for each in scores.values()]
    return Curves(
        metric=scale.name,
        counts=tuple(scores),
        values={TAUGHT: np.stack(figures, axis=1)},
        scored=scale.scored,
        seeds=TAUGHT_DRAWS,
    )


def _lesson(truth: Truth, rows: IntArray, patients: IntArray, labelled: int) -> Lesson:
    """Hold out every fifth patient of each class (of a quantity: of each half), one at least."""
    values = truth.columns[rows, 0]
    upper = values > np.median(values) if truth.kind == "continuous" else values.astype(bool)
    who, first, place = np.unique(patients[rows], return_index=True, return_inverse=True)
    positive = np.zeros(len(who), dtype=bool)
    np.logical_or.at(positive, place, upper)
    stop = np.zeros(len(who), dtype=bool)
    for side in (positive, ~positive):
        own = np.flatnonzero(side)[np.argsort(first[side])]  # in the order of the draw
        chosen = own[STOPPING - 1 :: STOPPING]
        stop[chosen if len(chosen) else own[-1:]] = True
    return Lesson(labelled=labelled, train=rows[~stop[place]], stop=rows[stop[place]])
