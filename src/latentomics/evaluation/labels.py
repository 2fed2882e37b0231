"""Label efficiency: how good the probe is when only few patients have a label.

In: features of one split, a label, and numbers of labelled patients. Out: one record for each set
of features and number, the mean over many draws of the labelled patients. The draws are nested: a
seed orders the training patients once, and a smaller number takes the first of a larger one.
Scaling and components use all training pictures, which need no label (METHODS, section 22).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray, Result, stream
from latentomics.evaluation import statistics
from latentomics.evaluation.linear import COMPONENTS, design, logistic_scores
from latentomics.evaluation.probe import default_comparisons
from latentomics.evaluation.scoring import LabelLike, Part, Truth, truth_of

SEEDS = 20
DRAWS = 500


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
    truth = truth_of(label)
    if label.kind != "binary":
        return []
    known = truth.columns[:, 0]
    orders = [_stratified_order(truth, part, patients, seed, number) for number in range(seeds)]
    test = part.test[truth.known[part.test]]
    weights = statistics.with_value(statistics.resample_patients(patients[test], draws, seed))
    chosen = stream(seed, "label draws").integers(0, seeds, (draws, seeds))
    results: list[Result] = []
    for count in n_labels:
        subsets = [_take(order, patients, count) for order in orders]
        if any(_fewest(truth, patients, rows) < 2 for rows in subsets):
            continue
        measured: dict[str, list[DoubleArray]] = {}
        for name, blocks in part.blocks.items():
            features = design(blocks, part.train, COMPONENTS)
            scores, _ = logistic_scores(features, known, subsets, patients, seed)
            each = np.stack(
                [statistics.auroc(one[test], known[test], weights) for one in scores]
            )  # (seeds, 1 + draws)
            resampled = each[chosen, 1 + np.arange(draws)[:, None]].mean(axis=1)
            value = np.append(each[:, 0].mean(), resampled)
            measured.setdefault(name.split("/")[0], []).append(value)
        means = {name: np.mean(several, axis=0) for name, several in measured.items()}
        number = len(np.unique(patients[test]))
        results += _records(
            label.name, means, {"n_labels": count, "draws_of_labels": seeds}, number
        )
    return results


def _records(
    target: str, means: dict[str, DoubleArray], settings: dict[str, object], number: int
) -> list[Result]:
    rows = [(name, "auroc", values) for name, values in means.items()]
    for name, baselines in default_comparisons(tuple(means)).items():
        for base in baselines:
            rows.append((name, f"auroc_minus_{base}", means[name] - means[base]))
    results = []
    for name, metric, values in rows:
        low, high = statistics.interval(values[1:])
        paired = {"p": statistics.two_sided_p(values[1:])} if "minus" in metric else {}
        results.append(
            Result(evaluation="label_efficiency", features=name, target=target, metric=metric,
                   value=float(values[0]), low=low, high=high, n=number,
                   settings={"scored": "test", **settings, **paired})
        )  # fmt: skip
    return results


def _stratified_order(
    truth: Truth, part: Part, patients: IntArray, seed: int, number: int
) -> IntArray:
    """Order the labelled training rows by patient so that every start keeps the classes' shares."""
    rows = part.train[truth.known[part.train]]
    who, place = np.unique(patients[rows], return_inverse=True)
    positive = np.zeros(len(who), dtype=bool)
    np.logical_or.at(positive, place, truth.columns[rows, 0])
    rank = stream(seed, "labelled", number).permutation(len(who)).astype(np.float64)
    for side in (positive, ~positive):
        rank[side] = (np.argsort(np.argsort(rank[side])) + 0.5) / max(1, side.sum())
    return rows[np.argsort(rank[place], kind="stable")]


def _take(order: IntArray, patients: IntArray, count: int) -> IntArray:
    first = np.unique(patients[order], return_index=True)[1]
    kept = patients[order][np.sort(first)[:count]]
    return order[np.isin(patients[order], kept)]


def _fewest(truth: Truth, patients: IntArray, rows: IntArray) -> int:
    positive: BoolArray = truth.columns[rows, 0]
    return min(len(np.unique(patients[rows[side]])) for side in (positive, ~positive))
