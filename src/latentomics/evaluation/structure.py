"""Structure of a code: how its latents hang together, and how many numbers it really holds.

In: codes of held-out pictures (n, d) and, where the code is Gaussian, their posteriors. Out:
records of the total correlation and the mutual information in nats, of groups of latents that
repeat each other, and of the intrinsic dimension (METHODS, sections 8 and 11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation.statistics import half_width

REDUNDANT = 0.9  # |Spearman| (METHODS, section 26)
MIXTURE = 1000  # posteriors in the mixture: memory grows with their square
MOST_POINTS = 4000  # whose neighbours are looked for: time grows with their square
APART = 0.95  # of log n: so much mutual information have posteriors that hardly overlap
NEIGHBOURS = 20
PARTS = 10  # of the points, apart from each other, whose dimensions say how sure theirs is
FEWEST_OF_PART = 40
FEWEST = 20  # pictures
Values = npt.NDArray[np.floating]
Dimension = Callable[[DoubleArray], float]


def structure(
    features: str,
    codes: Values,
    *,
    posterior: tuple[DoubleArray, DoubleArray] | None = None,
    beside: Mapping[str, Values] | None = None,
    scored: str = "test",
    seed: int = 0,
) -> list[Result]:
    """Report how the latents of held-out pictures hang together.

    Parameters
    ----------
    codes : array of shape (n, d)
    posterior : tuple of DoubleArray of shape (n, d), optional
        Means and log variances of a Gaussian code.
    beside : mapping of str to array of shape (n, k), optional
        Hand-made features of the same pictures: how many latents repeat one of them?

    Returns
    -------
    list of Result
        Metrics ``total_correlation_nats`` and, for Gaussian codes, ``mutual_information_nats``,
        ``settings.at_least`` where it has reached what so many pictures can show: the total
        correlation is then that of a Gaussian with the correlations of the codes;
        ``distinct_features``, ``distinct_share``, ``share_like_<set>``; ``dimension_twonn`` and
        ``dimension_levina_bickel``, with intervals from 400 points on. Empty with fewer than 20
        pictures.
    """
    values = np.asarray(codes, np.float64)
    varying = values[:, values.std(axis=0) > 1e-9 * max(1.0, float(np.abs(values).max()))]
    n, d = varying.shape
    if n < FEWEST or d == 0:
        return []
    shared = {"scored": scored, "cases": n, "columns": values.shape[1], "varying": d}
    make = partial(Result, evaluation="structure", features=features, target=None, low=None,
                   high=None, n=n)  # fmt: skip

    def record(metric: str, value: float, **more: object) -> Result:
        return make(metric=metric, value=value, settings={**shared, **more})

    results = [record(metric, value, **more) for metric, value, more in
               _information(varying, posterior, seed)]  # fmt: skip
    groups, _ = redundancy(varying)
    count = int(groups.max()) + 1
    rule = f"every pair of a group has |Spearman| above {REDUNDANT}"
    results.append(record("distinct_features", float(count), rule=rule))
    results.append(record("distinct_share", count / d, rule=rule))
    for name, other in (beside or {}).items():
        results.append(record(f"share_like_{name}", _share_like(varying, other)))
    points = np.unique(varying, axis=0)
    points = points[np.sort(stream(seed, "points").permutation(len(points))[:MOST_POINTS])]
    if len(points) >= FEWEST:
        k = min(NEIGHBOURS, len(points) // 5)
        of: dict[str, object] = {"points": len(points)}
        ways: dict[str, tuple[Dimension, dict[str, object]]] = {
            "dimension_twonn": (two_nearest, of),
            "dimension_levina_bickel": (partial(levina_bickel, k=k), {**of, "neighbours": k}),
        }
        for metric, (dimension, how) in ways.items():
            value, error = dimension(points), dimension_error(points, dimension, seed)
            results.append(_with_error(record(metric, value, **how), error))
    return results


def dimension_error(points: DoubleArray, dimension: Dimension, seed: int = 0) -> float | None:
    """Return the standard error of the dimension of points (n, d); None for fewer than 400.

    The spread of ten disjoint tenths of them, over the root of ten. Neighbours of a tenth lie
    further off, which moves all of its dimensions alike.
    """
    if len(points) < PARTS * FEWEST_OF_PART:
        return None
    order = stream(seed, "parts of points").permutation(len(points))
    found = [dimension(points[rows]) for rows in np.array_split(order, PARTS)]
    return float(np.std(found, ddof=1) / np.sqrt(PARTS))


def _with_error(result: Result, error: float | None) -> Result:
    """Return a record with its interval, where an error is known."""
    if error is None:
        return result
    beyond = half_width(error, PARTS)
    how = {"standard_error": error, "interval": f"95 %, by the spread of {PARTS} disjoint parts"}
    return replace(
        result,
        low=result.value - beyond,
        high=result.value + beyond,
        settings={**result.settings, **how},
    )


def mixture_information(
    means: DoubleArray, log_variances: DoubleArray, seed: int = 0
) -> tuple[float, float]:
    """Return mutual information and total correlation of q(z) = mean_n q(z | x_n), in nats.

    One draw from every posterior; q(z) is the mixture of all of them, so nothing is estimated from
    a minibatch. The mutual information cannot exceed log n.

    Parameters
    ----------
    means, log_variances : DoubleArray of shape (n, d)

    References
    ----------
    Chen et al., 2018, arXiv:1802.04942; METHODS, section 8.
    """
    n, d = means.shape
    noise = stream(seed, "aggregate posterior").standard_normal((n, d))
    draws = means + np.exp(log_variances / 2) * noise
    joint = np.zeros((n, n))
    marginals = np.zeros(n)
    own = np.zeros(n)
    for j in range(d):
        apart = draws[:, None, j] - means[None, :, j]
        density = -0.5 * (
            np.log(2 * np.pi) + log_variances[None, :, j] + apart**2 * np.exp(-log_variances[:, j])
        )
        joint += density
        marginals += _log_mean_exp(density)
        own += np.diagonal(density)
    whole = _log_mean_exp(joint)
    return float((own - whole).mean()), float((whole - marginals).mean())


def gaussian_total_correlation(values: DoubleArray) -> float:
    """Return -0.5 log det R of the correlations R of values (n, d), without its bias.

    With n rows of independent Gaussian columns, log det R is not 0 on average but a sum of
    differences of digamma functions, which is taken off. NaN unless n - 1 > d.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(4000, 2)) @ [[1, 0.8], [0, 0.6]]
    >>> round(gaussian_total_correlation(draws), 1)
    0.5
    """
    from scipy.special import digamma

    n, d = values.shape
    if n - 1 <= d:
        return float("nan")
    correlations = np.atleast_2d(np.corrcoef(values, rowvar=False))
    sign, log_det = np.linalg.slogdet(correlations)
    if sign <= 0:
        return float("inf")  # a latent is a sum of others
    freedom = n - 1
    steps = (freedom - np.arange(d)) / 2
    expected = float((digamma(steps) - digamma(freedom / 2)).sum())
    return float(-0.5 * (log_det - expected))


def redundancy(values: DoubleArray) -> tuple[IntArray, DoubleArray]:
    """Group columns that repeat each other; return the group of each and |Spearman| (d, d).

    Complete linkage: every pair of a group has |Spearman| above .9. Groups are numbered by their
    first column.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    alike = np.abs(np.atleast_2d(np.corrcoef(rankdata(values, axis=0), rowvar=False)))
    alike = np.nan_to_num(alike)
    np.fill_diagonal(alike, 1.0)
    if len(alike) == 1:
        return np.zeros(1, np.int64), alike
    apart = np.clip(1 - (alike + alike.T) / 2, 0, None)
    np.fill_diagonal(apart, 0.0)
    found = fcluster(linkage(squareform(apart), "complete"), 1 - REDUNDANT, "distance")
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place].astype(np.int64), alike


