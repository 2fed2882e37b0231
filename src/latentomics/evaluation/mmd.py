"""Maximum mean discrepancy: whether the features of two sites have the same distribution.

In: features (n, d) of held-out images, the site and patient of each. Out: one record a pair of
sites, the unbiased squared MMD at the median bandwidth with its interval, and the p of a
permutation of patients over the whole family of bandwidths. Sums are in float64; the figure may be
negative and is never clipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray, Result, stream
from latentomics.evaluation.linear import COMPONENTS, Block, fit_block
from latentomics.evaluation.statistics import half_width

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the median distance (METHODS, section 21)
PERMUTATIONS = 999
FEWEST_PATIENTS = 10  # a site needs (METHODS, section 29)
MOST_IMAGES = 1000  # of a site are compared: time and memory grow with the square of their number


def squared_mmd(x: DoubleArray, y: DoubleArray, bandwidth: float) -> float:
    """Return the unbiased squared MMD of two samples, (n, d) and (m, d), for a Gaussian kernel.

    References
    ----------
    Gretton et al., JMLR 2012, lemma 6.
    """
    kernel = _kernel(_squared_distances(np.concatenate([x, y])), bandwidth)
    member = np.arange(len(kernel)) < len(x)
    return float(_statistics(kernel, member[None])[0])


def permutation_test(
    features: DoubleArray,
    second: BoolArray,
    patients: IntArray,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> tuple[float, float]:
    """Test whether two groups of patients differ, over a family of bandwidths.

    Statistics of the five bandwidths are standardised over the permutations and combined by their
    maximum, whose null comes from the same permutations. Patients keep their images together.

    Parameters
    ----------
    features : DoubleArray of shape (n, d)
    second : BoolArray of shape (n,)
        Which images belong to the second group; the same for all images of a patient.
    patients : IntArray of shape (n,)

    Returns
    -------
    tuple of float
        Squared MMD at the median bandwidth, and p, at least 1 / (permutations + 1).
    """
    squared = _squared_distances(np.asarray(features, np.float64))
    median = _median_distance(squared)
    members = _permuted(second, patients, permutations, seed)  # the first row as observed
    statistics = np.stack([_statistics(_kernel(squared, f * median), members) for f in FACTORS])
    spread = statistics.std(axis=1, keepdims=True)
    centred = statistics - statistics.mean(axis=1, keepdims=True)
    highest = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0).max(axis=0)
    tied = highest[1:] >= highest[0] - 1e-9 * max(1.0, abs(float(highest[0])))
    return float(statistics[FACTORS.index(1.0), 0]), float((1 + tied.sum()) / (permutations + 1))


def jackknife_error(features: DoubleArray, second: BoolArray, patients: IntArray) -> float:
    """Return the standard error of the squared MMD at the median bandwidth.

    Each patient is left out in turn, of both groups apart; the bandwidth stays. On average the
    square is not too small (Efron and Stein 1981); of equal groups it is about twice too large.

    Parameters
    ----------
    features : DoubleArray of shape (n, d)
    second : BoolArray of shape (n,)
        Which images belong to the second group; each has three patients or more.
    patients : IntArray of shape (n,)

    References
    ----------
    Arvesen, Annals of Mathematical Statistics 1969: the jackknife of U-statistics.
    """
    squared = _squared_distances(np.asarray(features, np.float64))
    kernel = _kernel(squared, _median_distance(squared))
    groups = (~second, second)
    return float(np.sqrt(sum(
        _jackknife_variance(kernel, own, other, patients) for own, other in (groups, groups[::-1])
    )))  # fmt: skip


def _jackknife_variance(
    kernel: DoubleArray, own: BoolArray, other: BoolArray, patients: IntArray
) -> float:
    """Leave out each patient of one group; the other group's own mean does not change."""
    near, far = ((kernel @ group.astype(np.float64))[own] for group in (own, other))
    _, place, images = np.unique(patients[own], return_inverse=True, return_counts=True)
    rows = np.flatnonzero(own)[np.argsort(place, kind="stable")]
    of_each = np.split(rows, np.cumsum(images)[:-1])
    among = np.array([kernel[np.ix_(rows, rows)].sum() for rows in of_each])
    inside = near.sum() - 2 * np.bincount(place, near) + among
    across = far.sum() - np.bincount(place, far)
    left = own.sum() - images
    values = inside / (left * (left - 1)) - 2 * across / (left * other.sum())
    return float((1 - 1 / len(values)) * ((values - values.mean()) ** 2).sum())


