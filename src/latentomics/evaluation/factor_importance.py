"""Which latents a factor is read from: disentanglement, completeness, informativeness (METHODS 24).

In: codes (n, latents), factors (n,) and patients (n,) of held-out cases. Out: importances
(latents, factors), which sum to one for each factor, the three scores, and how well each factor is
told from all latents together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentomics.core import DoubleArray, IntArray
from latentomics.evaluation.factor_gaps import Factor

FOLDS = 5
TREES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Importance:
    """What trees found: ``matrix`` (latents, factors); ``told`` (factors,), 1 perfectly, 0 as
    well as by chance, below it worse.
    """  # noqa: D205

    matrix: DoubleArray
    told: DoubleArray


def tree_importance(
    codes: DoubleArray, factors: Sequence[Factor], patients: IntArray, *, seed: int = 0
) -> Importance:
    """Fit boosted trees in five folds of patients, and score the cases that they did not see.

    ``told`` is R2 for a quantity, and for words the balanced accuracy beyond chance in units of
    what there is beyond chance.

    References
    ----------
    Eastwood and Williams, ICLR 2018; METHODS, section 24.
    """
    matrix = np.zeros((codes.shape[1], len(factors)))
    told = np.zeros(len(factors))
    for place, factor in enumerate(factors):
        matrix[:, place], told[place] = _fitted(codes, factor, patients, seed)
    return Importance(matrix=matrix, told=told)


def disentanglement_of(matrix: DoubleArray) -> float:
    """Return how nearly each latent serves one factor, weighted by what it serves at all.

    NaN with one factor: there is nothing to keep apart.

    Examples
    --------
    >>> round(disentanglement_of(np.array([[0.9, 0.1], [0.2, 0.8]])), 6)
    0.404538
    """
    return _certainty(matrix)


def completeness_of(matrix: DoubleArray) -> float:
    """Return how nearly each factor is read from one latent, weighted by what is read of it.

    NaN with one latent.

    Examples
    --------
    >>> round(completeness_of(np.array([[0.9, 0.1], [0.2, 0.8]])), 6)
    0.397313
    """
    return _certainty(matrix.T)


def _certainty(rows: DoubleArray) -> float:
    """Return 1 minus the entropy of each row over the largest one, weighted by its sum."""
    mass, kinds = rows.sum(axis=1), rows.shape[1]
    if kinds < 2 or mass.sum() <= 0:
        return float("nan")
    shares = rows[mass > 0] / mass[mass > 0, None]
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    certain = 1 + (shares * logs).sum(axis=1) / np.log(kinds)
    return float((certain * mass[mass > 0]).sum() / mass.sum())


def _fitted(
    codes: DoubleArray, factor: Factor, patients: IntArray, seed: int
) -> tuple[DoubleArray, float]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    kind = StratifiedGroupKFold if factor.classes else GroupKFold
    folds = kind(FOLDS, shuffle=True, random_state=seed)
    importance, called = np.zeros(codes.shape[1]), np.empty(len(codes))
    for train, test in folds.split(codes, factor.values, patients):
        trees = _trees(factor, seed).fit(codes[train], factor.values[train])
        importance += trees.feature_importances_ / FOLDS
        called[test] = trees.predict(codes[test])
    return importance, _told(called, factor)


def _trees(factor: Factor, seed: int) -> Any:  # scikit-learn has no types
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    kind = GradientBoostingClassifier if factor.classes else GradientBoostingRegressor
    return kind(n_estimators=TREES, random_state=seed)


def _told(called: DoubleArray, factor: Factor) -> float:
    from sklearn.metrics import balanced_accuracy_score, r2_score

    if factor.classes:
        return float(balanced_accuracy_score(factor.values, called, adjusted=True))
    return float(r2_score(factor.values, called))
