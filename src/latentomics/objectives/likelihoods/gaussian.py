"""Gaussian likelihoods: of a fixed variance, and of one learned variance for all voxels.

In: target and output (batch, channels, *size) in normalised units. Out: nats per sample, (batch,).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentomics.core import StepView
from latentomics.objectives.likelihoods.likelihood import counted, likelihood, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor

FIXED_VARIANCE = 0.5  # METHODS, section 3: then the NLL is the sum of squared errors + a constant
SMALLEST_LOG_SCALE = math.log(1e-3)  # METHODS, section 6


@likelihood("gaussian")
def gaussian(step: StepView) -> Tensor:
    """Gaussian of fixed variance 1/2: the sum of squared errors, plus its constant."""
    constant = 0.5 * math.log(2 * math.pi * FIXED_VARIANCE)
    return squared_error(step) / (2 * FIXED_VARIANCE) + constant * counted(step)


@likelihood("gaussian-learned", per_sample=False)
def gaussian_learned(step: StepView) -> Tensor:
    """Gaussian of one learned variance: the step's log SD, or the best one for the batch.

    The best variance is the mean squared error; it carries no gradient, because the derivative of
    the likelihood is zero there.

    References
    ----------
    Rybkin et al., 2021, arXiv:2006.13202.
    """
    error, count = squared_error(step), counted(step)
    if step.log_scale is None:
        variance = error.detach().sum() / count.sum().clamp_min(1)
        log_scale = (0.5 * variance.log()).clamp_min(SMALLEST_LOG_SCALE)
    else:
        log_scale = step.log_scale
    constant = 0.5 * math.log(2 * math.pi) + log_scale
    return 0.5 * error * (-2 * log_scale).exp() + constant * count


def squared_error(step: StepView) -> Tensor:
    """Weighted sum of squared errors of each sample, (batch,)."""
    return weighted_sum((step.output - step.target).square(), step.weight)
