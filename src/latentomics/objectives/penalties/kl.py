"""Divergence of the posterior from a standard normal prior.

In: Gaussian codes (batch, latent). Out: nats per sample, (batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("kl", codes=("gaussian",))
def kl(step: StepView) -> Tensor:
    """KL(q(z|x) || N(0, I)), summed over latents.

    References
    ----------
    Kingma and Welling, 2014, arXiv:1312.6114; METHODS, section 6.
    """
    if not isinstance(step.code, Gaussian):
        raise RequestError(
            "a KL term needs a Gaussian code", "penalty kl", "set the network's code to gaussian"
        )
    return kl_by_latent(step.code).sum(1)


def kl_by_latent(code: Gaussian) -> Tensor:
    """Divergence of each latent from N(0, 1), (batch, latent) in nats."""
    return 0.5 * (code.mean.square() + code.log_var.exp() - 1 - code.log_var)
