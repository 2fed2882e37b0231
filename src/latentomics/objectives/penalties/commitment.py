"""Encoders that stay near the entries they chose.

In: quantised codes (batch, latent) or (batch, channels, *positions). Out: nats per sample,
(batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Quantised, RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("commitment", codes=("quantised",))
def commitment(step: StepView) -> Tensor:
    """Squared distance of what the encoder gave from the entries, which carry no gradient.

    References
    ----------
    van den Oord et al., 2017, arXiv:1711.00937; METHODS, section 10.
    """
    if not isinstance(step.code, Quantised):
        raise RequestError(
            "only a code of entries has something to commit to",
            "penalty commitment",
            "set the network's code to quantised",
        )
    apart = step.code.encoded - step.code.z.detach()
    return apart.square().flatten(1).sum(1)
