"""A second network that tells joint codes from codes whose latents come from different samples.

In: draws of a batch, and draws of another one whose latents were shuffled, (batch, latent). Out:
the log odds that a draw is a joint one; their mean over q(z) estimates its total correlation, nats.
Weights and the optimiser's moments are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from latentomics.core import Options, RequestError, StepView, stream_seed
from latentomics.objectives.companions.companion import Weights, companion

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

WIDTH, LAYERS, SLOPE = 256, 3, 0.2
RATE, BETAS = 1e-3, (0.5, 0.9)


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
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, "discriminator"))
            self.network = _dense(latent).to(device).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.network.parameters(), RATE, BETAS)

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

        self.network.requires_grad_(True)
        self.optimiser.zero_grad(set_to_none=True)
        entropy = softplus(-self.log_odds(joint)).mean() + softplus(self.log_odds(shuffled)).mean()
        entropy.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.network.requires_grad_(False)

    def log_odds(self, draws: Tensor) -> Tensor:
        """Return the log odds (batch,) that draws (batch, latent) are joint ones."""
        odds: Tensor = self.network(draws)
        return odds.squeeze(1)

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        state = {f"weights/{name}": value for name, value in self.network.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"moments/{number}/{name}": value for name, value in moments.items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            kind, _, rest = name.partition("/")
            if kind == "weights":
                weights[rest] = value
            else:
                number, _, moment = rest.partition("/")
                moments.setdefault(int(number), {})[moment] = value
        self.network.load_state_dict(weights)
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})


def _dense(latent: int) -> nn.Sequential:
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise((latent, *[WIDTH] * LAYERS)):
        layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))
