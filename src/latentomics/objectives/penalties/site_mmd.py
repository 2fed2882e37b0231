"""Distance between the codes of different sites.

In: draws of codes (batch, latent) and the number of each sample's site, -1 where it is unknown.
Out: squared maximum mean discrepancy, the same for each sample, (batch,), times the number of
voxels, so that a weight holds beside the mean squared error of samples of any size.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from latentomics.core import StepView
from latentomics.objectives.likelihoods.likelihood import counted
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the median distance (METHODS, section 21)
FEWEST = 2  # samples of a site in a batch, for a pair of different ones


@penalty(
    "site_mmd", codes=("point", "gaussian"), pairs=True, signed=True, compared=False,
    needs=("domain",),
)  # fmt: skip
def site_mmd(step: StepView) -> Tensor:
    """Unbiased squared MMD of the codes of two sites, the mean over pairs of sites.

    Gaussian kernels of five widths about the median distance of the batch, which carries no
    gradient, so that shrinking the code gains nothing. Nothing where no two sites are known.

    References
    ----------
    METHODS, sections 20 and 21.
    """
    if step.domain is None:
        return 0 * counted(step)
    groups = [step.draw[step.domain == site] for site in sorted({*step.domain.tolist()} - {-1})]
    groups = [group for group in groups if len(group) >= FEWEST]
    pairs = list(combinations(groups, 2))
    if not pairs:
        return 0 * counted(step)
    median = _distances(step.draw, step.draw).detach().triu(1)
    width = median[median > 0].median() if bool((median > 0).any()) else median.sum() + 1
    apart = [squared_mmd(first, second, width) for first, second in pairs]
    return sum(apart) / len(pairs) * counted(step)


def squared_mmd(first: Tensor, second: Tensor, width: Tensor) -> Tensor:
    """Return the unbiased squared MMD of two samples (n, latent) and (m, latent).

    Parameters
    ----------
    width : Tensor
        Of the middle one of the kernels exp(-d^2 / (2 width^2)), whose mean is taken.
    """
    n, m = len(first), len(second)
    within = (_kernel(first, first, width).sum() - n) / (n * (n - 1))
    other = (_kernel(second, second, width).sum() - m) / (m * (m - 1))
    return within + other - 2 * _kernel(first, second, width).mean()


def _kernel(first: Tensor, second: Tensor, width: Tensor) -> Tensor:
    """Return the mean over widths of the kernel of all pairs, (n, m)."""
    squared = _distances(first, second).square()
    kernels = squared.new_zeros(squared.shape)
    for scale in SCALES:
        kernels = kernels + (-squared / (2 * (scale * width).square())).exp()
    return kernels / len(SCALES)


def _distances(first: Tensor, second: Tensor) -> Tensor:
    squared = (first[:, None] - second).square().sum(2)
    return squared.clamp_min(1e-12).sqrt()  # a finite gradient where two codes are equal
