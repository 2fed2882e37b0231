"""Label efficiency: how good the probe is when only few patients have a label.

In: features of one split, a label, and numbers of labelled patients. Out: one record for each set
of features and number, the mean over many draws of the labelled patients. The draws are nested: a
seed orders the training patients once, and a smaller number takes the first of a larger one.
Scaling and components use all training pictures, which need no label (METHODS, section 22).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation import statistics
from latentomics.evaluation.linear import COMPONENTS, design, logistic_scores, ridge_scores
from latentomics.evaluation.probe import default_comparisons
from latentomics.evaluation.scoring import FEWEST_CONTINUOUS, LabelLike, Part, Truth, truth_of

SEEDS = 20
DRAWS = 500
SCALING = "one scale a block, fitted on all training pictures, which needs no label"
WHO = "the labelled patients and of those scored"
TOGETHER = 2**24  # numbers of the curvatures that are held at once
RAW = "raw"  # all values of the samples: a block that stays as wide as it is
TAUGHT = "supervised"  # encoders trained on the labels of a subset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """The main metric of every set of features against the number of labelled patients.

    Attributes
    ----------
    values : mapping of str to DoubleArray of shape (1 + draws, counts)
        The first row is the figure, the mean over draws of the labelled; the others resample which
        patients were labelled and which are scored, the same for every set.
    """

    metric: str
    counts: tuple[int, ...]
    values: Mapping[str, DoubleArray]
    scored: int  # patients
    seeds: int


def label_efficiency(
    label: LabelLike,
    part: Part,
    patients: IntArray,
    *,
    n_labels: Sequence[int] = (20,),
    seeds: int = SEEDS,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Result]:
    """Probe a binary label with few labelled training patients.

    Parameters
    ----------
    label : LabelLike
        Binary; other kinds give no records.
    n_labels : sequence of int
        Numbers of labelled patients; those with fewer than two of one class are left out.

    Returns
    -------
    list of Result
        Metric ``auroc`` with ``settings.n_labels``; the interval covers which patients were
        labelled and which are scored. Differences to the baselines are paired in both.
    """
    if label.kind != "binary":
        return []
    found = curves_of(label, part, patients, n_labels, seeds=seeds, seed=seed, draws=draws)
    return curve_records(label.name, found)


def curves_of(
    label: LabelLike,
    part: Part,
    patients: IntArray,
    n_labels: Sequence[int],
    *,
    seeds: int = SEEDS,
    seed: int = 0,
    draws: int = DRAWS,
) -> Curves:
    """Measure every set of features at every number of labelled patients that can be fitted.

    Parameters
    ----------
    label : LabelLike
        Binary (AUROC) or continuous (R2).
    """
    truth = truth_of(label)
    subsets = subsets_of(truth, part, patients, n_labels, seeds, seed)
    scale = resampled_by(truth, part, patients, seeds, seed, draws)
    columns: dict[str, list[list[DoubleArray]]] = {}
    for name, blocks in part.blocks.items():
        widest = blocks[0].shape[1] if name == RAW else COMPONENTS
        features = design(blocks, part.train, widest)
        for place, some in enumerate(subsets.values()):
            once = all(len(rows) == truth.known[part.train].sum() for rows in some)
            draws_of = some[:1] if once else some  # all patients: every draw is the same
            of_set = columns.setdefault(name.split("/")[0], [[] for _ in subsets])
            of_set[place].append(scale.figure(_scores(truth, features, draws_of, patients, seed)))
    return Curves(
        metric=scale.name,
        counts=tuple(subsets),
        values={
            name: np.stack([np.mean(several, axis=0) for several in by_count], axis=1)
            for name, by_count in columns.items()
        },
        scored=scale.scored,
        seeds=seeds,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """How scores become a figure: the metric, and which patients are resampled."""

    name: str
    known: npt.NDArray[Any]  # (scored rows,) bool or float
    test: IntArray
    weights: DoubleArray  # (1 + draws, scored rows)
    chosen: IntArray  # (draws, seeds) draws of the labelled
    scored: int  # patients

    def figure(self, scores: Iterable[DoubleArray]) -> DoubleArray:
        """Return the mean over draws of the labelled, and its resamples, (1 + draws,)."""
        metric = statistics.r2 if self.name == "r2" else statistics.auroc
        each = np.stack([metric(one[self.test], self.known, self.weights) for one in scores])
        draws, seeds = self.chosen.shape
        each = np.repeat(each, seeds // len(each), axis=0)  # (seeds, 1 + draws)
        resampled = each[self.chosen, 1 + np.arange(draws)[:, None]].mean(axis=1)
        return np.append(each[:, 0].mean(), resampled)


def resampled_by(
    truth: Truth, part: Part, patients: IntArray, seeds: int, seed: int, draws: int
) -> Scale:
    """Return how the scores of so many draws of the labelled become figures."""
    test = part.test[truth.known[part.test]]
    draws = statistics.draws_for(len(test), draws)
    return Scale(
        name="r2" if truth.kind == "continuous" else "auroc",
        known=truth.columns[test, 0],
        test=test,
        weights=statistics.with_resamples(patients[test], draws, seed),
        chosen=stream(seed, "label draws").integers(0, seeds, (draws, seeds)),
        scored=len(np.unique(patients[test])),
    )


def subsets_of(
    truth: Truth, part: Part, patients: IntArray, n_labels: Sequence[int], seeds: int, seed: int
) -> dict[int, list[IntArray]]:
    """Return the nested rows of every draw, for each number of patients that can be fitted."""
    orders = [_stratified_order(truth, part, patients, seed, number) for number in range(seeds)]
    found = {count: [_take(order, patients, count) for order in orders] for count in n_labels}
    return {count: some for count, some in found.items() if _enough(truth, patients, some)}


def curve_records(target: str, curves: Curves) -> list[Result]:
    """Return the figure of every set and number, and its differences to the baselines."""
    results = []
    for place, count in enumerate(curves.counts):
        at = {name: values[:, place] for name, values in curves.values.items()}
        rows = [(name, curves.metric, values) for name, values in at.items()]
        for name, baselines in default_comparisons(tuple(at)).items():
            for base in baselines:
                rows.append((name, f"{curves.metric}_minus_{base}", at[name] - at[base]))
        settings = {"n_labels": count, "draws_of_labels": curves.seeds, "scaling": SCALING}
        for name, metric, values in rows:
            low, high = statistics.interval(values[1:])
            more: dict[str, object] = {"interval": f"95 %, {len(values) - 1} resamples of {WHO}"}
            if "minus" in metric:
                more["p"] = statistics.two_sided_p(values[1:])
            results.append(
                Result(evaluation="label_efficiency", features=name, target=target, metric=metric,
                       value=float(values[0]), low=low, high=high, n=curves.scored,
                       settings={"scored": "test", **settings, **more})
            )  # fmt: skip
    return results


def labelled_patients(label: LabelLike, part: Part, patients: IntArray) -> int:
    """Return how many training patients have the label."""
    truth = truth_of(label)
    return len(np.unique(patients[part.train[truth.known[part.train]]]))


def _scores(
    truth: Truth, features: DoubleArray, subsets: Sequence[IntArray], patients: IntArray, seed: int
) -> Iterator[DoubleArray]:
    """Return the scores (n,) of models fitted on each subset, as many at once as memory holds."""
    known = truth.columns[:, 0]
    if truth.kind == "continuous":
        for rows in subsets:
            yield ridge_scores(features, known, rows, patients, seed)[0]
        return
    width = min(features.shape[1], max(len(rows) for rows in subsets))
    step = max(1, TOGETHER // (6 * width**2))
    for start in range(0, len(subsets), step):
        some = subsets[start : start + step]
        yield from logistic_scores(features, known, some, patients, seed)[0]


def _stratified_order(
    truth: Truth, part: Part, patients: IntArray, seed: int, number: int
) -> IntArray:
    """Order the labelled training rows by patient so that every start keeps the classes' shares."""
    rows = part.train[truth.known[part.train]]
    values = truth.columns[rows, 0]
    upper = values > np.median(values) if truth.kind == "continuous" else values
    who, place = np.unique(patients[rows], return_inverse=True)
    positive = np.zeros(len(who), dtype=bool)
    np.logical_or.at(positive, place, upper)
    rank = stream(seed, "labelled", number).permutation(len(who)).astype(np.float64)
    for side in (positive, ~positive):
        rank[side] = (np.argsort(np.argsort(rank[side])) + 0.5) / max(1, side.sum())
    return rows[np.argsort(rank[place], kind="stable")]


def _take(order: IntArray, patients: IntArray, count: int) -> IntArray:
    first = np.unique(patients[order], return_index=True)[1]
    kept = patients[order][np.sort(first)[:count]]
    return order[np.isin(patients[order], kept)]


def _enough(truth: Truth, patients: IntArray, subsets: Sequence[IntArray]) -> bool:
    """Whether every subset has two patients of each class, or ten with a quantity."""
    if truth.kind == "continuous":
        return min(len(np.unique(patients[rows])) for rows in subsets) >= FEWEST_CONTINUOUS
    sides = [rows[truth.columns[rows, 0] == side] for rows in subsets for side in (True, False)]
    return min(len(np.unique(patients[rows])) for rows in sides) >= 2
