"""A second network that tells joint codes from codes whose latents come from different samples.

In: draws of a batch, and draws of another one whose latents were shuffled, (batch, latent). Out:
the log odds that a draw is a joint one; their mean over q(z) estimates its total correlation, nats.
Weights and the optimiser's moments are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Options, RequestError, StepView
from latentomics.objectives.companions.companion import Weights, companion
from latentomics.objectives.companions.second_network import SecondNetwork

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@companion("discriminator", shuffled=True)
class Discriminator:
    """A dense network trained by cross-entropy, one step of Adam for each step of training.

    References
    ----------
    Kim and Mnih, 2018, arXiv:1802.05983. Published with six layers of 1,000 units at rate 1e-4.
    """

    def __init__(
        self,
        latent: int,
        device: torch.device,
        seed: int,
        options: Options,  # noqa: ARG002
    ) -> None:
        self.second = SecondNetwork("discriminator", latent, 1, device, seed)

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Return the view with the log odds, which pass their gradient to the draws alone."""
        if training:
            if view.shuffled is None:
                raise RequestError(
                    "a discriminator compares draws with shuffled ones, and there are none",
                    "discriminator",
                    "give draws of a second batch, shuffled latent by latent",
                )
            self.learn(view.draw.detach(), view.shuffled)
        return replace(view, critic=self.log_odds), weights

    def learn(self, joint: Tensor, shuffled: Tensor) -> None:
        """Do one step on draws of q(z) and of the product of its marginals."""
        from torch.nn.functional import softplus

        self.second.learn(
            lambda: (
                softplus(-self.log_odds(joint)).mean() + softplus(self.log_odds(shuffled)).mean()
            )
        )

    def log_odds(self, draws: Tensor) -> Tensor:
        """Return the log odds (batch,) that draws (batch, latent) are joint ones."""
        return self.second(draws).squeeze(1)

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        return self.second.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        self.second.restore(state)
