"""The sum that training minimises: L = NLL + sum of weight times penalty, per sample.

In: a ``StepView``, a likelihood's name, penalties and weights. Out: loss and terms, (batch,).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from latentomics.core import StepView
from latentomics.objectives.likelihoods import LIKELIHOODS, Likelihood
from latentomics.objectives.likelihoods.likelihood import counted, weighted_sum
from latentomics.objectives.penalties import PENALTIES

if TYPE_CHECKING:
    from torch import Tensor


def total(
    view: StepView, likelihood: str, penalties: Iterable[str], weights: Mapping[str, float]
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
        ``nll`` and each penalty in nats, unweighted; ``nll_per_voxel``; ``mse``, the weighted mean
        of squared errors in normalised units.
    """
    chosen = LIKELIHOODS[likelihood]
    nll = chosen.nll(view)
    terms = {"nll": nll}
    loss = nll
    for name in penalties:
        terms[name] = PENALTIES[name].term(view)
        loss = loss + weights[name] * terms[name]
    return loss, terms | _logged(view, nll.detach(), chosen)


def _logged(view: StepView, nll: Tensor, likelihood: Likelihood) -> dict[str, Tensor]:
    count = counted(view).clamp_min(1)  # METHODS, section 1: an empty mask divides by 1
    error = (likelihood.mean(view.output.detach()) - view.target).square()
    return {"nll_per_voxel": nll / count, "mse": weighted_sum(error, view.weight) / count}
