"""Distance of the aggregate posterior from the prior, without any density.

In: draws of codes and of the prior, (batch, latent). Out: squared maximum mean discrepancy in units
of the kernel, the same for each sample, (batch,); unbiased, so it may be negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of 2 M, the mean squared distance of prior draws


@penalty("mmd", codes=("point", "gaussian"), pairs=True, needs=("prior",))
def mmd(step: StepView) -> Tensor:
    """Unbiased squared MMD of q(z) and N(0, I), inverse multiquadratic kernels of seven widths.

    References
    ----------
    Tolstikhin et al., 2018, arXiv:1711.01558; METHODS, section 8.
    """
    if step.prior is None:
        raise RequestError(
            "MMD compares codes with draws from the prior, and there are none",
            "penalty mmd",
            "give draws of the shape of the code",
        )
    return squared_mmd(step.draw, step.prior).expand(len(step.draw))


def squared_mmd(first: Tensor, second: Tensor) -> Tensor:
    """Return the unbiased squared MMD of two samples (n, latent); 0 where there is no pair."""
    n = len(first)
    if n < 2:
        return 0 * first.sum()
    latent = first.shape[1]
    within = _kernel(first, first, latent).sum() + _kernel(second, second, latent).sum()
    diagonals = 2 * n * len(SCALES)  # k(x, x) is 1 for each width: no pair of different samples
    across = _kernel(first, second, latent).mean()
    return (within - diagonals) / (n * (n - 1)) - 2 * across


def _kernel(first: Tensor, second: Tensor, latent: int) -> Tensor:
    """Return sum_c c / (c + |x - y|^2) of all pairs, (n, m)."""
    squared = (first[:, None] - second).square().sum(2)
    kernels = squared.new_zeros(squared.shape)
    for scale in SCALES:
        width = 2 * latent * scale
        kernels = kernels + width / (width + squared)
    return kernels
