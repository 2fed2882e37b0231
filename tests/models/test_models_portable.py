"""Halves of networks as ONNX: what onnxruntime gives is what torch gives, for any batch."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import torch
from test_models_networks import SIZES, build, make_spec, samples

from latentomics.core import Gaussian, NetworkSpec, RequestError
from latentomics.models import (
    DecoderHalf,
    EncoderHalf,
    Network,
    centre,
    free_size,
    onnx_bytes,
    require_onnx,
)

TOLERANCE = 1e-5
# every kind of network in every dimension it has, and every code in one
CASES = [
    *((kind, code, size) for kind, code in
      (("convolutional", "gaussian"), ("dense", "point"), ("linear", "gaussian"), ("local", "map"),
       ("spatial", "map"), ("capsules", "capsules")) for size in SIZES
      if (kind, size) != ("capsules", "signal")),
    ("spatial", "quantised", "image"),
    ("recurrent", "gaussian", "signal"),
    ("dense", "sigmoid", "signal"),
    ("dense", "top-k", "signal"),
    ("dense", "quantised", "signal"),
]  # fmt: skip
requires_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the extra 'onnx' is not installed",
)


def network_of(spec: NetworkSpec) -> Network:
    return build(spec).requires_grad_(False)


def session(content: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def largest_difference(half: EncoderHalf | DecoderHalf, example: torch.Tensor) -> float:
    """Compare batches of 1, 3 and 6, more than the model was exported with."""
    ready = session(onnx_bytes(half, example, {}))
    name = ready.get_inputs()[0].name
    assert [one.name for one in ready.get_outputs()] == list(half.names)
    return max(
        float(np.abs(one - other.numpy()).max()) / max(1.0, float(other.abs().max()))
        for values in (example[:1], example, torch.cat([example, example.flip(0)]))
        for one, other in zip(ready.run(None, {name: values.numpy()}), half(values), strict=True)
    )


@requires_onnx
def test_KA_2_1_the_exported_linear_encoder_is_a_projection() -> None:
    spec = make_spec("linear", "point", (4, 5))
    network = network_of(spec)
    values = samples(spec)
    path: Any = network.path
    path.mean.copy_(torch.linspace(-1, 1, 40))
    found = session(onnx_bytes(EncoderHalf(network, pooled=False), values, {"method": "linear"}))
    (code,) = found.run(None, {"values": values.numpy()})
    flat = values.flatten(1).double() - path.mean.double()
    np.testing.assert_allclose(code, flat @ path.encoder.double().T, rtol=1e-5, atol=1e-5)
    assert found.get_modelmeta().custom_metadata_map == {"method": "linear"}


@requires_onnx
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_both_halves_give_what_torch_gives(kind: str, code: str, size: str) -> None:
    spec = make_spec(kind, code, SIZES[size])
    network, values = network_of(spec), samples(spec)
    encoder = EncoderHalf(network, pooled=kind == "convolutional")
    assert largest_difference(encoder, values) < TOLERANCE
    drawn = centre(network.encode(values)).contiguous()
    assert largest_difference(DecoderHalf(network), drawn) < TOLERANCE


@requires_onnx
@pytest.mark.slow
def test_a_local_network_reads_samples_of_any_size() -> None:
    spec = make_spec("local", "map", (8, 12))
    network, values = network_of(spec), samples(spec)
    assert free_size(spec)
    ready = session(onnx_bytes(EncoderHalf(network, pooled=False), values, {}))
    larger = torch.randn(1, 2, 16, 20, generator=torch.Generator().manual_seed(1))
    code, read = ready.run(None, {"values": larger.numpy()})
    np.testing.assert_allclose(code, centre(network.encode(larger)), atol=TOLERANCE)
    known: Any = network
    np.testing.assert_allclose(read, known.read(larger).z, atol=TOLERANCE)
    back = session(onnx_bytes(DecoderHalf(network), centre(network.encode(values)), {}))
    (drawn,) = back.run(None, {"code": code})
    np.testing.assert_allclose(drawn, network.reconstruct(torch.tensor(code)), atol=TOLERANCE)


def test_a_size_is_free_in_whole_blocks_of_a_local_network() -> None:
    local = make_spec("local", "map", (8, 12))
    assert free_size(local)
    assert not free_size(make_spec("local", "map", (8, 4)))  # one block along an axis
    assert not free_size(make_spec("local", "map", (8, 13)))
    assert not free_size(make_spec("convolutional", "point", (8, 12)))


def test_the_outputs_are_named_by_what_they_are() -> None:
    gaussian = network_of(make_spec("convolutional", "gaussian", (8, 8)))
    assert EncoderHalf(gaussian, pooled=True).names == ("code", "log_var", "pooled")
    values = samples(gaussian.spec)
    code, log_var, pooled = EncoderHalf(gaussian, pooled=True)(values)
    known = gaussian.encode(values)
    assert isinstance(known, Gaussian)
    assert torch.equal(code, known.mean)
    assert torch.equal(log_var, known.log_var)
    assert torch.equal(pooled, gaussian.pooled(values))
    assert EncoderHalf(network_of(make_spec("local", "map", (8, 8))), pooled=False).names == (
        "code",
        "read",
    )


def test_without_the_extra_exporting_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(RequestError, match=r"onnxscript(?s:.*)pip install 'latentomics\[onnx\]'"):
        require_onnx()
