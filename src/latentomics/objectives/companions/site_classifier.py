"""A second network that tells the site from the code.

In: codes of a batch (batch, latent) and the number of each sample's site, -1 where it is unknown.
Out: how much more likely the true site is with the code than without, in nats; the mean over
samples estimates from below what the code knows about the site. Weights, the optimiser's moments
and how often each site was seen are remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Options, RequestError, StepView
from latentomics.objectives.companions.companion import Weights, companion
from latentomics.objectives.companions.second_network import SecondNetwork

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MOST_SITES = 64
STEEPNESS = 10.0  # of the growth of the reversed gradient, Ganin et al. 2016


@companion("site classifier", options={"reversal_steps": 500.0})
class SiteClassifier:
    """A dense network trained by cross-entropy, one step of Adam for each step of training.

    The gradient that its judgement sends into the code grows from 0 to 1, so that the classifier
    knows something before the code evades it.

    References
    ----------
    Ganin et al., 2016, arXiv:1505.07818; METHODS, section 20.
    """

    def __init__(self, latent: int, device: torch.device, seed: int, options: Options) -> None:
        import torch

        self.second = SecondNetwork("site classifier", latent, MOST_SITES, device, seed)
        self.seen = torch.zeros(MOST_SITES, device=device)  # samples of each site so far
        self.steps = float(options["reversal_steps"])

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Return the view with the nats of each sample's site, 0 where it is unknown."""
        if view.domain is None:
            return view, weights
        if int(view.domain.max()) >= MOST_SITES:
            raise RequestError(
                f"there are more than {MOST_SITES} sites",
                f"site number {int(view.domain.max())}",
                "join the sites into fewer groups, or use --set against_site=mmd",
            )
        known = view.domain >= 0
        sites = view.domain.clamp_min(0)
        if training and bool(known.any()):
            self.learn(view.draw.detach()[known], sites[known])
        strength = reversal(view.step, self.steps)

        def nats(draws: Tensor) -> Tensor:
            more = (self.log_share(draws, sites) - self.log_frequency(sites)) * known
            return more.detach() + strength * (more - more.detach())

        return replace(view, critic=nats), weights

    def learn(self, codes: Tensor, sites: Tensor) -> None:
        """Do one step on codes (batch, latent) of known sites (batch,)."""
        self.seen = self.seen + sites.bincount(minlength=MOST_SITES)
        self.second.learn(lambda: -self.log_share(codes, sites).mean())

    def log_share(self, codes: Tensor, sites: Tensor) -> Tensor:
        """Return log p(site | code) of each sample's own site, (batch,)."""
        shares = self.second(codes).log_softmax(1)
        return shares.gather(1, sites[:, None]).squeeze(1)

    def log_frequency(self, sites: Tensor) -> Tensor:
        """Return log p(site) of each sample's own site as seen in training, (batch,)."""
        share: Tensor = self.seen / self.seen.sum().clamp_min(1)
        return share.clamp_min(1e-12).log()[sites]

    def state(self) -> dict[str, Tensor]:
        """Return weights, moments and counts."""
        return {**self.second.state(), "seen": self.seen}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        self.seen = state["seen"]
        self.second.restore({name: value for name, value in state.items() if name != "seen"})


def reversal(step: int, steps: float) -> float:
    """Return the strength of the reversed gradient at a step, from 0 to 1.

    Examples
    --------
    >>> [round(reversal(step, 500), 3) for step in (0, 50, 500)]
    [0.0, 0.462, 1.0]
    """
    progress = min(1.0, step / steps) if steps > 0 else 1.0
    return 2 / (1 + math.exp(-STEEPNESS * progress)) - 1
