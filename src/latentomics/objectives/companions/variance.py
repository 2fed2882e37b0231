"""A running noise level, so that reconstruction and KL stay in balance.

In: the squared error of each step's batch, normalised units. Out: the log SD of the Gaussian
likelihood. The variance carries no gradient and is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Options, StepView
from latentomics.objectives.companions.companion import Weights, companion
from latentomics.objectives.likelihoods.gaussian import squared_error
from latentomics.objectives.likelihoods.likelihood import counted

if TYPE_CHECKING:
    import torch
    from torch import Tensor

KEPT = 0.99  # of the variance a step (METHODS, section 9)
SMALLEST = 1e-6


@companion(
    "running variance", likelihood="gaussian-learned", options={"rule": ("average", "lowest")}
)
class RunningVariance:
    """The mean squared error of the last hundred steps or so is the variance of the likelihood.

    References
    ----------
    Asperti and Trentin, 2020, arXiv:2002.07514. The authors take the ``lowest`` value so far, which
    a noisy batch lowers and none raises again; the usual rule is the plain average.
    """

    def __init__(
        self,
        latent: int,  # noqa: ARG002
        device: torch.device,
        seed: int,  # noqa: ARG002
        options: Options,
    ) -> None:
        import torch

        self.rule = str(options["rule"])
        self.variance = torch.ones((), dtype=torch.float64, device=device)

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Return the view with the log SD of the likelihood."""
        if training:
            error = squared_error(view).detach().double().sum()
            self.variance = following(
                self.variance, error / counted(view).double().sum().clamp_min(1), self.rule
            )
        return replace(view, log_scale=0.5 * self.variance.log().float()), weights

    def state(self) -> dict[str, Tensor]:
        """Return the variance."""
        return {"variance": self.variance}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from it."""
        self.variance = state["variance"]


def following(variance: Tensor, error: Tensor, rule: str) -> Tensor:
    """Return the variance after a batch of that mean squared error."""
    average = KEPT * variance + (1 - KEPT) * error
    return (average.minimum(variance) if rule == "lowest" else average).clamp_min(SMALLEST)