def mmd(
    name: str,
    blocks: Sequence[Block],
    sites: Sequence[str | None],
    patients: IntArray,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Result]:
    """Compare the features of every pair of sites on held-out patients.

    Parameters
    ----------
    name : str
        Of the set of features.
    blocks : sequence of arrays of shape (n, d)
        Held-out images only; each gets one scale.
    sites : sequence of str or None, of length n
        Patients seen at two sites are left out, they are not exchangeable.

    Returns
    -------
    list of Result
        Metric ``mmd2`` with its 95 % interval; ``settings`` holds the sites, p and patients. Sites
        with fewer than 10 patients are left out; of one with more than 1000 images, patients are
        drawn until they have as many: ``images_by_site`` of ``of_images``, and ``standard_error``.
    """
    features = np.concatenate([fit_block(b, COMPONENTS).apply(b) for b in blocks], axis=1)
    seen: dict[int, set[str]] = {}
    for patient, site in zip(patients.tolist(), sites, strict=True):
        seen.setdefault(patient, set()).update(() if site is None else (site,))
    only = {patient: next(iter(found)) for patient, found in seen.items() if len(found) == 1}
    drawn = _drawn(only, Counter(patients.tolist()), seed)
    counts = Counter(drawn.values())
    pool = Counter(only[patient] for patient in patients.tolist() if patient in only)
    large = sorted(site for site, count in counts.items() if count >= FEWEST_PATIENTS)
    home = np.array([drawn.get(patient, "") for patient in patients.tolist()])
    results = []
    for a, b in combinations(large, 2):
        rows = np.flatnonzero((home == a) | (home == b))
        compared = features[rows], home[rows] == b, patients[rows]
        value, p = permutation_test(*compared, permutations=permutations, seed=seed)
        error = jackknife_error(*compared)
        beyond = half_width(error, min(counts[a], counts[b]))
        settings = {
            "sites": [a, b],
            "p": p,
            "patients": [counts[a], counts[b]],
            "images": len(rows),
            "images_by_site": [int((home == site).sum()) for site in (a, b)],
            "of_images": [pool[a], pool[b]],
            "standard_error": error,
            "interval": "95 %, by leaving out each patient",
            "permutations": permutations,
            "scored": "held-out patients",
        }
        results.append(
            Result(evaluation="mmd", features=name, target=f"{a} | {b}", metric="mmd2",
                   value=value, low=value - beyond, high=value + beyond,
                   n=counts[a] + counts[b], settings=settings)
        )  # fmt: skip
    return results


def _drawn(only: Mapping[int, str], images: Mapping[int, int], seed: int) -> dict[int, str]:
    """Return the site of each patient, of no more images a site than are compared."""
    order = stream(seed, "mmd patients").permutation(sorted(only)).tolist()
    kept: dict[int, str] = {}
    drawn: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for patient in order:
        site = only[patient]
        if drawn[site] < MOST_IMAGES or known[site] < FEWEST_PATIENTS:
            drawn[site] += images[patient]
            known[site] += 1
            kept[patient] = site
    return kept


def _squared_distances(values: DoubleArray) -> DoubleArray:
    centred = values - values.mean(axis=0)  # smaller numbers lose fewer digits
    norms = (centred**2).sum(axis=1)
    squared: DoubleArray = norms[:, None] + norms[None] - 2 * centred @ centred.T
    np.maximum(squared, 0, out=squared)
    np.fill_diagonal(squared, 0)
    return squared


def _median_distance(squared: DoubleArray) -> float:
    from scipy.spatial.distance import squareform

    median = float(np.sqrt(np.median(squareform(squared, checks=False), overwrite_input=True)))
    return median if median > 0 else 1.0


def _kernel(squared: DoubleArray, bandwidth: float) -> DoubleArray:
    kernel = squared / (-2 * bandwidth**2)
    np.exp(kernel, out=kernel)
    np.fill_diagonal(kernel, 0)  # the unbiased form leaves out every image with itself
    return kernel


def _permuted(second: BoolArray, patients: IntArray, permutations: int, seed: int) -> BoolArray:
    _, first, place = np.unique(patients, return_index=True, return_inverse=True)
    generator = stream(seed, "mmd permutations")
    orders = [
        np.arange(len(first)),
        *(generator.permutation(len(first)) for _ in range(permutations)),
    ]
    members: BoolArray = second[first][np.stack(orders)][:, place]
    return members


def _statistics(kernel: DoubleArray, members: BoolArray) -> DoubleArray:
    """Squared MMD for each row of members (draws, n), by one product with the kernel matrix."""
    sign = members.astype(np.float64)
    through = sign @ kernel
    inside = (through * sign).sum(axis=1)
    across = through.sum(axis=1) - inside
    outside = kernel.sum() - inside - 2 * across
    n = sign.sum(axis=1)
    m = sign.shape[1] - n
    value: DoubleArray = inside / (n * (n - 1)) + outside / (m * (m - 1)) - 2 * across / (n * m)
    return value
