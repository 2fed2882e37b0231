"""How much of each feature's variance goes with the site.

In: features (n, d) of held-out images, the site and patient of each. Out: a record of the mean over
features of the share of variance between patients that their site explains, adjusted for the number
of sites so that nothing is 0 on average, with its interval over patients and the p of a permutation
of the patients' sites. It may be negative and is never clipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation import statistics
from latentomics.evaluation.patients import patients_of

PERMUTATIONS = 999
DRAWS = 500


def explained_shares(
    features: DoubleArray, site: IntArray, weights: DoubleArray | None = None
) -> DoubleArray:
    """Return the adjusted share of each feature's variance that groups explain, (draws, d).

    1 - (1 - R2) (n - 1) / (n - k) for k groups; 0 for a feature that does not vary.

    Parameters
    ----------
    features : DoubleArray of shape (n, d)
    site : IntArray of shape (n,) or (draws, n)
        Group of each row, in each draw.
    weights : DoubleArray of shape (draws, n), optional
        How often each row counts in each draw.
    """
    groups = np.atleast_2d(site)
    if weights is None:
        weights = np.broadcast_to(1.0, groups.shape)
    groups = np.broadcast_to(groups, weights.shape)
    parts = [
        _shares(features, groups[some], weights[some]) for some in statistics.some_of(*groups.shape)
    ]
    return np.concatenate(parts)


def permuted_shares(
    features: DoubleArray, site: IntArray, permutations: int, generator: np.random.Generator
) -> DoubleArray:
    """Return the mean share over features for permuted groups, (permutations,)."""
    means = []
    for some in statistics.some_of(permutations, len(site)):
        orders = [generator.permutation(site) for _ in range(some.start, some.stop)]
        means.append(explained_shares(features, np.stack(orders)).mean(axis=1))
    return np.concatenate(means) if means else np.empty(0)


def _shares(features: DoubleArray, groups: IntArray, times: DoubleArray) -> DoubleArray:
    centred = features - features.mean(axis=0)
    total = times.sum(axis=1)[:, None]
    whole = times @ centred**2 - (times @ centred) ** 2 / total
    between = -((times @ centred) ** 2) / total
    k = int(groups.max()) + 1
    present = np.zeros((len(times), 1))
    for group in range(k):
        member = times * (groups == group)
        count = member.sum(axis=1)[:, None]
        between += np.divide(
            (member @ centred) ** 2, count, out=np.zeros_like(between), where=count > 0
        )
        present += count > 0
    varies = whole > 1e-12 * np.maximum((times @ features**2), 1e-300)
    r2 = np.divide(between, whole, out=np.zeros_like(whole), where=varies)
    adjusted = 1 - (1 - r2) * (total - 1) / np.maximum(total - present, 1)
    return np.where(varies, adjusted, 0.0)


def site_variance(
    features: str,
    names: Sequence[str],
    values: npt.NDArray[np.floating],
    sites: Sequence[str | None],
    patients: IntArray,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> list[Result]:
    """Report the share of the features' variance that the site explains.

    Returns
    -------
    list of Result
        Metric ``variance_share_mean``; ``settings`` hold p and the share of every feature. Empty
        with fewer than two sites of 10 patients.
    """
    found = patients_of(values, sites, patients)
    if found is None:
        return []
    shares = explained_shares(found.features, found.site)[0]
    generator = stream(seed, "site variance")
    null = permuted_shares(found.features, found.site, permutations, generator)
    p = float((1 + (null >= shares.mean() - 1e-12).sum()) / (permutations + 1))
    draws = statistics.draws_for(len(found.site), DRAWS)
    weights = statistics.resample_patients(np.arange(len(found.site)), draws, seed)
    drawn = explained_shares(found.features, found.site, weights).mean(axis=1)
    # patients drawn twice agree with themselves: resampling raises the share, so it is centred
    low, high = statistics.interval(drawn - drawn.mean() + shares.mean())
    settings = {
        "scored": "held-out patients",
        "sites": list(found.names),
        "patients": found.counts.tolist(),
        "p": p,
        "permutations": permutations,
        "interval": f"95 %, {draws} resamples of patients, centred at the value",
        "by_feature": {"names": list(names), "share": [round(float(v), 4) for v in shares]},
    }
    return [
        Result(evaluation="site_variance", features=features, target="site",
               metric="variance_share_mean", value=float(shares.mean()), low=low, high=high,
               n=len(found.site), settings=settings)
    ]  # fmt: skip
