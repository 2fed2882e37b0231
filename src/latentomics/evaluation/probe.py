"""Linear probe: what a label can be read from, with intervals and differences over patients.

In: one or several parts (a train/test split, or folds whose features were each made without the
scored patients), each with named sets of feature blocks, and one label. Out: records with the
metric, its 95 % interval over patients, and the paired difference to every baseline. Names that
share what stands before a slash (``random/0``, ``random/1``) are repetitions of one set with other
seeds: metrics are averaged over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import statistics
from latentomics.evaluation.linear import COMPONENTS
from latentomics.evaluation.scoring import (
    LabelLike,
    Part,
    Scored,
    Truth,
    measure,
    points,
    prior_odds,
    probeable,
    score_sets,
    scored_rows,
    truth_of,
)

DRAWS = 2000
BASELINES = ("pca", "random", "intensity", "classic")
WITHOUT_INTERVAL = ("calibration_error",)  # resampling alone makes it larger


def probe(
    label: LabelLike,
    parts: Sequence[Part],
    patients: IntArray,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    comparisons: Mapping[str, Sequence[str]] | None = None,
    evaluation: str = "probe",
    components: int = COMPONENTS,
    calibrated: bool = False,
    given: Mapping[str, DoubleArray] | None = None,
) -> list[Result]:
    """Probe every set of features for a label, and compare the sets on the same patients.

    Parameters
    ----------
    label : LabelLike
        Binary (AUROC, average precision, balanced accuracy; Brier score and calibration where it
        is asked for), classes (the same, averaged over one against the rest) or continuous (R2,
        Spearman, MAE).
    parts : sequence of Part
        One split, or folds that together score each case once.
    patients : IntArray of shape (n,)
        Number of each row's patient.
    comparisons : mapping of str to sequence of str, optional
        Baselines of each set; by default those of ``default_comparisons``.
    calibrated : bool
        Whether the calibration of binary labels and classes is measured too.
    given : mapping of str to DoubleArray of shape (n,), optional
        What models that were fitted elsewhere, on the same training rows, say of every case: log
        odds of a binary label, or quantities. They are scored and compared like sets of features.

    Returns
    -------
    list of Result
        Empty where a class is missing among training or scored patients.
    """
    truth = truth_of(label)
    if not probeable(truth, parts, patients):
        return []
    rows = scored_rows(truth, parts)
    draws = statistics.draws_for(len(rows), draws)
    weights = statistics.with_resamples(patients[rows], draws, seed)
    scored = score_sets(truth, parts, patients, seed=seed, components=components)
    priors = prior_odds(truth, parts) if calibrated and truth.kind != "continuous" else None
    scored |= {name: _given(truth, parts, said) for name, said in (given or {}).items()}
    measured = {name: measure(truth, one, rows, weights, priors) for name, one in scored.items()}
    shared = {
        "scored": "test" if len(parts) == 1 else f"{len(parts)} folds, out of fold",
        "cases": len(rows),
        "interval": f"95 %, {draws} resamples of patients",
        **({"positive": int(truth.columns[rows, 0].sum())} if truth.kind == "binary" else {}),
    }
    record = partial(
        Result, evaluation=evaluation, target=label.name, n=len(np.unique(patients[rows]))
    )
    results = []
    for name, by_metric in measured.items():
        how = _how(truth, parts, scored[name], priors)
        for metric, values in by_metric.items():
            if not np.isfinite(values[0]):  # a slope that does not exist
                continue
            settings = {**shared, **how[metric]}
            figure = _figure(values[:1] if metric in WITHOUT_INTERVAL else values)
            results.append(record(features=name, metric=metric, settings=settings, **figure))
    pairs = default_comparisons(tuple(measured)) if comparisons is None else comparisons
    first = next(iter(next(iter(measured.values()))))
    for name, baseline in ((name, base) for name, bases in pairs.items() for base in bases):
        gained = measured[name][first] - measured[baseline][first]
        settings = {**shared, "p": statistics.two_sided_p(gained[1:])}
        if len(parts) == 1 and first == "auroc":
            settings |= _delong(truth, scored[name], scored[baseline], rows, patients)
        metric = f"{first}_minus_{baseline}"
        results.append(record(features=name, metric=metric, settings=settings, **_figure(gained)))
    return results


def default_comparisons(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the baselines of every learned set: those with the same additions, and size alone.

    A set with size or pooled maps is compared with baselines that have them too, where there are
    such; without its own kind of pooled maps a baseline stands as it is. Classic features know the
    size; together with a code they are compared with themselves alone: what does the code add?

    Examples
    --------
    >>> default_comparisons(("latent", "pca", "latent+size", "pca+size", "size"))
    {'latent': ('pca', 'size'), 'latent+size': ('pca+size', 'size')}
    >>> default_comparisons(("latent+pooled", "pca", "random", "random+pooled"))
    {'latent+pooled': ('pca', 'random+pooled')}
    >>> default_comparisons(("latent+size", "latent+classic", "classic", "pca+size"))
    {'latent+size': ('pca+size', 'classic'), 'latent+classic': ('classic',)}
    """
    pairs: dict[str, tuple[str, ...]] = {}
    for name in names:
        if not name.startswith(("latent", "pooled")):
            continue
        if name.endswith("+classic"):
            pairs[name] = ("classic",)
            continue
        added = [part for part in ("pooled", "size") if part in name.split("+")]
        size = ["size"] if "size" in added else []
        found = []
        for base in BASELINES:
            alike = ("+".join([base, *added]), "+".join([base, *size]), base)
            found += [one for one in alike if one in names][:1]
        pairs[name] = tuple(found + ["size"] * ("size" in names))
    return pairs


