"""Gaussian likelihoods: of a fixed variance, of one learned for all voxels, of one for each.

In: target and output (batch, channels, *size) in normalised units. Out: nats per sample, (batch,).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentomics.core import MEAN_AND_LOG_SD, StepView
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


@likelihood("gaussian-per-voxel", output=MEAN_AND_LOG_SD)
def gaussian_per_voxel(step: StepView) -> Tensor:
    """Gaussian of a variance that the decoder gives for each voxel of each sample.

    The log SD bends softly towards log 1e-3 and never stops its gradient: a certain voxel would
    otherwise be worth any number of nats.
    """
    from torch.nn.functional import softplus

    mean, raw = step.output.chunk(2, dim=1)
    log_sd = SMALLEST_LOG_SCALE + softplus(raw - SMALLEST_LOG_SCALE)
    error = (mean - step.target).square() * (-2 * log_sd).exp()
    return weighted_sum(0.5 * (error + math.log(2 * math.pi)) + log_sd, step.weight)


def squared_error(step: StepView) -> Tensor:
    """Weighted sum of squared errors of each sample, (batch,)."""
    return weighted_sum((step.output - step.target).square(), step.weight)
