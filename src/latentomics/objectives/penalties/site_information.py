"""What a code knows about the site, as a classifier sees it.

In: draws of codes (batch, latent) and a classifier's nats. Out: nats per sample, (batch,), times
the number of voxels, so that a weight holds beside the mean squared error of samples of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import StepView
from latentomics.objectives.likelihoods.likelihood import counted
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty(
    "site_information",
    codes=("point", "gaussian"),
    signed=True,
    compared=False,  # the classifier moves, so its judgement is no measure
    needs=("domain",),
)
def site_information(step: StepView) -> Tensor:
    """How much more likely the true site is with the code than without, times the voxels.

    It falls as the code gives the site away less; a classifier that fails is no proof that the
    site cannot be told (METHODS, section 20). Nothing where no site is known, as in validation.

    References
    ----------
    Ganin et al., 2016, arXiv:1505.07818.
    """
    if step.critic is None or step.domain is None:
        return 0 * counted(step)
    return step.critic(step.draw) * counted(step)
