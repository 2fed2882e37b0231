"""Latents that neither vary together nor leave the prior's variance.

In: Gaussian codes (batch, latent). Out: squared covariances, the same for each sample, (batch,);
their weights turn them into nats. Of few samples chance correlations add up, so methods give a
covariance over more than one batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("off_diagonal", codes=("gaussian",), per_sample=False, options={"kind": ("I", "II")})
def off_diagonal(step: StepView) -> Tensor:
    """Sum of squared covariances of different latents.

    References
    ----------
    Kumar et al., 2018, arXiv:1711.00848; METHODS, section 8.
    """
    covariance = _covariance(step)
    apart = covariance - covariance.diagonal().diag()
    return apart.square().sum().expand(len(step.draw))


@penalty("diagonal", codes=("gaussian",), per_sample=False, options={"kind": ("I", "II")})
def diagonal(step: StepView) -> Tensor:
    """Sum of squared distances of the latents' variances from 1."""
    return (_covariance(step).diagonal() - 1).square().sum().expand(len(step.draw))


def moments(code: Gaussian, kind: str) -> tuple[Tensor, Tensor]:
    """Return the mean (latent,) and mean product (latent, latent) of codes in float64.

    Kind I takes the posterior means, kind II whole posteriors: their variances add to the diagonal.
    """
    mean = code.mean.double()
    square = mean.T @ mean / len(mean)
    if kind == "II":
        square = square + code.log_var.double().exp().mean(0).diag()
    return mean.mean(0), square


def covariance_of(mean: Tensor, square: Tensor) -> Tensor:
    """Return the covariance (latent, latent), with denominator n."""
    return square - mean[:, None] * mean


def _covariance(step: StepView) -> Tensor:
    if step.covariance is not None:
        return step.covariance
    if not isinstance(step.code, Gaussian):
        raise RequestError(
            "covariances of a posterior need a Gaussian code", "DIP-VAE", "use a Gaussian code"
        )
    return covariance_of(*moments(step.code, str(step.options["kind"]))).float()
