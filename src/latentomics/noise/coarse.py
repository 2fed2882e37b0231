"""Coarse masking: whole blocks set to zero.

In: normalised values, one draw uniform in [0, 1), the probability of a block to be zeroed (in place
of sigma), the edge of a block in voxels. Out: values without rescaling by 1/(1-p).
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.noise.masking import masking
from latentomics.noise.model import Array, noise_model, spatial_axes


@noise_model("coarse", draws=1, distribution="uniform", takes="normalised")
def coarse(
    values: Array, draws: Sequence[Array], sigma: Array, *, edge_voxels: float = 4.0
) -> Array:
    """Set each block to zero with probability sigma, the others stay as they are.

    Blocks are counted from the first voxel of each axis, and each is decided by the draw at its own
    first voxel.

    References
    ----------
    METHODS, section 5.
    """
    edge = max(1, round(edge_voxels))
    decision = draws[0]
    for axis in spatial_axes(values):
        first = [position // edge * edge for position in range(values.shape[axis])]
        decision = decision[(slice(None),) * axis + (first,)]
    return masking(values, [decision], sigma)
