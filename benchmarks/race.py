"""Wall time to the same held-out error: ours against MONAI's tuned autoencoders.

In: who, a cohort and a pair of rivals with codes of one size: ``vector`` (VarAutoEncoder without
its noise against our autoencoder) and ``map`` (AutoEncoder against our map code). Out: one JSON
line with the curve.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import race_ours
import race_peer
from crops import COHORTS, crops_of
from peers import PAIRS, RACE_SECONDS, Settings


def _rounded(points: Sequence[tuple[float, ...]]) -> list[list[float]]:
    return [[float(f"{value:.6g}") for value in point] for point in points]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=("ours", "peer"), required=True)
    parser.add_argument("--cohort", choices=COHORTS, required=True)
    parser.add_argument("--pair", choices=PAIRS, required=True)
    parser.add_argument("--seconds", type=float, default=RACE_SECONDS)
    parser.add_argument("--settings", type=json.loads, help="of the peer: batch, rate, schedule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    crops = crops_of(given.cohort, smoke=given.smoke)
    if crops is None:
        parser.error(f"no images of {given.cohort}: set LATENTOMICS_DATA")
    if given.who == "ours":
        curve = race_ours.run(given.pair, crops, given.seconds, given.seed)
    else:
        settings = Settings(**given.settings)
        curve = race_peer.run(given.pair, crops, settings, given.seconds, given.seed)
    print(json.dumps({"held": _rounded(curve.held()), "points": _rounded(curve.points)}))


if __name__ == "__main__":
    main()
