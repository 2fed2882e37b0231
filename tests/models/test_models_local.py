"""A local code depends on its neighbourhood and on nothing else (METHODS, section 30)."""

import itertools

import pytest
import torch
from torch import Tensor

from latentomics.core import NetworkSpec, RequestError
from latentomics.models import build_network
from latentomics.models.blocks import depth_to_space, space_to_depth
from latentomics.models.local import LocalNetwork


def local(dimension: int = 3, **changes: object) -> LocalNetwork:
    settings: dict[str, object] = {
        "kind": "local", "dimension": dimension, "size": (24,) * dimension, "channels_in": 1,
        "channels_out": 1, "latent": 5, "code": "map", "widths": (8, 16),
    }  # fmt: skip
    network = build_network(NetworkSpec(**{**settings, **changes}), 0)  # type: ignore[arg-type]
    assert isinstance(network, LocalNetwork)
    return network.eval()


def image(*size: int) -> torch.Tensor:
    return torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(0))


def with_components(latent: int) -> tuple[LocalNetwork, Tensor, Tensor]:
    """A network that starts at the components of correlated blocks; blocks, eigenvalues."""
    generator = torch.Generator().manual_seed(1)
    blocks = torch.randn(500, 64, generator=generator) @ torch.randn(64, 64, generator=generator)
    blocks = blocks + 3.0
    centred = blocks - blocks.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(blocks))
    network = local(latent=latent, linear_path=True, size=(4, 4, 4))
    components = vectors.T.flip(0)[:latent]
    network.set_linear_path(blocks.mean(0), components, values.flip(0)[:latent])
    return network, blocks, values.flip(0)


@torch.no_grad()
def test_KA_30_3_one_linear_block_loses_the_discarded_eigenvalues() -> None:
    network, blocks, eigenvalues = with_components(5)
    samples = blocks.reshape(-1, 1, 4, 4, 4)
    rebuilt = network.decode(network.encode(samples).z)
    loss = (rebuilt - samples).square().sum((1, 2, 3, 4)).mean()
    torch.testing.assert_close(loss, eigenvalues[5:].sum(), rtol=1e-3, atol=0)


@torch.no_grad()
def test_each_channel_of_a_map_starts_with_a_variance_of_one() -> None:
    network, blocks, _ = with_components(5)
    codes = network.encode(blocks.reshape(-1, 1, 4, 4, 4)).z.flatten(1)
    torch.testing.assert_close(codes.var(0, correction=0), torch.ones(5), rtol=1e-3, atol=0)


@torch.no_grad()
def test_a_linear_path_joins_blocks_and_reads_between_them() -> None:
    network, blocks, _ = with_components(64)  # all components: nothing is lost
    values = blocks[:, 0].reshape(1, 1, 10, 10, 5)[..., :4].repeat(1, 1, 1, 1, 2)[:, :, :8, :8]
    fine, coarse = network.read(values).z, network.encode(values).z
    assert fine.shape == (1, 64, 3, 3, 3)
    torch.testing.assert_close(fine[:, :, ::2, ::2, ::2], coarse, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(network.decode(coarse), values, rtol=1e-3, atol=1e-2)


def test_the_layers_beside_a_linear_path_learn_from_the_first_steps() -> None:
    network, blocks, _ = with_components(5)
    samples = blocks.reshape(-1, 1, 4, 4, 4)
    (network.decode(network.encode(samples).z) - samples).square().mean().backward()
    silent = [name for name, part in network.named_parameters() if not part.grad.abs().max() > 0]
    assert {name.split(".")[0] for name in silent} == {"fine", "step", "into_code", "decoder"}
    last = {"into_code.2.weight", "into_code.2.bias"}
    assert last.isdisjoint(silent)


def test_reading_at_half_the_stride_holds_the_trained_map() -> None:
    network, values = local(), image(24, 20, 28)
    fine, coarse = network.read(values).z, network.encode(values).z
    assert fine.shape == (1, 5, 11, 9, 13)
    assert coarse.shape == (1, 5, 6, 5, 7)
    torch.testing.assert_close(fine[:, :, ::2, ::2, ::2], coarse, rtol=1e-4, atol=1e-5)


def test_KA_30_2_shifting_the_crop_by_the_read_stride_shifts_the_codes() -> None:
    network, values = local(), image(42, 40, 40)
    first, moved = network.read(values[:, :, :40]).z, network.read(values[:, :, 2:]).z
    inner = slice(4, 14)  # neighbourhoods that no border reaches
    torch.testing.assert_close(
        first[:, :, 5:15, inner, inner], moved[:, :, 4:14, inner, inner], rtol=1e-4, atol=1e-5
    )


def test_KA_3_2_an_odd_shift_changes_the_codes() -> None:
    network, values = local(2), image(42, 40)
    first, moved = network.read(values[:, :, :40]).z, network.read(values[:, :, 1:41]).z
    assert not torch.allclose(first[:, :, 4:14, 4:14], moved[:, :, 4:14, 4:14], atol=1e-3)


def test_KA_30_2_the_mean_over_flips_does_not_see_flips() -> None:
    network, values = local(), image(16, 20, 12)

    def averaged(given: torch.Tensor) -> torch.Tensor:
        axes = [a for n in range(4) for a in itertools.combinations((2, 3, 4), n)]
        return torch.stack([network.read(given.flip(a)).z.flip(a) for a in axes]).mean(0)

    torch.testing.assert_close(averaged(values.flip(2, 4)).flip(2, 4), averaged(values),
                               rtol=1e-4, atol=1e-5)  # fmt: skip


def test_a_code_sees_sixteen_voxels() -> None:
    network, values = local(), image(40, 40, 40).requires_grad_()
    network.read(values).z[0, :, 9, 9, 9].sum().backward()
    assert values.grad is not None
    seen = values.grad[0, 0].abs().amax((1, 2)).nonzero().flatten()
    assert (int(seen.min()), int(seen.max())) == (12, 27)
    centre = network.read_offset + 9 * network.read_stride
    assert centre == (12 + 27) / 2


@pytest.mark.parametrize("size", [(24, 24, 24), (40, 28, 36), (9, 14, 11)])
def test_any_size_is_encoded_and_decoded(size: tuple[int, ...]) -> None:
    network = local()
    output = network.decode(network.encode(image(*size)).z)
    assert output.shape[2:] == tuple(-(-n // 4) * 4 for n in size)


@pytest.mark.parametrize("changes", [{"code": "point"}, {"stem": 3}, {"widths": ()}])
def test_a_local_network_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="local network"):
        local(**changes)


@pytest.mark.parametrize("size", [(12,), (6, 9), (4, 6, 8)])
@pytest.mark.parametrize("edge", [1, 2, 3])
def test_depth_to_space_undoes_space_to_depth(size: tuple[int, ...], edge: int) -> None:
    values = torch.randn(2, 3, *(n * edge for n in size))
    folded = space_to_depth(values, edge)
    assert folded.shape == (2, 3 * edge ** len(size), *size)
    assert torch.equal(depth_to_space(folded, edge), values)
