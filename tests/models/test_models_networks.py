"""Contract of every kind of network, on a signal, an image and a volume of odd sizes."""

from dataclasses import replace

import pytest
import torch

from latentomics.core import (
    Capsules,
    Gaussian,
    Map,
    NetworkSpec,
    Point,
    Quantised,
    RequestError,
)
from latentomics.models import (
    Network,
    build_network,
    centre,
    dense_parameter_count,
    draw,
    parameter_counts,
)

SIZES = {"signal": (101,), "image": (13, 18), "volume": (9, 14, 11)}
VECTORS = ("point", "sigmoid", "top-k", "gaussian", "quantised")
KINDS = {
    "convolutional": VECTORS,
    "dense": VECTORS,
    "linear": ("point", "gaussian"),
    "local": ("map",),
    "spatial": ("map", "quantised"),
    "capsules": ("capsules",),
    "recurrent": ("point", "gaussian"),
}
ONLY = {"capsules": ("image", "volume"), "recurrent": ("signal",)}
CASES = [
    pytest.param(kind, code, size, id=f"{kind}-{code}-{name}")
    for kind, codes in KINDS.items()
    for code in codes
    for name, size in SIZES.items()
    if name in ONLY.get(kind, SIZES)
]
RECORDS = {
    "point": Point,
    "sigmoid": Point,
    "top-k": Point,
    "gaussian": Gaussian,
    "map": Map,
    "quantised": Quantised,
    "capsules": Capsules,
}


