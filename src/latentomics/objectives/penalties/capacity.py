"""A KL divergence held at a capacity instead of made small.

In: Gaussian codes (batch, latent). Out: distance of the batch's mean KL from its capacity, in nats,
the same for each sample, (batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import StepView
from latentomics.objectives.penalties.kl import kl
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty(
    "capacity",
    codes=("gaussian",),
    per_sample=False,
    options={"capacity": 25.0, "capacity_steps": 1000.0},
)
def capacity(step: StepView) -> Tensor:
    """|KL - C|, with C growing linearly from 0 to the capacity (nats) over its steps.

    The KL is the mean over the batch: held for each sample, every picture would have to say equally
    much.

    References
    ----------
    Burgess et al., 2018, arXiv:1804.03599; METHODS, section 7.
    """
    divergence = kl(step)
    return (divergence.mean() - capacity_at(step)).abs().expand_as(divergence)


def capacity_at(step: StepView) -> float:
    """Return the nats at which the KL is held at a step; all of them where there is no growth."""
    most, over = float(step.options["capacity"]), float(step.options["capacity_steps"])
    return most * (min(1.0, step.step / over) if over else 1.0)
