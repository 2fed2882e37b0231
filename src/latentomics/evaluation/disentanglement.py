"""Does one latent stand for one factor? Scores of a code where the factors are known (METHODS 24).

In: codes (n, latents) and factors (n,) of held-out cases. Out: records of MIG, SAP, DCI and the
FactorVAE score, with what random rotations of the same code reach beside them. A rotation keeps all
that a code knows and mixes its axes: a score that does not exceed theirs says nothing for these
axes. Without labels axes cannot be told from rotated ones but by a method's own bias (Locatello et
al. 2019), so a score is of a method and a seed, and never carries over to another cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation.collapse import active_latents
from latentomics.evaluation.factor_gaps import BINS, Factor, gap, information, separation
from latentomics.evaluation.factor_importance import (
    completeness_of,
    disentanglement_of,
    tree_importance,
)
from latentomics.evaluation.factor_votes import BATCH, VOTES, Ballot, draw_ballot, factor_score
from latentomics.evaluation.scoring import LabelLike

FEWEST = 50  # cases; fewer fill no bins
ROTATIONS = 49
QUANTILE = 0.95
DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Scores of a code that its axes decide: gaps of each factor, and the FactorVAE score."""

    information: DoubleArray  # (latents, factors), of the factor's entropy
    separation: DoubleArray  # (latents, factors)
    votes: float

    def means(self) -> dict[str, float]:
        """Return the scores by their metric."""
        return {
            "mig": float(gap(self.information).mean()),
            "sap": float(gap(self.separation).mean()),
            "factorvae_score": self.votes,
        }


def factors_of(
    labels: Sequence[LabelLike], among: IntArray | None = None
) -> tuple[list[Factor], IntArray]:
    """Return labels as factors, and the cases ``among`` these that have all of them, as rows.

    Words become their places in alphabetical order.
    """
    known = [[value is not None and value == value for value in label.values] for label in labels]
    rows = np.flatnonzero(np.all(known, axis=0)).astype(np.int64)
    rows = rows if among is None else np.intersect1d(rows, among)
    factors = []
    for label in labels:
        given = [label.values[int(row)] for row in rows]
        words = sorted({str(value) for value in given}) if _of_words(given) else []
        values = [words.index(str(value)) if words else float(value or 0) for value in given]
        factors.append(Factor(name=label.name, values=np.array(values), classes=len(words)))
    return factors, rows


def disentanglement(
    features: str,
    codes: DoubleArray,
    factors: Sequence[Factor],
    patients: IntArray,
    *,
    gaussian: bool = False,
    names: Sequence[str] = (),
    scored: str = "test",
    seed: int = 0,
) -> list[Result]:
    """Score how nearly each latent stands for one factor, and each factor for one latent.

    Parameters
    ----------
    codes : DoubleArray of shape (n, latents)
    factors : sequence of Factor
        Two or more that vary.
    patients : IntArray of shape (n,)
        No patient is both fitted and scored by the trees.
    gaussian : bool
        Whether the code has a standard normal prior, whose scale says which latents are in use.
    names : sequence of str, optional
        Of the latents.

    Returns
    -------
    list of Result
        Metrics ``mig``, ``sap``, ``disentanglement``, ``completeness``, ``informativeness`` and
        ``factorvae_score``. Empty with fewer than 50 cases, two factors or two latents in use.

    References
    ----------
    METHODS, section 24.
    """
    used = active_latents(codes, gaussian=gaussian) > 0
    varying = [factor for factor in factors if np.ptp(factor.values) > 0]
    if len(codes) < FEWEST or len(varying) < 2 or used.sum() < 2:
        return []
    kept = codes[:, used]
    values = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    shared = {
        "scored": scored, "cases": len(values), "columns": codes.shape[1],
        "in_use": int(used.sum()), "factors": [factor.name for factor in varying], "seed": seed,
    }  # fmt: skip
    chosen = [str(name) for name, one in zip(names, used, strict=False) if one]
    make = partial(Result, evaluation="disentanglement", features=features, target=None, low=None,
                   high=None, n=len(np.unique(patients)))  # fmt: skip
    return [
        make(metric=metric, value=value, settings={**shared, **more})
        for metric, value, more in (
            *_of_axes(values, varying, patients, chosen, seed),
            *_of_trees(values, varying, patients, chosen, seed),
        )
        if np.isfinite(value)
    ]