def make_spec(kind: str, code: str, size: tuple[int, ...], **changes: object) -> NetworkSpec:
    spec = NetworkSpec(
        kind=kind,
        dimension=len(size),
        size=size,
        channels_in=2,
        channels_out=2,
        latent=8 if kind == "capsules" and len(size) == 3 else 6,
        code=code,
        stem=2 if kind == "spatial" else 4,
        widths=(8,) if kind == "recurrent" else (8, 16),
        linear_path=kind == "convolutional" and code in ("point", "gaussian"),
        active=2 if code == "top-k" else 0,
        codebook=16 if code == "quantised" else 0,
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def samples(spec: NetworkSpec, count: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, spec.channels_in, *spec.size, generator=generator)


def build(spec: NetworkSpec, seed: int = 0) -> Network:
    return build_network(spec, seed).eval()


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_shapes_of_codes_and_reconstructions(kind: str, code: str, size: tuple[int, ...]) -> None:
    spec = make_spec(kind, code, size)
    values = samples(spec)
    encoded, output = build(spec)(values)
    assert output.shape == values.shape
    assert output.dtype == torch.float32
    assert isinstance(encoded, RECORDS[code])
    positions = tuple(-(-n // 4) for n in size) if kind in ("local", "spatial") else ()
    assert centre(encoded).shape == (3, spec.latent, *positions)


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_every_parameter_gets_a_gradient(kind: str, code: str, size: tuple[int, ...]) -> None:
    spec = make_spec(kind, code, size)
    network = build(spec)
    values = samples(spec)
    encoded = network.encode(values)
    if kind == "spatial" and code == "map":
        seen = torch.zeros(3, 1, *encoded.z.shape[2:])  # type: ignore[union-attr]
        seen[:, :, ::2] = 1
        encoded = network.encode_seen(values, seen)
    noise = torch.ones_like(centre(encoded))
    network.decode(draw(encoded, noise)).square().sum().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == (["log_scale"] if (kind, code) == ("linear", "gaussian") else [])  # of noise


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_parameter_groups_hold_each_parameter_once(
    kind: str, code: str, size: tuple[int, ...]
) -> None:
    network = build(make_spec(kind, code, size))
    groups = network.parameter_groups()
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in network.parameters())
    assert all(0 < group["lr_factor"] <= 1 for group in groups)
    torch.optim.AdamW([{**group} for group in groups], lr=1e-3)  # type: ignore[dict-item]


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_D1_weights_depend_on_the_seed_alone(kind: str, code: str, size: tuple[int, ...]) -> None:
    spec = make_spec(kind, code, size)
    torch.manual_seed(1)
    first = build(spec, 5).state_dict()
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    torch.randn(7)
    second, other = build(spec, 5).state_dict(), build(spec, 6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    torch.manual_seed(1)
    build(spec, 5)
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's stream is untouched


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_a_code_does_not_depend_on_its_batch(kind: str, code: str, size: tuple[int, ...]) -> None:
    spec = make_spec(kind, code, size)
    values, network = samples(spec), build(spec)
    together = centre(network.encode(values))
    alone = centre(network.encode(values[1:2]))
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "code", "size"), CASES)
def test_bfloat16_stays_near_float32(kind: str, code: str, size: tuple[int, ...]) -> None:
    spec = make_spec(kind, code, size)
    values, network = samples(spec), build(spec)
    exact = network(values)[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fast = network(values)[1]
    assert fast.dtype == torch.float32
    assert (fast - exact).square().mean() < 1e-3 * exact.square().mean()


@pytest.mark.parametrize("code", ["point", "gaussian"])
def test_pooled_is_mean_sd_and_maximum_of_each_stage(code: str) -> None:
    spec = make_spec("convolutional", code, (9, 14, 11))
    network = build(spec)
    values = samples(spec)
    pooled = network.pooled(values)
    assert pooled.shape == (3, 3 * (8 + 16))
    padded = torch.nn.functional.pad(values, (0, 5, 0, 2, 0, 7), mode="replicate")
    coarse = network.encoder(padded)[-1].flatten(2).detach().numpy()  # type: ignore[operator]
    expected = (coarse.mean(2), coarse.std(2), coarse.max(2))
    for part, wanted in zip(pooled[:, 24:].split(16, dim=1), expected, strict=True):
        torch.testing.assert_close(part.detach(), torch.from_numpy(wanted), rtol=1e-4, atol=1e-5)


def test_gaussian_log_variance_is_softly_clamped() -> None:
    from latentomics.models.codes import make_code

    raw = torch.tensor([[1.0, -2.0, 50.0, 0.1]], requires_grad=True)  # means, then log variances
    code = make_code("gaussian", raw)
    assert isinstance(code, Gaussian)
    torch.testing.assert_close(code.log_var, torch.tensor([[9.9991, 0.1]]), rtol=1e-4, atol=0)
    code.log_var.sum().backward()
    assert raw.grad is not None
    assert raw.grad[0, 2] > 0  # no gradient is cut off
    mean, deviation = code.mean, (0.5 * code.log_var).exp()
    torch.testing.assert_close(draw(code, torch.ones_like(mean)), mean + deviation)
    assert draw(code) is mean


def test_KA_3_1_parameters_of_a_convolution() -> None:
    from latentomics.models.blocks import convolution

    counts = [
        sum(p.numel() for p in convolution(3, 16, 32).parameters()),
        sum(p.numel() for p in convolution(2, 1, 16).parameters()),
    ]
    assert counts == [13_824 + 32, 144 + 16]


def test_KA_4_1_parameters_of_the_deep_autoencoder() -> None:
    spec = NetworkSpec(
        kind="dense", dimension=2, size=(28, 28), channels_in=1, channels_out=1, latent=30,
        code="point", widths=(1000, 500, 250),
    )  # fmt: skip
    counts = parameter_counts(spec)
    encoder = sum(p.numel() for p in build(spec).encoder.parameters())  # type: ignore[union-attr]
    assert (counts.network, counts.dense, encoder) == (2_837_314, 2_837_314, 1_418_280)


def test_dense_counterpart_of_a_convolution() -> None:
    # one stem 2^2 -> 3 channels, code, back: only the stem and the 3x3 head are convolutions
    spec = make_spec("convolutional", "point", (4, 4), widths=(3,), stem=2, blocks=0, latent=1,
                     channels_in=1, channels_out=1, linear_path=False)  # fmt: skip
    counts = parameter_counts(spec)
    stem, head = (4 * 3 + 3), (9 * 3 * 4 + 4)
    others = counts.network - stem - head
    assert counts.dense == others + (16 + 1) * 12 + (12 + 1) * 16
    assert counts.one_position == others + (16 + 1) * 3 + (12 + 1) * 4
    assert dense_parameter_count(spec) == counts.dense


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (8, 8)},
        {"latent": 0},
        {"widths": (8, 0)},
        {"code": "map"},
        {"kind": "convolution"},
        {"channels_out": 3},
        {"widths": ()},
    ],
)
def test_a_spec_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        build(replace(make_spec("convolutional", "point", (9, 14, 11)), **changes))  # type: ignore[arg-type]


def test_pooling_is_refused_where_there_are_no_maps() -> None:
    spec = make_spec("dense", "point", (13, 18))
    with pytest.raises(RequestError, match="pool"):
        build(spec).pooled(samples(spec))
