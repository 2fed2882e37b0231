"""The FactorVAE score: the factor that was held still, told from the stillest latent.

In: codes (n, latents) and factors (n,). Out: the share of votes that a majority rule gets right
(METHODS 24), from about 1 / factors for a code without order to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray, IntArray, stream
from latentomics.evaluation.factor_gaps import Factor

VOTES = 800  # that make the rule, and as many that test it
BATCH = 64  # cases a vote
LEVELS = 10  # of equal mass, of a quantity that has more values
AT_ONCE = 2_000_000  # values of codes in memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ballot:
    """Which factor each vote holds still, (votes,), and on which cases, (votes, batch)."""

    held: IntArray
    cases: IntArray


def draw_ballot(factors: Sequence[Factor], *, seed: int = 0) -> Ballot:
    """Draw 1,600 votes: a factor, a level of it, and 64 cases of that level with replacement."""
    draw = stream(seed, "votes")
    held = draw.integers(len(factors), size=2 * VOTES)
    levels = [_levels(factor) for factor in factors]
    cases = np.empty((2 * VOTES, BATCH), np.int64)
    for vote, factor in enumerate(held):
        own = levels[factor][draw.integers(len(levels[factor]))]
        cases[vote] = draw.choice(own, BATCH)
    return Ballot(held=held, cases=cases)


def factor_score(codes: DoubleArray, ballot: Ballot) -> float:
    """Return the share of test votes that the rule made of the others gets right.

    A vote is for the latent whose variance among its cases is the smallest part of its variance
    among all; latents that never vary are no candidates. The rule gives each latent the factor
    that was held most often when it won.

    References
    ----------
    Kim and Mnih, 2018, arXiv:1802.05983; METHODS, section 24.
    """
    scaled = codes[:, codes.std(axis=0) > 0]
    if not scaled.shape[1]:
        return float("nan")
    scaled = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)
    step = max(1, AT_ONCE // (BATCH * scaled.shape[1]))
    starts = range(0, len(ballot.cases), step)
    parts = [scaled[ballot.cases[start : start + step]].var(axis=1) for start in starts]
    stillest = np.concatenate(parts).argmin(axis=1)
    counts = np.zeros((scaled.shape[1], int(ballot.held.max()) + 1))
    np.add.at(counts, (stillest[:VOTES], ballot.held[:VOTES]), 1)
    return float((counts.argmax(axis=1)[stillest[VOTES:]] == ballot.held[VOTES:]).mean())


def _levels(factor: Factor) -> list[IntArray]:
    """Return the cases of each level of a factor."""
    distinct, place = np.unique(factor.values, return_inverse=True)
    if not factor.classes and len(distinct) > LEVELS:
        order = np.argsort(factor.values, kind="stable")
        return [part.astype(np.int64) for part in np.array_split(order, LEVELS)]
    return [np.flatnonzero(place == level) for level in range(len(distinct))]
