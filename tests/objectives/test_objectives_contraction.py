"""The derivative of an encoder is that of the whole encoder (METHODS, section 12)."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from latentomics.core import Code, NetworkSpec, Point, StepView
from latentomics.models import build_network, centre
from latentomics.objectives import PENALTIES
from latentomics.objectives.penalties.contraction import squared_jacobian

Encode = Callable[[torch.Tensor], Code]


def points(layers: nn.Module) -> Encode:
    return lambda values: Point(z=layers(values).flatten(1))


def reference(encode: Encode, values: torch.Tensor) -> torch.Tensor:
    """torch's own Jacobian, one sample at a time."""
    norms = []
    for sample in values:
        jacobian = torch.autograd.functional.jacobian(
            lambda one: centre(encode(one[None]))[0], sample
        )
        norms.append(jacobian.square().sum())  # type: ignore[union-attr]
    return torch.stack(norms)


def draw_probes(count: int, batch: int, latent: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, count, latent, generator=torch.Generator().manual_seed(seed)).sign()


def test_KA_12_2_one_dense_sigmoid_layer_has_the_closed_form() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(7, 4)
    values = torch.randn(5, 7)
    h = layer(values).sigmoid()
    closed = ((h * (1 - h)).square() * layer.weight.square().sum(1)).sum(1)
    found = squared_jacobian(points(nn.Sequential(layer, nn.Sigmoid())), values)
    torch.testing.assert_close(found, closed)


def test_KA_12_2_a_padded_convolution_is_not_the_norm_of_its_kernel() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(1, 2, 3, padding=1)
    values = torch.randn(3, 1, 6, 5)
    h = layer(values).sigmoid()
    slope = (h * (1 - h)).square()
    shortcut = (slope * layer.weight.square().sum((1, 2, 3)).view(1, 2, 1, 1)).flatten(1).sum(1)
    ones = torch.ones(1, 1, 6, 5)
    reached = nn.functional.conv2d(ones, layer.weight.square(), padding=1)
    correct = (slope * reached).flatten(1).sum(1)
    found = squared_jacobian(points(nn.Sequential(layer, nn.Sigmoid())), values)
    torch.testing.assert_close(found, correct)
    assert (shortcut > 1.1 * found).all()  # wrong at the borders


def deep() -> tuple[nn.Sequential, torch.Tensor]:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.Sigmoid(), nn.Conv2d(4, 4, 3, stride=2), nn.Sigmoid(),
        nn.Flatten(), nn.Linear(16, 6), nn.Sigmoid(),
    )  # fmt: skip
    return layers, torch.randn(3, 1, 6, 5)


def test_KA_12_2_the_last_layers_formula_is_wrong_for_a_deep_network() -> None:
    layers, values = deep()
    found = squared_jacobian(points(layers), values)
    torch.testing.assert_close(found, reference(points(layers), values))
    h = layers(values)
    last = ((h * (1 - h)).square() * layers[5].weight.square().sum(1)).sum(1)
    assert (last > 10 * found).all()


def test_KA_12_2_probes_estimate_the_norm_without_bias() -> None:
    layers, values = deep()
    exact = squared_jacobian(points(layers), values)
    single = torch.stack(
        [squared_jacobian(points(layers), values, draw_probes(1, 3, 6, s)) for s in range(400)]
    ).detach()
    error = single.std(0) / 400**0.5
    assert ((single.mean(0) - exact).abs() < 4 * error).all()
    assert (single.std(0) > 0).all()
    together = squared_jacobian(points(layers), values, draw_probes(400, 3, 6))
    torch.testing.assert_close(together, exact, rtol=0.2, atol=0)


@pytest.mark.parametrize("kind", ["dense", "convolutional"])
@pytest.mark.parametrize("size", [(11,), (9, 7), (5, 6, 4)])
def test_KA_12_2_our_encoders_have_torchs_jacobian(kind: str, size: tuple[int, ...]) -> None:
    spec = NetworkSpec(
        kind=kind, dimension=len(size), size=size, channels_in=1, channels_out=1, latent=3,
        code="sigmoid", widths=(8, 8), stem=2,
    )  # fmt: skip
    network = build_network(spec, 0)
    values = torch.randn(3, 1, *size, generator=torch.Generator().manual_seed(0))
    found = squared_jacobian(network.encode, values)
    torch.testing.assert_close(found, reference(network.encode, values), rtol=1e-4, atol=1e-8)


def view_of(encode: Encode, values: torch.Tensor, how: str) -> StepView:
    ones = torch.ones_like(values)
    return StepView(
        target=ones, weight=ones, code=encode(values), draw=values, output=values, log_scale=None,
        second=None, domain=None, step=0, cohort_size=3, encode=encode, input=values,
        probes=draw_probes(1, 3, 6), options={"jacobian": how, "probes": 1.0},
    )  # fmt: skip


def test_a_small_jacobian_is_computed_whole() -> None:
    layers, values = deep()
    term = PENALTIES["contraction"].term
    auto, exact, sounded = (
        term(view_of(points(layers), values, how)) for how in ("auto", "exact", "hutchinson")
    )
    torch.testing.assert_close(auto, exact)
    assert not torch.allclose(auto, sounded, rtol=1e-3)
    whole = squared_jacobian(points(layers), values) * 30 * 30  # values in, voxels counted
    torch.testing.assert_close(exact, whole)


def test_the_term_has_the_gradient_of_the_norm() -> None:
    layers, values = deep()
    weight = layers[0].weight
    term = PENALTIES["contraction"].term(view_of(points(layers), values, "exact")).sum()
    slope = torch.autograd.grad(term, weight)[0]
    direction = torch.randn_like(weight)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight.add_(sign * 1e-2 * direction)
        ends.append(PENALTIES["contraction"].term(view_of(points(layers), values, "exact")).sum())
        with torch.no_grad():
            weight.sub_(sign * 1e-2 * direction)
    numeric = float((ends[0] - ends[1]).detach()) / 2e-2
    assert float((slope * direction).sum()) == pytest.approx(numeric, rel=0.02)


@pytest.mark.parametrize("half", [False, True])
def test_it_is_computed_in_validation_as_in_training(half: bool) -> None:
    layers, values = deep()
    training = PENALTIES["contraction"].term(view_of(points(layers), values, "exact"))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        view = view_of(points(layers), values.clone(), "exact")
        validation = PENALTIES["contraction"].term(view)
    torch.testing.assert_close(validation, training.detach())
