"""The sum that training minimises: L = NLL + sum of weight times penalty, per sample.

In: a ``StepView``, a likelihood's name, penalties and weights. Out: loss and terms, (batch,).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Gaussian, StepView, expected_values
from latentomics.objectives.companions import Weights
from latentomics.objectives.likelihoods import LIKELIHOODS, Likelihood
from latentomics.objectives.likelihoods.likelihood import counted, weighted_sum
from latentomics.objectives.penalties import PENALTIES
from latentomics.objectives.penalties.kl import kl_by_latent

if TYPE_CHECKING:
    from torch import Tensor


def total(
    view: StepView, likelihood: str, penalties: Iterable[str], weights: Weights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of each sample and its terms.

    Parameters
    ----------
    view : StepView
        One step: target, weights, codes and output.
    likelihood : str
        Name in ``LIKELIHOODS``.
    penalties : iterable of str
        Names in ``PENALTIES``.
    weights : mapping
        Weight of each penalty at this step.

    Returns
    -------
    loss : Tensor (batch,)
        Nats.
    terms : dict of Tensor (batch,)
        ``nll`` and each penalty in nats, unweighted; ``kl`` of every Gaussian code, in the loss or
        not; ``nll_per_voxel``; ``mse``, the weighted mean of squared errors in normalised units.
    """
    chosen = LIKELIHOODS[likelihood]
    nll = chosen.nll(view)
    terms = {"nll": nll}
    loss, view = nll, replace(view, nll=nll)
    for name in penalties:
        terms[name] = PENALTIES[name].term(view)
        loss = loss + weights[name] * terms[name]
    return loss, _logged(view, nll.detach(), chosen) | terms


def _logged(view: StepView, nll: Tensor, likelihood: Likelihood) -> dict[str, Tensor]:
    count = counted(view).clamp_min(1)  # METHODS, section 1: an empty mask divides by 1
    error = (expected_values(view.output.detach(), likelihood.output) - view.target).square()
    terms = {"nll_per_voxel": nll / count, "mse": weighted_sum(error, view.weight) / count}
    if isinstance(view.code, Gaussian):
        terms["kl"] = kl_by_latent(view.code).detach().sum(1)
    return terms