def _given(truth: Truth, parts: Sequence[Part], said: DoubleArray) -> Scored:
    """Return what a model says as scores; log odds lie above those of the prevalence."""
    values = said[:, None]
    if truth.kind != "continuous":
        values = values - prior_odds(truth, parts)
    return Scored(values=values[None], strengths=(), columns=0)


def _delong(
    truth: Truth, one: Scored, other: Scored, rows: IntArray, patients: IntArray
) -> dict[str, object]:
    """Return DeLong's p, where it holds: one model each, one image a patient."""
    single = len(one.values) == len(other.values) == truth.columns.shape[1] == 1
    if not single or len(np.unique(patients[rows])) < len(rows):
        return {}
    scores = np.stack([one.values[0, rows, 0], other.values[0, rows, 0]])
    known = truth.columns[rows, 0]
    if min(known.sum(), (~known).sum()) < 2:
        return {}
    return {"p_delong": statistics.delong_p(scores, known)}


def _figure(values: DoubleArray) -> dict[str, Any]:
    low, high = statistics.interval(values[1:])
    return {"value": float(values[0]), "low": low, "high": high}


def _how(
    truth: Truth, parts: Sequence[Part], scored: Scored, priors: DoubleArray | None
) -> dict[str, dict[str, object]]:
    """Return what each figure rests on; pooled out-of-fold scores mix models (METHODS 22)."""
    shared: dict[str, object] = {
        "columns": scored.columns,
        "penalty_c": list(scored.strengths),
        "train_cases": [int(truth.known[part.train].sum()) for part in parts],
    }
    if truth.kind == "classes":
        shared["classes"] = list(truth.classes)
    rows = scored_rows(truth, parts)
    folds = [points(truth, scored, scored_rows(truth, [part]), priors) for part in parts]
    seeds = [points(truth, one, rows, priors) for one in scored.apart()]
    how = {}
    for metric in folds[0]:
        settings = dict(shared)
        if len(folds) > 1:
            each = [fold[metric] for fold in folds]
            known = [value for value in each if np.isfinite(value)]
            settings |= {"by_fold": known, "fold_mean": float(np.mean(known)) if known else None}
        if len(seeds) > 1:
            settings |= {"seeds": len(seeds), "by_seed": [one[metric] for one in seeds]}
        how[metric] = settings
    return how
