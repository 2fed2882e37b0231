"""Maps of a cohort: whether neighbours on a map of two axes are neighbours in truth.

In: places on a map (n, 2) and the space (n, d) that it shows. Out: records of trustworthiness (are
neighbours on the map true ones?), continuity (do true neighbours stay together?) and the overlap
of both neighbourhoods, Q_NX, with its excess over chance: LCMC for one number of neighbours, and
the area under R_NX for all numbers (METHODS, section 25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result, stream

NEIGHBOURS = 10
MOST = 1000  # cases that are ranked: work grows with their square
FEWEST = 20
Values = npt.NDArray[np.floating]


def trustworthiness(space: Values, places: Values, k: int) -> float:
    """Return how far neighbours on a map are neighbours in the space; 1 is all, near .5 chance.

    References
    ----------
    Venna and Kaski, ICANN 2001; METHODS, section 25. Continuity swaps the arguments.
    """
    return _trust(_ranks(space), _ranks(places), k)


def overlap(space: Values, places: Values, k: int) -> float:
    """Return Q_NX: the mean share of k neighbours that both have; k / (n - 1) by chance."""
    return _overlap(_ranks(space), _ranks(places), k)


def rescaled_overlap(space: Values, places: Values) -> DoubleArray:
    """Return R_NX for 1 to n - 2 neighbours: shared ones, 0 as by chance and 1 where all are.

    References
    ----------
    Lee et al., Neurocomputing 2013 and 2015; METHODS, section 25.
    """
    return _rescaled(_ranks(space), _ranks(places))


def embedding(
    features: str,
    places: Values,
    space: Values,
    *,
    of: str,
    scored: str = "test",
    seed: int = 0,
) -> list[Result]:
    """Judge a map of a space.

    Parameters
    ----------
    features : str
        Whose map it is.
    places, space : arrays of shapes (n, 2) and (n, d)
    of : str
        What the space is, for the records' target: ``images`` or ``code``.

    Returns
    -------
    list of Result
        Metrics ``trustworthiness``, ``continuity``, ``neighbour_overlap`` (Q_NX), ``lcmc`` and
        ``r_nx_area``, over all numbers of neighbours with weights of 1 over the number. Empty with
        fewer than 20 cases.
    """
    if len(places) < FEWEST:
        return []
    rows = ranked_rows(len(places), seed)
    n = len(rows)
    k = min(NEIGHBOURS, n // 5)
    truth, shown = _ranks(np.asarray(space)[rows]), _ranks(np.asarray(places)[rows])
    both = _overlap(truth, shown, k)
    figures = {
        "trustworthiness": _trust(truth, shown, k),
        "continuity": _trust(shown, truth, k),
        "neighbour_overlap": both,
        "lcmc": both - k / (n - 1),
        "r_nx_area": _area(_rescaled(truth, shown)),
    }
    settings = {
        "scored": scored,
        "cases": n,
        "neighbours": k,
        "chance": {"trustworthiness": round(chance_trust(n, k), 4), "overlap": k / (n - 1)},
    }
    return [
        Result(evaluation="embedding", features=features, target=of, metric=metric, value=value,
               low=None, high=None, n=n, settings=settings)
        for metric, value in figures.items()
    ]  # fmt: skip


def ranked_rows(n: int, seed: int) -> IntArray:
    """Return which of n cases are ranked: all, or ``MOST`` of them that the seed chooses."""
    return np.sort(stream(seed, "map").permutation(n)[:MOST])


def averaged(each: Mapping[str, list[Result]]) -> list[Result]:
    """Return the mean over maps of one kind; ``settings.each`` has them by name."""
    results = []
    for same in zip(*each.values(), strict=True):
        values = {name: one.value for name, one in zip(each, same, strict=True)}
        settings = {**same[0].settings, "each": values}
        mean = float(np.mean(list(values.values())))
        results.append(replace(same[0], value=mean, settings=settings))
    return results


def chance_trust(n: int, k: int) -> float:
    """Return the trustworthiness that a map without any relation has on average.

    Examples
    --------
    >>> round(chance_trust(100, 5), 6)
    0.509772
    """
    return 1 - (n - 1 - k) * (n - k) / ((n - 1) * (2 * n - 3 * k - 1))


def _ranks(values: Values) -> IntArray:
    """Return the rank (n, n) of every case among the neighbours of each; of itself 0."""
    centred = np.asarray(values, np.float64) - np.mean(values, axis=0, dtype=np.float64)
    norms = (centred**2).sum(axis=1)
    squared = norms[:, None] + norms[None] - 2 * centred @ centred.T
    np.fill_diagonal(squared, -np.inf)
    order = np.argsort(squared, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(order))[None], axis=1)
    return ranks.astype(np.int64)


def _trust(truth: IntArray, shown: IntArray, k: int) -> float:
    n = len(truth)
    intruders = (shown >= 1) & (shown <= k) & (truth > k)
    penalty = float((truth - k)[intruders].sum())
    return 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))


def _overlap(truth: IntArray, shown: IntArray, k: int) -> float:
    both = (truth >= 1) & (truth <= k) & (shown >= 1) & (shown <= k)
    return float(both.sum() / (len(truth) * k))


def _rescaled(truth: IntArray, shown: IntArray) -> DoubleArray:
    """Count pairs that are neighbours in both, by the number of neighbours that this takes."""
    n = len(truth)
    needed = np.bincount(np.maximum(truth, shown).ravel(), minlength=n)[1 : n - 1]
    k = np.arange(1, n - 1)
    shared = np.cumsum(needed) / (n * k)
    return np.asarray(((n - 1) * shared - k) / (n - 1 - k))


def _area(curve: DoubleArray) -> float:
    return float(np.average(curve, weights=1 / np.arange(1, len(curve) + 1)))
