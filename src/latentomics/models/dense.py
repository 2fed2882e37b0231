"""Dense encoder and decoder: all values of a sample into each hidden unit.

In: samples (batch, channels, *size), flattened. Out: code and reconstruction. Hidden layers have
the spec's widths and activation; what enters the code and leaves the decoder is linear (METHODS,
section 4). With activation 'linear' the whole is one linear map through the code.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from latentomics.core import Code, NetworkSpec, RequestError
from latentomics.models.codes import CodeHead
from latentomics.models.entrance import Entrance
from latentomics.models.network import NETWORKS, Network, features_in

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "logistic": nn.Sigmoid,
    "linear": nn.Identity,
}
LOGISTIC_GAIN = 4.0  # the logistic function has a quarter of the slope of tanh at 0


@NETWORKS.register("dense")
class DenseNetwork(Network):
    """Layers of the spec's widths down to the code, and mirrored up again."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        if spec.activation not in ACTIVATIONS:
            raise RequestError(
                f"a dense network has no activation {spec.activation!r}",
                "network: activation",
                f"use one of {', '.join(ACTIVATIONS)}",
            )
        activation = ACTIVATIONS[spec.activation]
        values_out = features_in(spec) // spec.channels_in * spec.decoder_channels
        self.code_head = CodeHead(spec)
        self.encoder = _layers(activation, features_in(spec), *spec.widths, self.code_head.width)
        first, *rest = (*reversed(spec.widths), values_out)
        layers = _layers(activation, first, *rest)
        self.decoder = nn.Sequential(
            Entrance(spec, first), *([activation(), *layers] if rest else [])
        )
        if spec.activation == "logistic":
            spread(self.encoder, self.decoder)

    def encode(self, values: Tensor) -> Code:
        """Return the code of samples (batch, channels_in, *size)."""
        code: Code = self.code_head(self.encoder(values.flatten(1)))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size)."""
        flat: Tensor = self.decoder(code)
        return flat.float().reshape(-1, self.spec.decoder_channels, *self.spec.size)


def _layers(activation: type[nn.Module], *widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [activation(), nn.Linear(before, after)]
    return nn.Sequential(*layers[1:])  # no activation on the input


def spread(*stacks: nn.Module) -> None:
    """Draw the weights of stacks of logistic layers (Xavier), in place of a start by RBMs.

    The last layer of each stack, which gives the code or the sample, is linear.
    """
    for stack in stacks:
        layers = [layer for layer in stack.modules() if isinstance(layer, nn.Linear)]
        for layer in layers:
            gain = 1.0 if layer is layers[-1] else LOGISTIC_GAIN
            nn.init.xavier_uniform_(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)
