"""The permutation test of MMD between two sites: ours and a plain loop, on one core.

In: who, and how many patients there are. Out: one JSON line with seconds for 1,000 permutations of
64 features at five bandwidths, and p. The plain loop sorts each kernel matrix anew for every
permutation and takes the means of its blocks; it does a part of the permutations, all of which take
the same time, and is scaled up.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from scipy.spatial.distance import pdist, squareform

from latentomics.evaluation.mmd import FACTORS, permutation_test

PERMUTATIONS, FEATURES, APART = 1000, 64, 0.02
LEAST_SECONDS = 10.0  # of the loop


def two_sites(patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (patients, 64) and who belongs to the second site, a little apart."""
    draw = np.random.default_rng(patients)
    second = np.arange(patients) % 2 == 1
    return draw.standard_normal((patients, FEATURES)) + APART * second[:, None], second


def ours(values: np.ndarray, second: np.ndarray, permutations: int) -> tuple[float, float]:
    """Return seconds and p."""
    begin = time.process_time()
    _, p = permutation_test(values, second, np.arange(len(values)), permutations=permutations)
    return time.process_time() - begin, p


def plain(values: np.ndarray, second: np.ndarray, permutations: int) -> tuple[float, float]:
    """Return seconds and p, of the largest standardised statistic as ours."""
    begin = time.process_time()
    distances = squareform(pdist(values))
    median = np.median(distances[np.triu_indices(len(values), 1)])
    kernels = [np.exp(-((distances / (factor * median)) ** 2) / 2) for factor in FACTORS]
    before = time.process_time() - begin
    statistics: list[list[float]] = []
    draw, begin = np.random.default_rng(0), time.process_time()
    order = np.argsort(second, kind="stable")
    while len(statistics) <= permutations:
        statistics.append([_block_means(kernel, order, int((~second).sum())) for kernel in kernels])
        order = draw.permutation(len(values))
        if time.process_time() - begin > LEAST_SECONDS:
            break
    each = (time.process_time() - begin) / len(statistics)
    found = np.array(statistics)
    highest = ((found - found.mean(0)) / (found.std(0) + 1e-30)).max(1)
    return before + each * (permutations + 1), float((highest >= highest[0]).mean())


def _block_means(kernel: np.ndarray, order: np.ndarray, first: int) -> float:
    a, b = order[:first], order[first:]
    inside = [
        (kernel[np.ix_(part, part)].sum() - len(part)) / (len(part) * (len(part) - 1))
        for part in (a, b)
    ]
    return float(inside[0] + inside[1] - 2 * kernel[np.ix_(a, b)].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=("ours", "loop"), required=True)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    patients, permutations = (40, 20) if given.smoke else (given.patients, PERMUTATIONS)
    values, second = two_sites(patients)
    measure = ours if given.who == "ours" else plain
    seconds, p = measure(values, second, permutations)
    print(json.dumps({"seconds": seconds, "p": p, "patients": patients}))


if __name__ == "__main__":
    main()
