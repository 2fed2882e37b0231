"""How many parameters a network has, and how many a dense one would have (METHODS, section 29).

In: a spec. Out: counts; nothing is allocated, the network is only traced on torch's meta device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentomics.core import NetworkSpec
from latentomics.models.network import build_network

Layers = list[tuple[nn.Module, tuple[int, ...], tuple[int, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Parameters of a network and of its dense counterparts.

    ``network`` counts all parameters; ``dense`` has a dense map between the tensors that each
    convolution joins; ``one_position`` is the textbook's count, dense in but one output position.
    """

    network: int
    dense: int
    one_position: int


def parameter_counts(spec: NetworkSpec) -> ParameterCounts:
    """Count the parameters of a network and of its dense counterparts.

    Examples
    --------
    >>> spec = NetworkSpec(kind="dense", dimension=2, size=(28, 28), channels_in=1, channels_out=1,
    ...     latent=30, code="point", widths=(1000, 500, 250))
    >>> parameter_counts(spec).network  # KA-4.1
    2837314
    """
    with torch.device("meta"):
        network = build_network(spec, 0)
    layers = _trace(network, torch.empty(1, spec.channels_in, *spec.size, device="meta"))
    total = sum(parameter.numel() for parameter in network.parameters())
    dense, one_position = total, total
    for layer, shape_in, shape_out in layers:
        own = sum(parameter.numel() for parameter in layer.parameters())
        dense += (math.prod(shape_in) + 1) * math.prod(shape_out) - own
        one_position += (math.prod(shape_in) + 1) * shape_out[0] - own
    return ParameterCounts(network=total, dense=dense, one_position=one_position)


def dense_parameter_count(spec: NetworkSpec) -> int:
    """Return the parameters with dense maps in place of convolutions, between the same tensors."""
    return parameter_counts(spec).dense


def _trace(network: nn.Module, values: Tensor) -> Layers:
    layers: Layers = []

    def note(layer: nn.Module, given: tuple[Tensor], output: Tensor) -> None:
        layers.append((layer, tuple(given[0].shape[1:]), tuple(output.shape[1:])))

    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    for module in network.modules():
        if isinstance(module, convolutions):
            module.register_forward_hook(note)
    network(values)
    return layers
