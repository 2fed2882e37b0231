"""Additive Gaussian noise, for CT in HU.

In: values in HU, one standard-normal draw, SD in HU. Out: noisy values in HU.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.noise.model import Array, noise_model
from latentomics.noise.sigma import sigma_mad


@noise_model("gaussian", draws=1, estimate=sigma_mad)
def gaussian(values: Array, draws: Sequence[Array], sigma: Array) -> Array:
    """Add white noise of SD sigma: x + sigma * n.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian(np.array([10.0]), [np.array([-1.0])], 2.0)
    array([8.])
    """
    return values + sigma * draws[0]
