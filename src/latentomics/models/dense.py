"""Dense encoder and decoder: all values of a sample into each hidden unit.

In: samples (batch, channels, *size), flattened. Out: code and reconstruction. Hidden layers have
the spec's widths, SiLU between them; code and output are linear (METHODS, section 4).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from latentomics.core import Code, NetworkSpec
from latentomics.models.codes import code_width, make_code
from latentomics.models.network import NETWORKS, Network, features_in


@NETWORKS.register("dense")
class DenseNetwork(Network):
    """Layers of the spec's widths down to the code, and mirrored up again."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        values_out = features_in(spec) // spec.channels_in * spec.channels_out
        self.encoder = _layers(features_in(spec), *spec.widths, code_width(spec.code, spec.latent))
        self.decoder = _layers(spec.latent, *reversed(spec.widths), values_out)

    def encode(self, values: Tensor) -> Code:
        """Return the code of samples (batch, channels_in, *size)."""
        return make_code(self.spec.code, self.encoder(values.flatten(1)))

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size)."""
        flat: Tensor = self.decoder(code)
        return flat.float().reshape(-1, self.spec.channels_out, *self.spec.size)


def _layers(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.SiLU(), nn.Linear(before, after)]
    return nn.Sequential(*layers[1:])  # no activation on the input
