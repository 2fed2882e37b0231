"""Nats that each latent has for free, so that none is given up before it is of use.

In: Gaussian codes (batch, latent). Out: what the batch's mean KL of each latent lacks of its free
nats, summed over latents, the same for each sample, (batch,). Beside a KL term of the same weight
the sum is max(free, mean KL) of each latent: below its free nats a latent costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.penalties.kl import kl_by_latent
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty(
    "free_bits",
    codes=("gaussian",),
    per_sample=False,
    compared=False,  # models are compared by the true bound, not by the floored one
    options={"free_nats": 0.0},
)
def free_bits(step: StepView) -> Tensor:
    """Shortfall of each latent's mean KL from ``free_nats``.

    The floor is on the mean over the batch; one on each sample would also stop latents that say
    much about few pictures.

    References
    ----------
    Kingma et al., 2016, arXiv:1606.04934; METHODS, section 7.
    """
    if not isinstance(step.code, Gaussian):
        raise RequestError(
            "free bits need a Gaussian code", "penalty free_bits", "set the code to gaussian"
        )
    by_latent = kl_by_latent(step.code).mean(0)
    missing = (float(step.options["free_nats"]) - by_latent).clamp_min(0)
    return missing.sum().expand(len(step.code.mean))
