"""What a bound from several draws gains on the usual one.

In: codes, draws and negative log likelihoods, the draws of a sample in turn, (batch * draws, ...).
Out: the importance-weighted bound minus the usual one, in nats, the same for all rows of a sample,
(batch * draws,). Beside NLL and KL of weight 1 the sum is -log mean_k w_k of each sample.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.densities import gaussian_log_density, prior_log_density
from latentomics.objectives.penalties.kl import kl
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("importance", codes=("gaussian",), signed=True, options={"draws": 8.0})
def importance(step: StepView) -> Tensor:
    """-log mean_k p(x, z_k) / q(z_k | x), minus the mean NLL and the KL; 0 or less in expectation.

    The encoder's gradient is doubly reparametrised: through the draws alone, each weighted by the
    square of its normalised weight. The plain one drowns in noise as the draws become many.

    References
    ----------
    Burda et al., 2016, arXiv:1509.00519; Tucker et al., 2019, arXiv:1810.04152; METHODS 10.
    """
    if not isinstance(step.code, Gaussian) or step.nll is None:
        raise RequestError(
            "an importance-weighted bound needs a Gaussian code and a likelihood",
            "penalty importance",
            "set the network's code to gaussian",
        )
    log_weight = importance_log_weights(step.draw, step.code, step.nll)  # (batch * draws,)
    grouped = log_weight.reshape(-1, step.draws)
    bound = math.log(step.draws) - grouped.logsumexp(1)
    surrogate = bound + _encoder_part(log_weight, grouped, step)
    usual = (step.nll + kl(step)).reshape(-1, step.draws).mean(1)
    return (surrogate - usual).repeat_interleave(step.draws)


def importance_log_weights(draw: Tensor, code: Gaussian, nll: Tensor) -> Tensor:
    """Return log p(x | z) + log p(z) - log q(z | x) of draws z (rows, latent), (rows,).

    The posterior's own parameters carry no gradient here, only the draws do.
    """
    posterior = gaussian_log_density(draw, code.mean.detach(), code.log_var.detach()).sum(1)
    return prior_log_density(draw).sum(1) - posterior - nll


def _encoder_part(log_weight: Tensor, grouped: Tensor, step: StepView) -> Tensor:
    """Return 0 for each sample, with the gradient that turns w_k into w_k^2 along the draws."""
    import torch

    if not (torch.is_grad_enabled() and step.draw.requires_grad):
        return torch.zeros_like(grouped[:, 0])
    slope = torch.autograd.grad(log_weight.sum(), step.draw, retain_graph=True)[0]
    along = (slope * (step.draw - step.draw.detach())).sum(1).reshape_as(grouped)
    share = grouped.detach().softmax(1)
    return ((share - share.square()) * along).sum(1)
