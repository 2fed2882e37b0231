"""Bernoulli likelihood of values in [0, 1], from logits.

In: target in [0, 1], output as logits. Out: nats per sample, (batch,); its floor is the entropy of
the target, not 0, so it does not compare with a Gaussian one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import LOGITS, StepView
from latentomics.objectives.likelihoods.likelihood import likelihood, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor


@likelihood("bernoulli", bounded=True, output=LOGITS)
def bernoulli(step: StepView) -> Tensor:
    """Cross-entropy of values in [0, 1] with the decoder's logits."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    entropy = binary_cross_entropy_with_logits(step.output, step.target, reduction="none")
    return weighted_sum(entropy, step.weight)
