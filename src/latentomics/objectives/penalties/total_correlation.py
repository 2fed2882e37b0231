"""Parts of the divergence of the aggregate posterior: mutual information and total correlation.

In: Gaussian codes and one draw from each, (batch, latent). Out: nats per sample, (batch,);
estimates from a minibatch, consistent for q(z), biased for its logarithm, possibly negative.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.densities import gaussian_log_density
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

ESTIMATOR = {"estimator": ("stratified", "weighted")}


@penalty("total_correlation", codes=("gaussian",), pairs=True, signed=True, options=ESTIMATOR)
def total_correlation(step: StepView) -> Tensor:
    """Estimate KL(q(z) || prod_j q(z_j)) from a minibatch.

    References
    ----------
    Chen et al., 2018, arXiv:1802.04942; weights as METHODS, section 8.
    """
    density, log_weight = _densities(step)
    log_joint = (log_weight + density.sum(-1)).logsumexp(1)
    log_marginals = (log_weight[..., None] + density).logsumexp(1).sum(-1)
    return log_joint - log_marginals


@penalty("mutual_information", codes=("gaussian",), pairs=True, signed=True, options=ESTIMATOR)
def mutual_information(step: StepView) -> Tensor:
    """Estimate E log q(z|x) / q(z), what a code says about which sample it is of."""
    density, log_weight = _densities(step)
    log_joint = (log_weight + density.sum(-1)).logsumexp(1)
    return density.sum(-1).diagonal() - log_joint


def _densities(step: StepView) -> tuple[Tensor, Tensor]:
    """Return log q(z_i | x_j) of each latent (batch, batch, latent) and weights (batch, batch)."""
    if not isinstance(step.code, Gaussian):
        raise RequestError(
            "an aggregate posterior needs a Gaussian code",
            "penalty total_correlation",
            "set the network's code to gaussian",
        )
    density = gaussian_log_density(step.draw[:, None], step.code.mean, step.code.log_var)
    stratified = step.options["estimator"] == "stratified"
    weights = stratified_log_weights if stratified else equal_log_weights
    return density, weights(len(step.draw), step.cohort_size).to(density)


def stratified_log_weights(batch: int, cohort: int) -> Tensor:
    """Return 1/N for a sample itself and (N - 1) / (N (B - 1)) for each other one, logarithms.

    The mean over batches is q(z), whatever the order of a batch. N counts training samples.
    """
    import torch

    other = math.log((cohort - 1) / (cohort * (batch - 1))) if min(batch, cohort) > 1 else -math.inf
    weights = torch.full((batch, batch), other, dtype=torch.float64)
    return weights.fill_diagonal_(-math.log(cohort))


def equal_log_weights(batch: int, cohort: int) -> Tensor:
    """Return 1 / (N B) for each sample, of the minibatch-weighted estimator, logarithms.

    It shifts the logarithm of a density by about log N, of the product of marginals latent times.
    """
    import torch

    return torch.full((batch, batch), -math.log(cohort * batch), dtype=torch.float64)
