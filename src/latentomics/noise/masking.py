"""Masking noise: elements set to zero.

In: normalised values, one draw uniform in [0, 1), the probability to be zeroed (in place of sigma).
Out: values without rescaling by 1/(1-p).
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.noise.model import Array, noise_model


@noise_model("masking", draws=1, distribution="uniform", takes="normalised")
def masking(values: Array, draws: Sequence[Array], sigma: Array) -> Array:
    """Set each element to zero with probability sigma, the others stay as they are.

    References
    ----------
    Vincent et al., 2008, doi:10.1145/1390156.1390294.
    """
    return values * (draws[0] >= sigma)