def rotated(values: DoubleArray, draw: np.random.Generator) -> DoubleArray:
    """Return a code along random orthogonal axes, uniform over all of them."""
    square = draw.standard_normal((values.shape[1],) * 2)
    axes, upper = np.linalg.qr(square)
    found: DoubleArray = values @ (axes * np.sign(np.diagonal(upper)))
    return found


Scored = list[tuple[str, float, dict[str, object]]]


def _of_axes(
    values: DoubleArray,
    factors: Sequence[Factor],
    patients: IntArray,
    names: Sequence[str],
    seed: int,
) -> Scored:
    halves, ballot = _halves(patients, seed), draw_ballot(factors, seed=seed)
    draw = stream(seed, "rotations")
    own = _scores(values, factors, halves, ballot)
    turned = [
        _scores(rotated(values, draw), factors, halves, ballot).means() for _ in range(ROTATIONS)
    ]
    shared, entropies = information(stream(seed, "shuffled").permutation(values), factors)
    by_chance = round(float((shared / entropies).mean()), DIGITS)
    more: dict[str, dict[str, object]] = {
        "mig": {
            "bins": BINS,
            "shuffled": by_chance,
            **_detail(own.information, factors, names),
        },
        "sap": _detail(own.separation, factors, names),
        "factorvae_score": {"votes": VOTES, "batch": BATCH, "chance": 1 / len(factors)},
    }
    return [
        (metric, value, {**_beside(value, [one[metric] for one in turned]), **more[metric]})
        for metric, value in own.means().items()
    ]


def _scores(
    values: DoubleArray, factors: Sequence[Factor], halves: IntArray, ballot: Ballot
) -> Scores:
    shared, entropies = information(values, factors)
    return Scores(
        information=shared / entropies,
        separation=separation(values, factors, halves),
        votes=factor_score(values, ballot),
    )


def _beside(value: float, turned: Sequence[float]) -> dict[str, object]:
    """Say what rotations of the same code reach, and whether its own axes exceed nearly all."""
    limit = float(np.quantile(turned, QUANTILE))
    return {
        "rotations": len(turned),
        "rotated": round(float(np.mean(turned)), DIGITS),
        "rotated_95": round(limit, DIGITS),
        "p": (1 + sum(one >= value for one in turned)) / (1 + len(turned)),
        "beyond_rotations": bool(value > limit),
    }


def _of_trees(
    values: DoubleArray,
    factors: Sequence[Factor],
    patients: IntArray,
    names: Sequence[str],
    seed: int,
) -> Scored:
    found = tree_importance(values, factors, patients, seed=seed)
    how: dict[str, object] = {"model": "boosted trees, five folds of patients"}
    by_factor = {
        "names": [factor.name for factor in factors],
        "values": [round(float(one), DIGITS) for one in found.told],
    }
    detail = _detail(found.matrix, factors, names)
    detail.pop("by_factor")
    return [
        ("disentanglement", disentanglement_of(found.matrix), {**how, **detail}),
        ("completeness", completeness_of(found.matrix), how),
        ("informativeness", float(found.told.mean()), {**how, "by_factor": by_factor}),
    ]


def _detail(
    matrix: DoubleArray, factors: Sequence[Factor], names: Sequence[str]
) -> dict[str, object]:
    listed = [factor.name for factor in factors]
    gaps = [round(float(one), DIGITS) for one in gap(matrix)]
    return {
        "by_factor": {"names": listed, "values": gaps},
        "by_latent": {
            "names": list(names) or [str(place) for place in range(len(matrix))],
            "values": [[round(float(one), DIGITS) for one in row] for row in matrix],
        },
    }


def _halves(patients: IntArray, seed: int) -> IntArray:
    """Put patients at random into two halves."""
    distinct, place = np.unique(patients, return_inverse=True)
    side = stream(seed, "halves").permutation(len(distinct)) % 2
    return side[place].astype(np.int64)


def _of_words(values: Sequence[object]) -> bool:
    return any(isinstance(value, str) for value in values)
