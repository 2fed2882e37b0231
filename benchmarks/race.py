"""Wall time to the same held-out error: ours against MONAI's tuned autoencoders.

In: who, a cohort and a pair of rivals with codes of one size: ``vector`` (VarAutoEncoder without
its noise against our autoencoder), ``vae`` (VarAutoEncoder against our variational one, the same
bound) and ``map`` (AutoEncoder against our map code). Out: one JSON line with the curve.
"""

from __future__ import annotations

import argparse
import json

import race_ours
import race_peer
from crops import COHORTS, crops_of
from peers import LOSSES, Settings
from places import TUNED

PAIRS = tuple(LOSSES)
UNTUNED = Settings(batch=16, rate=1e-3, schedule="constant")


def tuned(cohort: str, pair: str) -> tuple[Settings, bool]:
    """Return the peer's tuned settings, and whether they were tuned at all."""
    found = json.loads(TUNED.read_text()) if TUNED.is_file() else {}
    chosen = found.get(f"{cohort}/{pair}")
    return (Settings(**chosen["settings"]), True) if chosen else (UNTUNED, False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--who", choices=("ours", "peer"), required=True)
    parser.add_argument("--cohort", choices=COHORTS, required=True)
    parser.add_argument("--pair", choices=PAIRS, required=True)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    crops = crops_of(given.cohort, smoke=given.smoke)
    if crops is None:
        parser.error(f"no images of {given.cohort}: set LATENTOMICS_DATA")
    settings, known = tuned(given.cohort, given.pair)
    if given.who == "ours":
        curve = race_ours.run(given.pair, crops, given.seconds, given.seed)
    else:
        curve = race_peer.run(given.pair, crops, settings, given.seconds, given.seed)
    record = {"held": curve.held(), "points": curve.points}
    if given.who == "peer":
        record |= {"tuned": known, "batch": settings.batch, "rate": settings.rate}
        record |= {"schedule": settings.schedule}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
