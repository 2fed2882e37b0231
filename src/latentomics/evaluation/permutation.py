"""Whether the whole probe gives chance where there is nothing to find: labels dealt out at random.

In: a label, the parts of a probe and sets of features. Out: for each set the mean of the main
metric over probes of permuted labels, scaling, choice of the penalty and folds done again in each.
A mean above chance is a leak. The labels of a patient stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation.scoring import (
    LabelLike,
    Part,
    Truth,
    measure,
    probeable,
    score_sets,
    scored_rows,
    truth_of,
)

PERMUTATIONS = 100
SETS = ("latent",)
LEVEL = 1.96  # standard errors: 95 %


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Null:
    """The main metric of a set with the true label, and with permuted ones."""

    metric: str
    seen: float
    permuted: DoubleArray


def permutation(
    label: LabelLike,
    parts: Sequence[Part],
    patients: IntArray,
    *,
    sets: Sequence[str] = SETS,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Result]:
    """Probe permuted labels as the true one was probed.

    Returns
    -------
    list of Result
        Evaluation ``permutation``: the mean of the main metric over permuted labels with the 95 %
        interval of that mean; ``settings`` hold chance, whether the mean is not clearly above it,
        and the p of the true label. Empty where the label cannot be probed.
    """
    truth = truth_of(label)
    chosen = [
        replace(part, blocks={name: part.blocks[name] for name in sets if name in part.blocks})
        for part in parts
    ]
    if not probeable(truth, chosen, patients):
        return []
    seen = _measured(truth, chosen, patients, seed)
    generator = stream(seed, "permuted labels")
    nulls = []
    for _ in range(permutations):
        dealt = permuted(truth, patients, generator)
        if probeable(dealt, chosen, patients):
            nulls.append(_measured(dealt, chosen, patients, seed))
    metric = "r2" if truth.kind == "continuous" else "auroc"
    scored = len(np.unique(patients[scored_rows(truth, chosen)]))
    return [
        _record(
            label.name,
            name,
            Null(metric=metric, seen=value, permuted=np.array([null[name] for null in nulls])),
            scored,
        )
        for name, value in seen.items()
        if len(nulls) > 1
    ]


def permuted(truth: Truth, patients: IntArray, generator: np.random.Generator) -> Truth:
    """Return the label dealt to other patients; those of one patient stay side by side.

    The labels of all patients are laid end to end in a random order of the patients, and dealt to
    the rows in the patients' own order: with one row a patient, that is a plain permutation.
    """
    rows = np.flatnonzero(truth.known)
    _, place = np.unique(patients[rows], return_inverse=True)
    rank = generator.permutation(int(place.max()) + 1)
    columns = truth.columns.copy()
    given = rows[np.argsort(rank[place], kind="stable")]
    columns[rows[np.argsort(place, kind="stable")]] = truth.columns[given]
    return replace(truth, columns=columns)


def _measured(
    truth: Truth, parts: Sequence[Part], patients: IntArray, seed: int
) -> dict[str, float]:
    """Return the main metric of every set."""
    rows = scored_rows(truth, parts)
    once = np.ones((1, len(rows)))
    found = {}
    for name, scored in score_sets(truth, parts, patients, seed=seed).items():
        found[name] = float(next(iter(measure(truth, scored, rows, once).values()))[0])
    return found


def _record(target: str, name: str, null: Null, scored: int) -> Result:
    mean, count = float(null.permuted.mean()), len(null.permuted)
    error = LEVEL * float(null.permuted.std(ddof=1)) / np.sqrt(count)
    low, high = mean - error, mean + error
    chance = 0.5 if null.metric == "auroc" else 0.0
    p = (1 + int((null.permuted >= null.seen - 1e-12).sum())) / (count + 1)
    return Result(
        evaluation="permutation",
        features=name,
        target=target,
        metric=null.metric,
        value=mean,
        low=low,
        high=high,
        n=scored,
        settings={
            "scored": "test",
            "permutations": count,
            "chance": chance,
            "at_chance": bool(low <= chance),  # a leak lifts it; guessing costs R2 a little
            "true_label": null.seen,
            "p": p,
        },
    )
