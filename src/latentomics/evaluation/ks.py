"""Which features differ between sites: Kolmogorov-Smirnov, feature by feature.

In: features (n, d) of held-out images, the site and patient of each. Out: records of the share of
features whose distributions differ between two sites, after Holm's correction over all features and
pairs of sites (METHODS, section 21). A patient counts once, with the mean of its images.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation.patients import patients_of

LEVEL = 0.05


def holm(p: npt.ArrayLike) -> DoubleArray:
    """Return p values corrected for their number by Holm's step-down rule, (n,).

    Examples
    --------
    >>> holm([0.01, 0.02, 0.03, 0.04]).tolist()
    [0.04, 0.06, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def ks(
    features: str,
    names: Sequence[str],
    values: npt.NDArray[np.floating],
    sites: Sequence[str | None],
    patients: IntArray,
) -> list[Result]:
    """Compare every feature between every pair of sites.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    values : array of shape (n, d)
        Held-out images.

    Returns
    -------
    list of Result
        Metric ``share_shifted`` over all pairs (target ``site``, with the smallest corrected p and
        the largest distance of each feature) and of each pair. Empty with fewer than two sites of
        10 patients.
    """
    from scipy.stats import ks_2samp

    found = patients_of(values, sites, patients)
    if found is None:
        return []
    pairs = list(combinations(range(len(found.names)), 2))
    distance, p = np.empty((2, len(pairs), len(names)))
    for row, (a, b) in enumerate(pairs):
        for column, feature in enumerate(found.features.T):
            tested = ks_2samp(feature[found.site == a], feature[found.site == b])
            distance[row, column], p[row, column] = tested.statistic, tested.pvalue
    corrected = holm(p.ravel()).reshape(p.shape)
    shifted = corrected < LEVEL
    shared = {"scored": "held-out patients", "level": LEVEL, "correction": "Holm"}
    by_feature = {
        "names": list(names),
        "p": [float(f"{v:.3g}") for v in corrected.min(axis=0)],
        "distance": [round(float(v), 4) for v in distance.max(axis=0)],
    }
    counts = found.counts
    results = [
        Result(evaluation="ks", features=features, target="site", metric="share_shifted",
               value=float(shifted.any(axis=0).mean()), low=None, high=None,
               n=len(found.site),
               settings={**shared, "sites": list(found.names), "columns": len(names),
                         "by_feature": by_feature})
    ]  # fmt: skip
    for row, (a, b) in enumerate(pairs):
        settings = {
            **shared,
            "sites": [found.names[a], found.names[b]],
            "patients": [int(counts[a]), int(counts[b])],
            "largest_distance": float(distance[row].max()),
        }
        target = f"{found.names[a]} | {found.names[b]}"
        results.append(
            Result(evaluation="ks", features=features, target=target, metric="share_shifted",
                   value=float(shifted[row].mean()), low=None, high=None,
                   n=int(counts[a] + counts[b]), settings=settings)
        )  # fmt: skip
    return results
