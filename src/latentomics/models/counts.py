"""What a network takes: parameters, those of a dense one (METHODS, section 29), activations.

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
    ``activations`` are the values that all layers give for one sample of the spec's size.
    """

    network: int
    dense: int
    one_position: int
    activations: int


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
    layers, activations = _trace(
        network, torch.empty(1, spec.channels_in, *spec.size, device="meta")
    )
    total = sum(parameter.numel() for parameter in network.parameters())
    dense, one_position = total, total
    for layer, shape_in, shape_out in layers:
        own = sum(parameter.numel() for parameter in layer.parameters())
        dense += (math.prod(shape_in) + 1) * math.prod(shape_out) - own
        one_position += (math.prod(shape_in) + 1) * shape_out[0] - own
    return ParameterCounts(
        network=total, dense=dense, one_position=one_position, activations=activations
    )


def dense_parameter_count(spec: NetworkSpec) -> int:
    """Return the parameters with dense maps in place of convolutions, between the same tensors."""
    return parameter_counts(spec).dense


def _trace(network: nn.Module, values: Tensor) -> tuple[Layers, int]:
    """Return the convolutions with the tensors they join, and the values that all layers give."""
    layers: Layers = []
    values_given: list[int] = []

    def note(layer: nn.Module, given: tuple[Tensor], output: object) -> None:
        parts = output if isinstance(output, tuple) else (output,)
        tensors = [part for part in parts if isinstance(part, Tensor)]  # a code is its parts' own
        values_given.append(sum(tensor.numel() for tensor in tensors))
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            layers.append((layer, tuple(given[0].shape[1:]), tuple(tensors[0].shape[1:])))

    for module in network.modules():
        if not any(module.children()):
            module.register_forward_hook(note)
    network(values)
    return layers, sum(values_given)
