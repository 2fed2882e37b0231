"""Negative log likelihood by importance sampling, and the length of a description.

In: the logarithms of importance weights (n, draws) of samples, nats, and what a value of them was
measured in. Out: records: the negative log likelihood a sample, the bound that one draw gives, bits
a voxel, and how many draws the estimate rests on; intervals over patients.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import statistics

DRAWS = 2000  # resamples of patients


def importance_nll(log_weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return -log of the mean weight of each sample, nats, and its effective number of draws.

    Examples
    --------
    >>> nll, effective = importance_nll(np.log([[1.0, 3.0], [2.0, 2.0]]))
    >>> nll.round(4).tolist(), effective.round(4).tolist()
    ([-0.6931, -0.6931], [1.6, 2.0])

    References
    ----------
    Burda et al., 2016, arXiv:1509.00519; METHODS, section 6.
    """
    from scipy.special import logsumexp

    total = logsumexp(log_weights, axis=1)
    effective = np.exp(2 * total - logsumexp(2 * log_weights, axis=1))
    return math.log(log_weights.shape[1]) - total, effective


def description_bits(
    bound: DoubleArray, log_scale: DoubleArray, log_step: DoubleArray
) -> DoubleArray:
    """Return the bits that describe each sample, code and remainder, at its own step.

    Parameters
    ----------
    bound : DoubleArray of shape (n,)
        NLL + KL, nats, of densities in normalised units.
    log_scale, log_step : DoubleArray of shape (n,)
        Sums over the values that count: log of the unit they were normalised by, and log of the
        step in which they were stored, both in the acquisition's unit.

    References
    ----------
    Hinton and Zemel, 1993; METHODS, section 29.
    """
    bits: DoubleArray = (bound + log_scale - log_step) / math.log(2)
    return bits


def likelihood(
    log_weights: DoubleArray,
    patients: IntArray,
    *,
    values: DoubleArray,
    bits: DoubleArray | None,
    settings: dict[str, object],
    seed: int = 0,
) -> list[Result]:
    """Summarise the likelihood of samples.

    Parameters
    ----------
    log_weights : DoubleArray of shape (n, draws)
    patients : IntArray of shape (n,)
        Number of each sample's patient.
    values : DoubleArray of shape (n,)
        How many values of each sample count: voxels times channels.
    bits : DoubleArray of shape (n,), optional
        Of the description of each sample; None where its values have no step.
    settings : dict
        What the figures were made with.
    """
    nll, effective = importance_nll(log_weights)
    counted = np.maximum(values, 1)  # METHODS, section 1: an empty mask divides by 1
    columns = {
        "nll": nll,
        "nll_bound": -log_weights.mean(axis=1),
        "nll_per_voxel": nll / counted,
        "effective_draws": effective,
    }
    if bits is not None:
        columns["bits_per_voxel"] = bits / counted
    draws = statistics.draws_for(len(patients), DRAWS)
    weights = statistics.with_resamples(patients, draws, seed)
    results = []
    for metric, of_samples in columns.items():
        found = weights @ of_samples / weights.sum(axis=1)
        low, high = statistics.interval(found[1:])
        results.append(
            Result(
                evaluation="likelihood",
                features="latent",
                target=None,
                metric=metric,
                value=float(found[0]),
                low=low,
                high=high,
                n=len(np.unique(patients)),
                settings={**settings, "fewest_effective_draws": float(effective.min())},
            )
        )
    return results
