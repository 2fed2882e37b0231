"""Methods against each other over seeds: who is chosen, and whether seeds alone give as much.

In: figures of every method and seed (methods, seeds), and the codes that a choice may look at. Out:
scores of patients that no test figure rests on, differences with the interval that seeds and splits
give, ranks and their correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation.ks import holm
from latentomics.evaluation.linear import grouped_folds
from latentomics.evaluation.probe import probe
from latentomics.evaluation.scoring import LabelLike, Part, truth_of

FOLDS = 5
LEVEL = 0.05
MAIN = ("auroc", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """By how much one method leads another over seeds; ``p`` is corrected for all the others."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def clear(self) -> bool:
        """Whether it is more than seeds and splits give."""
        return self.p < LEVEL


def development_score(
    label: LabelLike, latent: DoubleArray, rows: IntArray, patients: IntArray, *, seed: int = 0
) -> Result | None:
    """Probe a code among patients that are not held out, so that a choice rests on no test case.

    Parameters
    ----------
    latent : DoubleArray of shape (n, d)
    rows : IntArray
        Training and validation cases: five folds of their patients, each scored by the others.
    patients : IntArray of shape (n,)

    Returns
    -------
    Result or None
        The label's main metric; None where a class has too few patients.
    """
    truth = truth_of(label)
    strata = np.where(truth.known[rows], truth.columns[rows].argmax(axis=1), -1)
    if truth.kind == "binary":
        strata = np.where(truth.known[rows], truth.columns[rows, 0].astype(np.int64), -1)
    fold = grouped_folds(patients[rows], strata.astype(np.int64), FOLDS, seed)
    blocks = {"latent": [latent]}
    parts = [
        Part(train=rows[fold != number], test=rows[fold == number], blocks=blocks)
        for number in range(FOLDS)
    ]
    found = probe(label, parts, patients, seed=seed, evaluation="compare", comparisons={})
    return next((one for one in found if one.metric in MAIN), None)


def leads(winner: DoubleArray, others: DoubleArray, ratio: float) -> list[Apart]:
    """Compare a method with others, seed by seed, by the corrected resampled t test.

    Parameters
    ----------
    winner : DoubleArray of shape (seeds,)
    others : DoubleArray of shape (methods, seeds)
    ratio : float
        Test patients over those that are not; 0 where every seed has the same split. Splits of one
        cohort overlap, so the variance of a mean over k of them is (1 / k + ratio) s^2.

    References
    ----------
    Nadeau and Bengio, Machine Learning 2003.
    """
    from scipy.stats import t

    k = len(winner)
    means, ends, p = [], [], []
    for other in others:
        apart = winner - other
        mean = float(apart.mean())
        error = float(np.sqrt((1 / k + ratio) * apart.var(ddof=1)))
        reach = float(t.ppf(1 - LEVEL / 2, k - 1)) * error
        means.append(mean)
        ends.append((mean - reach, mean + reach))
        if error:
            p.append(float(2 * t.sf(abs(mean) / error, k - 1)))
        else:
            p.append(0.0 if mean else 1.0)
    corrected = holm(p) if p else np.empty(0)
    return [
        Apart(mean=mean, low=low, high=high, p=float(one))
        for mean, (low, high), one in zip(means, ends, corrected, strict=True)
    ]


def mean_ranks(measures: Sequence[DoubleArray]) -> DoubleArray:
    """Return the mean rank of each method, 1 the best.

    Parameters
    ----------
    measures : sequence of DoubleArray of shape (methods,)
        More is better in each.

    Examples
    --------
    >>> mean_ranks([np.array([0.9, 0.8, 0.7]), np.array([0.2, 0.1, 0.3])]).tolist()
    [1.5, 2.5, 2.0]
    """
    from scipy.stats import rankdata

    return np.asarray(np.mean([rankdata(-measure) for measure in measures], axis=0))


def rank_correlation(first: DoubleArray, second: DoubleArray) -> float | None:
    """Return Spearman's correlation; None with fewer than three methods, or where all are tied."""
    from scipy.stats import rankdata

    a, b = (rankdata(values) for values in (first, second))
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
