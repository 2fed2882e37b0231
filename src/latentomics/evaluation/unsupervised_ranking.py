"""Do trainings with other seeds find the same latents? UDR, which needs no factor (METHODS 24).

In: codes (n, latents) of the same cases by models that differ in their seed. Out: for each model
the median over the others of how nearly their latents match one to one, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latentomics.core import DoubleArray, Result

FEWEST = 20  # cases


def udr(codes: Mapping[str, DoubleArray], *, latents: int, scored: str = "test") -> list[Result]:
    """Compare the latents of every two models, and give each its median.

    Parameters
    ----------
    codes : mapping of str to DoubleArray of shape (n, latents in use)
        By the name of each model, without the latents that have collapsed.
    latents : int
        Of each code, collapsed ones among them.

    Returns
    -------
    list of Result
        One a model; none with fewer than two models or 20 cases.

    References
    ----------
    Duan et al., 2020, arXiv:1905.12614; the normalisation by the sum of both models' latents
    is METHODS, section 24.
    """
    cases = min((len(values) for values in codes.values()), default=0)
    if len(codes) < 2 or cases < FEWEST:
        return []
    found = {
        (one, other): matching(_alike(codes[one], codes[other]))
        for one in codes
        for other in codes
        if one != other
    }
    return [
        Result(
            evaluation="udr",
            features=one,
            target=None,
            metric="udr",
            value=float(np.median([found[one, other] for other in codes if other != one])),
            low=None,
            high=None,
            n=cases,
            settings={
                "scored": scored,
                "cases": cases,
                "models": len(codes),
                "columns": latents,
                "in_use": codes[one].shape[1],
                "alike": "|Spearman|",
                "with": {other: round(found[one, other], 6) for other in codes if other != one},
            },
        )
        for one in codes
    ]


def matching(alike: DoubleArray) -> float:
    """Return how nearly two sets of latents match one to one, from their likeness (a, b).

    Each latent counts with max^2 / sum over those of the other model. 0 where one has none.

    Examples
    --------
    >>> matching(np.eye(3)[[2, 0, 1]]), round(matching(np.full((2, 2), 0.5**0.5)), 6)
    (1.0, 0.353553)
    """
    if not alike.size:
        return 0.0
    total = 0.0
    for axis in (0, 1):
        sums, highest = alike.sum(axis=axis), alike.max(axis=axis)
        total += float((highest[sums > 0] ** 2 / sums[sums > 0]).sum())
    return total / sum(alike.shape)


def _alike(one: DoubleArray, other: DoubleArray) -> DoubleArray:
    """Return |Spearman| of every latent of one code with every latent of another."""
    from scipy.stats import rankdata

    standard = []
    for values in (one, other):
        ranks = rankdata(values, axis=0)
        spread = ranks.std(axis=0)
        standard.append((ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    found: DoubleArray = np.abs(standard[0].T @ standard[1]) / len(one)
    return found
