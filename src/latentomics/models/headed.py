"""An encoder with a linear head on its code: what a label is learned with (METHODS 29).

In: samples (batch, channels, *size). Out: one number each, (batch,): log odds, or a quantity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentomics.core import RequestError
from latentomics.models.codes import centre
from latentomics.models.network import Network, ParameterGroup


class Headed(nn.Module):
    """The encoder of a network and a head that starts at a constant.

    Parameters
    ----------
    encoder : Network
        With any weights; they are trained further.
    samples : Tensor
        Some training samples: their codes decide the one scale that the head sees, as in a probe.
    start : float
        What the head says before it has learned.

    Raises
    ------
    RequestError
        When the code of a sample is a map, which no linear head reads.
    """

    scale: Tensor

    def __init__(self, encoder: Network, samples: Tensor, start: float) -> None:
        super().__init__()
        encoder.eval()
        with torch.inference_mode():
            code = centre(encoder.encode(samples)).float()
        if code.ndim != 2 or encoder.spec.block:
            raise RequestError(
                "an encoder of maps has no code of a whole sample to put a head on",
                f"kind {encoder.spec.kind}",
                "run with a method that has one code a sample, such as autoencoder",
            )
        spread = float((code - code.mean(0)).square().mean().sqrt())
        self.encoder = encoder
        self.head = nn.Linear(code.shape[1], 1, device=code.device)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, start)
        self.register_buffer("scale", torch.full((), spread if spread > 0 else 1.0).to(code.device))

    def forward(self, samples: Tensor) -> Tensor:
        """Return what the head says of samples, (batch,)."""
        said: Tensor = self.head(centre(self.encoder.encode(samples)).float() / self.scale)
        return said[:, 0]

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return those of the encoder, and the head without decay."""
        head = ParameterGroup(params=list(self.head.parameters()), lr_factor=1.0, weight_decay=0.0)
        return [*self.encoder.parameter_groups(), head]
