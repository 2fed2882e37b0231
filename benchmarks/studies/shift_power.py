"""How often the test of a shift says yes: where there is none, and where one of known size is.

Usage: shift_power.py [--draws 200] [--nulls 1000]
Two sites of patients with three images each, 16 features of unit variance between patients and half
of that within; the second site lies DELTA away (in SDs between patients, along one direction).
Prints a Markdown table of the share of draws with p of .05 or less (METHODS, sections 21 and 29).
"""

from __future__ import annotations

import argparse

import numpy as np

from latentomics.core import stream
from latentomics.evaluation.mmd import permutation_test

PATIENTS = (10, 20, 50, 200)  # of each site
DELTAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
IMAGES, FEATURES, WITHIN = 3, 16, 0.5**0.5
PERMUTATIONS, LEVEL = 199, 0.05


def alarm(patients: int, delta: float, number: int) -> bool:
    """Draw two sites, and say whether the test finds them apart."""
    generator = stream(number, "shift power", patients, round(100 * delta))
    who = np.repeat(np.arange(2 * patients), IMAGES)
    second = who >= patients
    centres = generator.standard_normal((2 * patients, FEATURES))
    features = centres[who] + WITHIN * generator.standard_normal((len(who), FEATURES))
    features[second] += delta / FEATURES**0.5
    _, p = permutation_test(features, second, who, permutations=PERMUTATIONS, seed=number)
    return p <= LEVEL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--nulls", type=int, default=1000)
    asked = parser.parse_args()
    print(f"| patients a site | {' | '.join(f'{delta:g}' for delta in DELTAS)} |")
    print("|---" * (len(DELTAS) + 1) + "|")
    for patients in PATIENTS:
        shares = []
        for delta in DELTAS:
            draws = asked.draws if delta else asked.nulls
            shares.append(np.mean([alarm(patients, delta, number) for number in range(draws)]))
        print(f"| {patients} | {' | '.join(f'{100 * s:.1f} %' for s in shares)} |", flush=True)


if __name__ == "__main__":
    main()
