"""Collapse: how many latents say anything about a picture.

In: the code of each picture, (n, latent), and for Gaussian codes the KL of each latent, in nats.
Out: records of active latents, their share, the effective dimension and the KL (METHODS 9, 11).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from latentomics.core import DoubleArray, Result

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, for codes with a standard normal prior
COLLAPSED_KL = 0.01  # nats
NUMERICAL_ZERO = 1e-10


def active_latents(means: DoubleArray, *, gaussian: bool) -> DoubleArray:
    """Return the variance of each latent over pictures, (latent,), 0 where it is not active.

    A Gaussian code has the prior's scale, so the threshold is .01; a deterministic code has none of
    its own, and a latent is active above .01 of the mean variance.
    """
    variance = np.asarray(means, np.float64).var(axis=0)
    threshold = ACTIVE_VARIANCE * (1.0 if gaussian else float(variance.mean()))
    active: DoubleArray = np.where(variance > max(threshold, NUMERICAL_ZERO), variance, 0.0)
    return active


def participation_ratio(variances: DoubleArray) -> float:
    """Return (sum l)^2 / sum l^2 of the eigenvalues of a covariance; 0 where all are zero.

    Examples
    --------
    >>> round(participation_ratio(np.array([10, 4, 1, 0.5, 0.2])), 6)
    2.101543
    """
    total = float((variances**2).sum())
    return float(variances.sum() ** 2 / total) if total > 0 else 0.0


def collapse(
    means: DoubleArray,
    *,
    gaussian: bool,
    kl: DoubleArray | None = None,
    split: str = "test",
    n: int | None = None,
) -> list[Result]:
    """Report how much of a code is in use.

    Parameters
    ----------
    means : DoubleArray of shape (n, latent)
        Posterior means, or points; positions of a map stand as rows.
    gaussian : bool
        Whether the code has a standard normal prior.
    kl : DoubleArray of shape (latent,), optional
        KL of each latent to the prior, in nats, mean over pictures.
    n : int, optional
        Number of pictures, where rows are positions.
    """
    variance = active_latents(means, gaussian=gaussian)
    active = variance > 0
    eigenvalues = np.linalg.eigvalsh(np.atleast_2d(np.cov(means, rowvar=False)))
    settings = {"split": split, "latent": len(variance)}
    record: Callable[..., Result] = partial(
        Result, evaluation="collapse", features="latent", target=None, low=None, high=None,
        n=len(means) if n is None else n,
    )  # fmt: skip
    rule = "variance above .01" + ("" if gaussian else " of the mean variance")
    results = [
        record(
            metric="active_latents", value=float(active.sum()), settings={**settings, "rule": rule}
        ),
        record(
            metric="active_share", value=float(active.mean()), settings={**settings, "rule": rule}
        ),
        record(
            metric="participation_ratio",
            value=participation_ratio(np.maximum(eigenvalues, 0)),
            settings=settings,
        ),
    ]
    if kl is not None:
        by_latent = {**settings, "by_latent": [round(float(v), 6) for v in kl]}
        dead = float((np.asarray(kl) < COLLAPSED_KL).mean())
        results.append(record(metric="kl_nats", value=float(np.sum(kl)), settings=by_latent))
        results.append(record(metric="collapsed_share", value=dead, settings=settings))
    return results
