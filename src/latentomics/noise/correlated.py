"""Correlated Gaussian noise: what the noise of a low-dose CT looks like in the image.

In: values in HU, one standard-normal draw, SD in HU, width of the kernel in voxels. Out: noisy
values in HU. White noise runs through a kernel whose squares sum to one, so that the SD of the
noise stays what was asked for (METHODS, section 5). The axes are periodic: the noise is alike
everywhere, at the border as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from latentomics.noise.model import Array, library_of, noise_model, spatial_axes
from latentomics.noise.sigma import sigma_roi

REACH = 4.0  # widths at which the kernel ends; what is cut off has e^-8 of its height


# the finest detail of correlated noise says too little of its level: sigma_mad would be wrong
@noise_model("correlated", draws=1, estimate=sigma_roi)
def correlated(
    values: Array, draws: Sequence[Array], sigma: Array, *, width_voxels: float = 1.0
) -> Array:
    """Add Gaussian noise of SD sigma that is smooth over about ``width_voxels``.

    Neighbours at distance d voxels correlate by exp(-d^2 / (4 width^2)).
    """
    roll = library_of(draws[0]).roll
    noise = draws[0]
    for axis in spatial_axes(noise):
        weights = kernel(width_voxels, noise.shape[axis])
        noise = sum(weight * roll(noise, shift, axis) for shift, weight in weights.items())
    return values + sigma * noise


def kernel(width: float, length: int) -> dict[int, float]:
    """Return the weights of a Gaussian on a ring of ``length`` voxels; their squares sum to one.

    Examples
    --------
    >>> kernel(0.0, 9)
    {0: 1.0}
    """
    reach = math.ceil(REACH * width)
    folded: dict[int, float] = {}
    for place in range(-reach, reach + 1):
        height = math.exp(-(place**2) / (2 * width**2)) if width > 0 else 1.0
        folded[place % length] = folded.get(place % length, 0.0) + height
    norm = math.sqrt(sum(weight**2 for weight in folded.values()))
    return {place: weight / norm for place, weight in folded.items()}
