"""Invariance of the code to rotation, gain and offset, and the spread that keeps it honest.

In: codes of a sample and of its transformed view. Out: nats per sample, (batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Code, Gaussian, RequestError, StepView
from latentomics.objectives.likelihoods.likelihood import counted
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 2  # samples that a variance is of
SMALLEST_SPREAD = 1e-12  # of a code that does not vary, where any distance is 0 as well


@penalty("consistency", codes=("point", "gaussian", "map"), per_sample=False, second_view=True)
def consistency(step: StepView) -> Tensor:
    """Distance between the codes of two views over twice the variance of codes, times the voxels.

    ``|z(t(x)) - z(x)|^2 / (2 tr Cov z)`` is 0 for equal codes and 1 on average for unrelated ones.
    The denominator carries no gradient, and the ratio is free of the scale of z, so shrinking the
    code gains nothing. Of one sample alone nothing varies, and the term is 0. It stands beside a
    mean squared error of voxels (METHODS, section 20), and a Gaussian NLL of variance 1/2 is that
    mean times the number of voxels, as this is.
    """
    if step.second is None:
        raise RequestError(
            "consistency compares two views of each sample, and there is only one",
            "penalty consistency",
            "use a method with a second view, such as invariant",
        )
    first, second = _flat(step.code), _flat(step.second)
    if len(first) < FEWEST:
        return 0 * (second - first).sum(1)
    spread = first.detach().var(0, correction=0).sum().clamp_min(SMALLEST_SPREAD)
    return (second - first).square().sum(1) / (2 * spread) * counted(step)


@penalty("variance_floor", codes=("point", "gaussian", "map"), per_sample=False)
def variance_floor(step: StepView) -> Tensor:
    """Shortfall of each latent's SD over the batch from 1, summed over latents.

    References
    ----------
    Bardes et al., 2022, arXiv:2105.04906, the variance term.
    """
    codes = _flat(step.code)
    deviation = (
        codes.var(0, correction=0) + 1e-4
    ).sqrt()  # 1e-4 as published: finite gradient at 0
    return (1 - deviation).clamp_min(0).sum().expand(len(codes))


def _flat(code: Code) -> Tensor:
    return (code.mean if isinstance(code, Gaussian) else code.z).flatten(1)
