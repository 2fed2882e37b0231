"""The covariance of codes over more samples than one batch holds.

In: the codes of each step, (batch, latent). Out: a running covariance, (latent, latent): its value
is that of about 512 samples, its gradient that of this batch. A covariance of a small batch has
chance correlations, whose squares a penalty would add up (METHODS, section 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Gaussian, Options, RequestError, StepView
from latentomics.objectives.companions.companion import Weights, companion
from latentomics.objectives.penalties.covariance import covariance_of, moments

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SAMPLES = 512  # that the running moments stand for; METHODS asks for 256 and more


@companion("running covariance", options={"kind": ("I", "II")})
class RunningCovariance:
    """Running moments of the codes, corrected for their start at nothing."""

    def __init__(
        self,
        latent: int,
        device: torch.device,
        seed: int,  # noqa: ARG002
        options: Options,
    ) -> None:
        import torch

        self.options = options
        self.memory = {
            "mean": torch.zeros(latent, dtype=torch.float64, device=device),
            "square": torch.zeros(latent, latent, dtype=torch.float64, device=device),
            "share": torch.zeros((), dtype=torch.float64, device=device),  # of 1 so far
        }

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Return the view with the covariance."""
        if not isinstance(view.code, Gaussian):
            raise RequestError(
                "a covariance of codes needs a Gaussian code", "DIP-VAE", "use a Gaussian code"
            )
        mean, square = moments(view.code, str(self.options["kind"]))
        if training:
            new = min(1.0, 2 / (1 + SAMPLES / len(view.code.mean)))
            one = self.memory["share"].new_ones(())
            step = {"mean": mean.detach(), "square": square.detach(), "share": one}
            self.memory = {name: old.lerp(step[name], new) for name, old in self.memory.items()}
        batch = covariance_of(mean, square)
        covariance = batch + (self._running(batch) - batch).detach()
        return replace(view, covariance=covariance.float()), weights

    def _running(self, batch: Tensor) -> Tensor:
        share = self.memory["share"]
        if not share:  # a validation before the first step
            return batch
        return covariance_of(self.memory["mean"] / share, self.memory["square"] / share)

    def state(self) -> dict[str, Tensor]:
        """Return the moments."""
        return dict(self.memory)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        self.memory = dict(state)
