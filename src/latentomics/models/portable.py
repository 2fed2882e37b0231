"""The two halves of a network as ONNX, a format that runs without this package and without torch.

In: a network and an example of what goes in. Out: the bytes of a model with a free batch axis
(networks ask for the ``shape`` of a batch: ``len`` would fix it) and named inputs and outputs. The
encoder takes ``values`` (batch, channels_in, *size) and gives what ``encoder_outputs`` names; the
decoder takes ``code`` and gives the expected intensities, ``reconstruction`` (batch, channels_out,
*size).
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from latentomics.core import Gaussian, NetworkSpec, RequestError
from latentomics.models.codes import centre
from latentomics.models.network import Network

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
VALUES, CODE, RECONSTRUCTION = "values", "code", "reconstruction"


class EncoderHalf(nn.Module):
    """From samples to a tuple of what ``encoder_outputs`` names."""

    def __init__(self, network: Network, *, pooled: bool) -> None:
        super().__init__()
        self.network = network
        self.names = encoder_outputs(network, pooled=pooled)

    def forward(self, values: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of their names."""
        code = self.network.encode(values)
        found = {CODE: centre(code)}
        if isinstance(code, Gaussian):
            found["log_var"] = code.log_var
        if "read" in self.names:
            found["read"] = self.network.read(values).z  # type: ignore[operator]
        if "pooled" in self.names:
            found["pooled"] = self.network.pooled(values)
        return tuple(found[name] for name in self.names)


class DecoderHalf(nn.Module):
    """From codes to expected intensities."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.names = (RECONSTRUCTION,)

    def forward(self, code: Tensor) -> tuple[Tensor, ...]:
        """Return reconstructions (batch, channels_out, *size)."""
        return (self.network.reconstruct(code),)


def encoder_outputs(network: Network, *, pooled: bool) -> tuple[str, ...]:
    """Return the names of what an encoder gives.

    ``code`` is what the decoder takes: the posterior mean of a Gaussian, with ``log_var`` beside
    it. ``read`` is the map that features are pooled from, where that is a finer one; ``pooled``
    the statistics of the encoder's maps.
    """
    spec = network.spec
    finer = spec.block and network.read_stride != spec.block
    flags = {"log_var": spec.code == "gaussian", "read": finer, "pooled": pooled}
    return (CODE, *(name for name, there in flags.items() if there))


def require_onnx() -> None:
    """Refuse where a package that exporting needs is not installed.

    Raises
    ------
    RequestError
        With the command that installs it.
    """
    absent = []
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError:
            absent.append(name)
    if absent:
        raise RequestError(
            f"exporting needs packages that are not installed: {', '.join(absent)}",
            "the extra 'onnx'",
            "pip install 'latentomics[onnx]'",
        )


def onnx_bytes(
    half: EncoderHalf | DecoderHalf, example: Tensor, properties: Mapping[str, str]
) -> bytes:
    """Return a half as the bytes of an ONNX model.

    Parameters
    ----------
    half : module
        On the CPU, in evaluation.
    example : Tensor
        Two or more inputs; their number is free in the model, their size see ``free_size``.
    properties : mapping
        Words that stand in the model's metadata.
    """
    taken = VALUES if isinstance(half, EncoderHalf) else CODE
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            half.eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[taken],
            output_names=list(half.names),
            dynamic_shapes=(_free_axes(half),),
        )
    if program is None:
        raise RuntimeError("torch gave no program")  # it does without dynamo alone
    proto = program.model_proto
    _forget_places(proto)
    for name, words in properties.items():
        proto.metadata_props.add(key=name, value=words)
    content: bytes = proto.SerializeToString()
    return content


def free_size(spec: NetworkSpec) -> bool:
    """Return whether an exported network takes samples of any size in multiples of its stem.

    An axis of one block is fixed by the exporter.
    """
    whole = all(n % spec.stem == 0 and n > spec.stem for n in spec.size)
    return spec.kind == "local" and whole


def _free_axes(half: EncoderHalf | DecoderHalf) -> dict[int, Any]:
    """Return which axes of the input have no fixed length."""
    spec = half.network.spec
    axes: dict[int, Any] = {0: torch.export.Dim("batch", min=1)}
    if free_size(spec):
        stem = spec.stem if isinstance(half, EncoderHalf) else 1  # a code has one position a block
        for axis in range(spec.dimension):
            axes[axis + 2] = stem * torch.export.Dim(f"blocks_{axis}", min=2)
    return axes


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence remarks of the exporter on packages that nothing here needs."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _forget_places(proto: Any) -> None:
    """Remove the paths of source files that the exporter notes at every operation."""
    for graph in (proto.graph, *proto.functions):
        del graph.metadata_props[:]
        for part in (*graph.node, *graph.value_info):
            del part.metadata_props[:]
            part.doc_string = ""
