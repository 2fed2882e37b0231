"""Convolutional parts: gradients in the precision of training."""

from __future__ import annotations

import pytest
import torch

from latentomics.models.blocks import convolution


@pytest.mark.parametrize("positions", [(2, 2, 2), (2, 4, 4), (4, 4, 4)])
def test_gradients_in_bfloat16_are_those_in_float32(positions: tuple[int, ...]) -> None:
    """Freed memory is full of NaN here, which a kernel that reads too far would take up."""
    torch.manual_seed(0)
    layer, values = convolution(3, 128, 128), torch.randn(16, 128, *positions)
    layer(values).square().mean().backward()
    expected = layer.weight.grad.clone()
    for _ in range(6):
        for size in (500_000, 4_000_000):
            torch.full((size,), float("nan"))
        layer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = layer(values)
        out.float().square().mean().backward()
        error = (layer.weight.grad - expected).norm() / expected.norm()
        assert error < 0.02  # 0.004 measured; NaN is no less


def test_float32_is_left_as_it_is() -> None:
    torch.manual_seed(0)
    layer, values = convolution(3, 8, 8), torch.randn(2, 8, 2, 4, 4)
    same = torch.nn.functional.conv3d(values, layer.weight, layer.bias, padding=1)
    assert torch.equal(layer(values), same)
