"""The posterior of samples: for evaluations of the aggregate posterior, and as features.

In: a network with a Gaussian code and samples of a store. Out: means and logarithms of variances
(rows, latent), of samples as they lie; variances by case, (cases, latent), averaged over flips as
latents are. Encoded as every code: float32, in chunks of one size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, Gaussian, IntArray, RequestError
from latentomics.dataset import Store
from latentomics.features.reading import CHUNK, chunk_of, chunks, read_each, reading
from latentomics.features.samples import ByCase, by_case, flips_of

if TYPE_CHECKING:
    from latentomics.models import Network
    from latentomics.planning import Plan


def posteriors(
    network: Network, store: Store, rows: IntArray
) -> tuple[DoubleArray, DoubleArray] | None:
    """Return means and log variances of samples; None where a code is no Gaussian vector."""
    if network.spec.code != "gaussian" or not len(rows):
        return None
    found: list[tuple[DoubleArray, DoubleArray]] = []
    with reading(network):
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            code = network.encode(chunk_of(network, store, some.tolist()))
            if not isinstance(code, Gaussian) or code.mean.ndim != 2:
                return None
            mean, log_var = (
                t.double().cpu().numpy()[: len(some)] for t in (code.mean, code.log_var)
            )
            found.append((mean, log_var))
    means, log_vars = zip(*found, strict=True)
    return np.concatenate(means), np.concatenate(log_vars)


def require_posterior(network: Network, plan: Plan) -> None:
    """Refuse a network whose code is no Gaussian vector.

    Raises
    ------
    RequestError
        Where it is none.
    """
    spec = network.spec
    if spec.code != "gaussian" or spec.block:
        raise RequestError(
            "this method's code has no posterior, so no variances",
            f"method {plan.method.value}, code {spec.code}",
            "use a method with a Gaussian code, such as vae",
        )


def posterior_variances(network: Network, plan: Plan, store: Store) -> ByCase:
    """Return how uncertain each latent of each case is: the variance of its posterior.

    Raises
    ------
    RequestError
        Where the code is no Gaussian vector.
    """
    require_posterior(network, plan)
    spec = network.spec
    flips = flips_of(spec.dimension, plan.symmetries.value)

    def read(rows: range) -> DoubleArray:
        tensor, found = chunk_of(network, store, rows), np.zeros((CHUNK, spec.latent))
        for axes in flips:
            code = network.encode(tensor.flip([2 + axis for axis in axes]) if axes else tensor)
            found += code.log_var.double().exp().cpu().numpy() / len(flips)  # type: ignore[union-attr]
        return found[: len(rows)]

    variances = np.concatenate([*read_each(network, read, chunks(store))])
    names = [f"posterior_variance_{number:03d}" for number in range(spec.latent)]
    return by_case(store, variances.astype(np.float32), names)
