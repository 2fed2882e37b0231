"""Rician noise, for MR magnitudes.

In: magnitudes, two standard-normal draws (real and imaginary channel), SD of one channel, all in
the image's own unit. Out: noisy magnitudes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from latentomics.noise.model import Array, noise_model
from latentomics.noise.sigma import sigma_rayleigh


@noise_model("rician", draws=2, estimate=sigma_rayleigh)
def rician(values: Array, draws: Sequence[Array], sigma: Array) -> Array:
    """Magnitude of a complex signal with white noise: sqrt((A + sigma n1)^2 + (sigma n2)^2).

    With sigma 0 it is the magnitude |A|: an identity only where no value is negative.

    References
    ----------
    Gudbjartsson and Patz, 1995, doi:10.1002/mrm.1910340618; METHODS, section 5.
    """
    return ((values + sigma * draws[0]) ** 2 + (sigma * draws[1]) ** 2) ** 0.5


def rician_log_density(magnitude: float, signal: float, sigma: float) -> float:
    """Return log p(m | A, sigma) of a magnitude m > 0 where the signal is A.

    The Bessel function is scaled, because I0 of a usual signal-to-noise ratio overflows.

    Examples
    --------
    >>> round(rician_log_density(800, 790, 5), 6)  # KA-5.2
    -4.522082
    """
    from scipy.special import i0e

    scaled = float(i0e(magnitude * signal / sigma**2))
    return math.log(magnitude / sigma**2 * scaled) - (magnitude - signal) ** 2 / (2 * sigma**2)
