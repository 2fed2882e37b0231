"""Total correlation as a discriminator sees it.

In: draws of codes (batch, latent) and the log odds of a discriminator. Out: nats per sample,
(batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("density_ratio", codes=("gaussian",), signed=True)
def density_ratio(step: StepView) -> Tensor:
    """Log odds that a draw comes from q(z) and not from the product of its marginals.

    For the best discriminator the mean over q(z) is KL(q(z) || prod_j q(z_j)).

    References
    ----------
    Kim and Mnih, 2018, arXiv:1802.05983; METHODS, section 8.
    """
    if step.critic is None:
        raise RequestError(
            "a density ratio needs a discriminator, and there is none",
            "penalty density_ratio",
            "use it in a method with companion 'discriminator'",
        )
    return step.critic(step.draw)
