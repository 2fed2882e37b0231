"""How many labels a code saves: curves against the number of labelled patients.

In: the features of one split and a label. Out: records of every set on nested subsets of patients,
the labels that give 95 % of what all of them give, and the ratio of the labels that a code and a
baseline need for the same. A curve is err = a + b n^-c (METHODS, section 22); err is 1 - AUROC, or
1 - R2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentomics.core import DoubleArray, IntArray, RequestError, Result
from latentomics.evaluation.labels import (
    DRAWS,
    RAW,
    SEEDS,
    TAUGHT,
    Curves,
    curve_records,
    curves_of,
    labelled_patients,
)
from latentomics.evaluation.power_law import PowerLaws, fit_power_laws
from latentomics.evaluation.scoring import LabelLike, Part

FIRST = 10  # labelled patients
SHARE = 0.95  # of what all labels give beyond chance
CHANCE = {"auroc": 0.5, "r2": 0.0}
FEWEST_COUNTS = 3  # a curve has three numbers
LEAST_VARIANCE = 1e-6
STOPPED_ON = "a fifth of the labelled patients"  # trained encoders
COMPARED = {
    "latent": ("raw", "pca", "random", "classic", "size", TAUGHT),
    "latent+pooled": ("raw", "pca", "random+pooled", TAUGHT),
    "latent+classic": ("classic", TAUGHT),
}


def label_curve(
    label: LabelLike,
    part: Part,
    patients: IntArray,
    *,
    raw_values: int | None = None,
    taught: Curves | None = None,
    seeds: int = SEEDS,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Result]:
    """Measure sets of features from 10 labelled patients to all, and what the code saves.

    Parameters
    ----------
    part : Part
        Sets of features to compare; a block of name ``raw`` is left as wide as it is.
    raw_values : int, optional
        How many values a raw sample has, for the heuristic (k + 1) / (d + 1).
    taught : Curves, optional
        Of encoders trained on some of the subsets, see ``taught_curve``.

    Returns
    -------
    list of Result
        Those of ``label_efficiency`` at every number; ``labels_for_95`` of each set; and
        ``labels_over_<baseline>``, the labels that the code needs over those that the baseline
        needs, for 95 % of what the baseline reaches with all of them.

    Raises
    ------
    RequestError
        When the label has more than two classes.
    """
    if label.kind == "classes":
        raise RequestError(
            "a curve of few labels needs two classes or a quantity",
            f"label {label.name!r}",
            f"compare it with one word: --label '{label.name}==WORD'",
        )
    counts = counts_to(labelled_patients(label, part, patients))
    curves = curves_of(label, part, patients, counts, seeds=seeds, seed=seed, draws=draws)
    results = curve_records(label.name, curves)
    if taught is not None:
        results += _beside(label.name, curves, taught)
    if len(curves.counts) < FEWEST_COUNTS:
        return results
    laws = {name: _law(curves, values) for name, values in curves.values.items()}
    needed = _needed(label.name, curves, laws)
    if taught is not None and len(taught.counts) >= FEWEST_COUNTS:
        own = {name: _law(taught, values) for name, values in taught.values.items()}
        laws, needed = laws | own, needed + _needed(label.name, taught, own)
    columns = {name: sum(b.shape[1] for b in blocks) for name, blocks in part.blocks.items()}
    return [*results, *needed, *_saved(label.name, curves, laws, columns, raw_values)]


def _beside(target: str, curves: Curves, taught: Curves) -> list[Result]:
    """Return the figures of trained encoders, and how far the code is ahead of them."""
    at = [curves.counts.index(count) for count in taught.counts]
    ahead = {
        name: curves.values[name][:, at] - taught.values[TAUGHT]
        for name, bases in COMPARED.items()
        if TAUGHT in bases and name in curves.values
    }
    apart = replace(taught, metric=f"{taught.metric}_minus_{TAUGHT}", values=ahead)
    own = [
        replace(one, settings={**one.settings, "scaling": "none", "stopped_on": STOPPED_ON})
        for one in curve_records(target, taught)
    ]
    return [*own, *curve_records(target, apart)]


def counts_to(total: int) -> tuple[int, ...]:
    """Return numbers of labelled patients: 10, 20, 40 and so on to half of them, and all.

    Examples
    --------
    >>> counts_to(100)
    (10, 20, 40, 100)
    """
    doubled = [FIRST * 2**power for power in range(32) if FIRST * 2 ** (power + 1) <= total]
    return (*doubled, total)


def heuristic_share(latents: int, values: int) -> float:
    """Return the labels that a linear model on latents needs over those on raw values, by a rule.

    Parameters of one model over those of the other, from the VC dimension of linear classifiers.

    Examples
    --------
    >>> round(heuristic_share(64, 1024), 6)
    0.063415
    """
    return (latents + 1) / (values + 1)


def _law(curves: Curves, values: DoubleArray) -> PowerLaws:
    spread = np.nanvar(values[1:], axis=0)
    whole = np.where(np.isfinite(values), values, values[0])
    return fit_power_laws(curves.counts, 1 - whole, 1 / np.maximum(spread, LEAST_VARIANCE))


def _level(curves: Curves, law: PowerLaws) -> DoubleArray:
    """Return the error at 95 % of what all labels give beyond chance, (1 + draws,)."""
    chance = CHANCE[curves.metric]
    level: DoubleArray = 1 - (chance + SHARE * (1 - law.error(curves.counts[-1]) - chance))
    return level


def _needed(target: str, curves: Curves, laws: dict[str, PowerLaws]) -> list[Result]:
    results = []
    for name, law in laws.items():
        level = _level(curves, law)
        labels = np.maximum(law.labels(level), curves.counts[0])
        settings = {
            "level": float(1 - level[0]),
            "of": f"{curves.metric} {1 - law.error(curves.counts[-1])[0]:.4f} with all labels",
            "curve": {"a": float(law.a[0]), "c": float(law.c[0]),
                      "b": float(law.b[0] * law.first ** law.c[0])},
        }  # fmt: skip
        if np.isfinite(labels[0]) and level[0] < 1 - CHANCE[curves.metric]:
            results.append(_record(target, curves, name, "labels_for_95", labels, settings))
    return results


def _saved(
    target: str,
    curves: Curves,
    laws: dict[str, PowerLaws],
    columns: Mapping[str, int],
    raw_values: int | None,
) -> list[Result]:
    results = []
    pairs = [(name, base) for name, bases in COMPARED.items() for base in bases]
    for name, base in pairs:
        if name not in laws or base not in laws:
            continue
        level = _level(curves, laws[base])
        if level[0] >= 1 - CHANCE[curves.metric]:
            continue  # a baseline that reaches nothing sets no goal
        own, other = (np.maximum(laws[n].labels(level), curves.counts[0]) for n in (name, base))
        settings: dict[str, object] = {
            "level": float(1 - level[0]),
            "labels": [float(own[0]), float(other[0])],
            "measured_to": curves.counts[-1],
        }
        if base == RAW and raw_values is not None:
            settings |= {"heuristic": heuristic_share(columns[name], raw_values),
                         "latents": columns[name], "raw_values": raw_values}  # fmt: skip
        if np.isfinite(own[0]) and np.isfinite(other[0]):
            ratio = own / np.where(np.isfinite(other), other, np.nan)
            metric = f"labels_over_{base}"
            results.append(_record(target, curves, name, metric, ratio, settings))
    return results


def _record(
    target: str,
    curves: Curves,
    name: str,
    metric: str,
    values: DoubleArray,
    settings: dict[str, object],
) -> Result:
    low, high = _limits(values[1:])
    return Result(
        evaluation="label_efficiency",
        features=name,
        target=target,
        metric=metric,
        value=float(values[0]),
        low=low,
        high=high,
        n=curves.scored,
        settings={
            "scored": "test",
            "fewest": curves.counts[0],
            "draws_of_labels": curves.seeds,
            **settings,
        },
    )


def _limits(draws: DoubleArray) -> tuple[float | None, float | None]:
    """Return the 95 % interval, open where labels without end are needed."""
    kept = draws[~np.isnan(draws)]
    if len(kept) < max(20, len(draws) // 2):
        return None, None
    ends: Sequence[float] = np.quantile(kept, (0.025, 0.975), method="nearest").tolist()
    low, high = (end if np.isfinite(end) else None for end in ends)
    return low, high