def two_nearest(points: DoubleArray) -> float:
    """Return the intrinsic dimension from the two nearest neighbours of distinct points (n, d).

    References
    ----------
    Facco et al., Scientific Reports 2017; METHODS, section 11.
    """
    distance = _neighbours(points, 2)
    ratio = np.log(distance[:, 1] / distance[:, 0])
    return float((len(points) - 1) / max(float(ratio.sum()), 1e-300))


def levina_bickel(points: DoubleArray, k: int) -> float:
    """Return the intrinsic dimension from k neighbours of distinct points (n, d).

    Local estimates with divisor k - 2, inverse-averaged as MacKay and Ghahramani propose.

    References
    ----------
    Levina and Bickel, NeurIPS 2004; METHODS, section 11.
    """
    distance = _neighbours(points, k)
    inverse = np.log(distance[:, -1:] / distance[:, :-1]).sum(axis=1) / (k - 2)
    return float(1 / max(float(inverse.mean()), 1e-300))


def _information(
    varying: DoubleArray, posterior: tuple[DoubleArray, DoubleArray] | None, seed: int
) -> Sequence[tuple[str, float, dict[str, object]]]:
    if posterior is None:
        total = gaussian_total_correlation(varying)
        how: dict[str, object] = {"estimator": "of a Gaussian with these correlations"}
        return [("total_correlation_nats", total, how)] if np.isfinite(total) else []
    means, log_variances = (part[:MIXTURE] for part in posterior)
    information, total = mixture_information(means, log_variances, seed)
    limit = float(np.log(len(means)))
    how = {"estimator": "mixture of the held-out posteriors", "posteriors": len(means)}
    told = ("mutual_information_nats", information, {**how, "limit": limit})
    if information < APART * limit:
        return [("total_correlation_nats", total, how), told]
    # posteriors that do not overlap: the mixture gives a large total correlation to any code
    return [*_information(varying, None, seed), (*told[:2], {**told[2], "at_least": True})]


def _share_like(values: DoubleArray, others: Values) -> float:
    from scipy.stats import rankdata

    known = np.asarray(others, np.float64)
    known = known[:, np.isfinite(known).all(axis=0)]
    known = known[:, known.std(axis=0) > 0]
    if not known.shape[1]:
        return 0.0
    ranks = [rankdata(part, axis=0) for part in (values, known)]
    standard = [(r - r.mean(axis=0)) / r.std(axis=0) for r in ranks]
    alike = np.abs(standard[0].T @ standard[1]) / len(values)
    return float((alike.max(axis=1) > REDUNDANT).mean())


def _neighbours(points: DoubleArray, k: int) -> DoubleArray:
    from scipy.spatial import cKDTree

    distance: DoubleArray = np.asarray(cKDTree(points).query(points, k + 1)[0])
    return np.maximum(distance[:, 1:], 1e-300)


def _log_mean_exp(logs: DoubleArray) -> DoubleArray:
    highest = logs.max(axis=1)
    return np.asarray(highest + np.log(np.exp(logs - highest[:, None]).mean(axis=1)))
