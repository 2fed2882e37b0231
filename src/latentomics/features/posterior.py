"""The posterior of single samples, for evaluations of the aggregate posterior.

In: a network with a Gaussian code and samples of a store. Out: means and logarithms of variances
(rows, latent), of samples as they lie. Encoded as every code: float32, in chunks of one size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, Gaussian, IntArray
from latentomics.dataset import Store
from latentomics.features.encode import CHUNK, reading
from latentomics.features.samples import input_of

if TYPE_CHECKING:
    from latentomics.models import Network


def posteriors(
    network: Network, store: Store, rows: IntArray
) -> tuple[DoubleArray, DoubleArray] | None:
    """Return means and log variances of samples; None where a code is no Gaussian vector."""
    import torch

    if network.spec.code != "gaussian" or not len(rows):
        return None
    device = next(network.parameters()).device
    found: list[tuple[DoubleArray, DoubleArray]] = []
    with reading(network):
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            inputs = [input_of(store, int(row), network.spec.channels_in) for row in some]
            inputs += inputs[:1] * (CHUNK - len(inputs))
            code = network.encode(torch.from_numpy(np.stack(inputs)).to(device))
            if not isinstance(code, Gaussian) or code.mean.ndim != 2:
                return None
            mean, log_var = (
                t.double().cpu().numpy()[: len(some)] for t in (code.mean, code.log_var)
            )
            found.append((mean, log_var))
    means, log_vars = zip(*found, strict=True)
    return np.concatenate(means), np.concatenate(log_vars)
