"""A map of blocks, some of them hidden (METHODS, section 13)."""

from dataclasses import replace

import pytest
import torch

from latentomics.core import NetworkSpec, RequestError
from latentomics.models import Network, build_network

SPEC = NetworkSpec(
    kind="spatial", dimension=2, size=(13, 18), channels_in=1, channels_out=1, latent=5, code="map",
    widths=(8, 16), stem=2,
)  # fmt: skip
SIZES = [(29,), (13, 18), (9, 14, 11)]


def masked(size: tuple[int, ...] = (13, 18), **changes: object) -> Network:
    spec = replace(SPEC, dimension=len(size), size=size, **changes)  # type: ignore[arg-type]
    return build_network(spec, 0).eval()


def checkerboard(network: Network) -> torch.Tensor:
    seen = torch.zeros(1, 1, *network.positions)  # type: ignore[misc]
    for place in torch.ones(network.positions).nonzero():  # type: ignore[arg-type]
        seen[(0, 0, *place)] = float(place.sum() % 2)
    return seen


@pytest.mark.parametrize("size", SIZES)
def test_KA_13_what_is_hidden_changes_nothing(size: tuple[int, ...]) -> None:
    network = masked(size)
    values, other = torch.randn(2, 2, 1, *size, generator=torch.Generator().manual_seed(0))
    seen = checkerboard(network).expand(2, -1, *network.positions)  # type: ignore[misc]
    shown = network.voxels(seen)  # type: ignore[operator]
    mixed = torch.where(shown > 0, values, other)
    assert not torch.equal(mixed, values)
    assert torch.equal(
        network.encode_seen(values, seen).z,  # type: ignore[union-attr]
        network.encode_seen(mixed, seen).z,  # type: ignore[union-attr]
    )


def test_KA_13_hidden_blocks_are_zero_after_every_stage() -> None:
    network = masked()
    seen = checkerboard(network)
    found: list[torch.Tensor] = []
    stages = list(network.encoder.stages)  # type: ignore[union-attr,arg-type]
    for stage in stages[1:]:
        stage.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    last: list[torch.Tensor] = []
    network.encoder.into_code.register_forward_pre_hook(  # type: ignore[union-attr]
        lambda _, given: last.append(given[0])
    )
    network.encode_seen(torch.randn(1, 1, 13, 18), seen)
    for maps in (*found, *last):
        hidden = torch.nn.functional.interpolate(seen, maps.shape[2:]) == 0
        assert not maps[hidden.expand_as(maps)].any()
        assert maps[~hidden.expand_as(maps)].any()


def test_the_decoder_reads_one_token_where_a_block_is_hidden() -> None:
    network = masked()
    token = torch.arange(1.0, 6.0)
    network.hidden_token.data = token.view(1, 5, 1, 1)  # type: ignore[union-attr]
    seen = checkerboard(network)
    code = network.encode_seen(torch.randn(1, 1, 13, 18), seen).z  # type: ignore[union-attr]
    hidden = code.movedim(1, -1)[seen[:, 0] == 0]
    torch.testing.assert_close(hidden, token.expand_as(hidden))


@pytest.mark.parametrize("size", SIZES)
def test_a_block_is_rebuilt_from_others_alone(size: tuple[int, ...]) -> None:
    network = masked(size)
    values = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(0))
    blocks = torch.zeros(1, 1, *network.positions)  # type: ignore[misc]
    blocks[(0, 0, *[1] * len(size))] = 1
    here = network.voxels(blocks) > 0  # type: ignore[operator]
    before = network.rebuild(values)
    after = network.rebuild(torch.where(here, values + 5, values))
    assert before.shape == values.shape
    assert torch.isfinite(before).all()
    torch.testing.assert_close(before[here], after[here])
    assert not torch.allclose(before[~here], after[~here])


def test_KA_3_2_a_shift_by_the_block_shifts_the_interior_of_the_map() -> None:
    network = masked((64, 48))
    values = torch.randn(1, 1, 64, 48, generator=torch.Generator().manual_seed(0))
    maps = network.encode(values).z  # type: ignore[union-attr]
    shifted = network.encode(values.roll(4, 2)).z.roll(-1, 2)  # type: ignore[union-attr]
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    torch.testing.assert_close(shifted[inner], maps[inner], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(shifted[:, :, 0], maps[:, :, 0], atol=1e-3)  # zero padding
    odd = network.encode(values.roll(2, 2)).z  # type: ignore[union-attr]
    assert not torch.allclose(odd[inner], maps[inner], atol=1e-3)


def test_blocks_too_large_to_hide_are_refused() -> None:
    with pytest.raises(RequestError, match="too large to hide"):
        masked((8, 5), stem=4)


@pytest.mark.parametrize("changes", [{"code": "quantised", "codebook": 8}, {"kind": "dense"}])
def test_other_codes_cannot_hide(changes: dict[str, object]) -> None:
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]
    network = build_network(replace(spec, code="point") if spec.kind == "dense" else spec, 0)
    with pytest.raises(RequestError, match="hide"):
        network.encode_seen(torch.zeros(1, 1, 13, 18), torch.ones(1, 1, 4, 5))


def autoregressive(count: int, seed: int, length: int = 5, rho: float = 0.8) -> torch.Tensor:
    noise = torch.randn(count, length, generator=torch.Generator().manual_seed(seed))
    values = [noise[:, 0]]
    for step in range(1, length):
        values.append(rho * values[-1] + (1 - rho**2) ** 0.5 * noise[:, step])
    return torch.stack(values, 1)[:, None]


def test_KA_13_1_a_hidden_sample_is_predicted_as_well_as_can_be() -> None:
    network = masked((5,), stem=1, widths=(16,), latent=6).train()
    seen = torch.tensor([1.0, 1, 0, 1, 1]).view(1, 1, 5)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for step in range(400):
        values = autoregressive(512, step)
        output = network.decode(network.encode_seen(values, seen.expand(512, 1, 5)).z)  # type: ignore[union-attr]
        loss = (output - values)[:, :, 2].square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    values = autoregressive(100_000, 10**6)
    with torch.no_grad():
        output = network.decode(network.encode_seen(values, seen.expand(100_000, 1, 5)).z)  # type: ignore[union-attr]
    error = float((output - values)[:, :, 2].square().mean())
    optimum = (1 - 0.8**2) / (1 + 0.8**2)
    assert optimum == pytest.approx(0.219512, abs=1e-6)
    assert 0.98 * optimum < error < 1.05 * optimum  # below it the hidden sample has leaked
