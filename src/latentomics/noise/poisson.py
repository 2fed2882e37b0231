"""Counting noise of X-rays, for line integrals: what a low dose does before reconstruction.

In: line integrals p (or values of which one unit is so many e-folds of the beam), two
standard-normal draws (photons and electronics), and sigma = 1 / sqrt(N0), the SD of a line integral
through air when N0 photons are sent. Out: noisy line integrals. Images in HU are reconstructions
and no line integrals: there the noise is ``correlated``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray
from latentomics.noise.model import Array, library_of, noise_model
from latentomics.noise.sigma import sigma_roi


def sigma_poisson(values: npt.ArrayLike, mask: BoolArray) -> float:
    """Estimate sigma from a homogeneous region of line integrals: SD * exp(-mean / 2).

    Examples
    --------
    >>> float(round(sigma_poisson(np.array([2.0, 2.0 + 2**0.5 * 0.1]), np.ones(2, bool)), 4))
    0.0355
    """
    mean = float(np.asarray(values, np.float64)[np.asarray(mask, dtype=bool)].mean())
    return sigma_roi(values, mask) * math.exp(-mean / 2)


@noise_model("poisson", draws=2, takes="line integrals", estimate=sigma_poisson)
def poisson(
    values: Array,
    draws: Sequence[Array],
    sigma: Array,
    *,
    electronic_photons: float = 0.0,
    e_folds: float = 1.0,
) -> Array:
    """Count n ~ Poisson(N0 exp(-p)) + N(0, electronic^2) and return -log(max(n, 1) / N0).

    A count of mean m is drawn as (sqrt(m) + z/2)^2 - 1/4 from a standard-normal z: its mean is m,
    its variance m + 1/8, and its skewness that of a Poisson count but for terms of 1/m.

    References
    ----------
    METHODS, section 5: the variance is (m + electronic^2) / m^2, the bias about half of it.
    """
    amplitude = (math.e ** (-0.5 * e_folds * values) + 0.5 * sigma * draws[0]).clip(min=0)
    share = amplitude**2 - 0.25 * sigma**2 + electronic_photons * sigma**2 * draws[1]
    return -library_of(values).log(share.clip(min=sigma**2)) / e_folds  # at least one photon
