"""How a code enters the decoder: along a basis, or along directions of length one."""

from dataclasses import replace

import pytest
import torch

from latentomics.core import NetworkSpec, RequestError
from latentomics.models import build_network
from latentomics.models.codes import largest, make_code
from latentomics.models.entrance import Basis, Entrance

SPEC = NetworkSpec(
    kind="dense", dimension=1, size=(12,), channels_in=1, channels_out=1, latent=3, code="gaussian",
    widths=(8,), basis=5,
)  # fmt: skip


def test_KA_10_1_an_orthonormal_basis_keeps_lengths() -> None:
    basis = Basis(SPEC)
    code = torch.randn(7, 3)
    torch.testing.assert_close(basis(code).norm(dim=1), code.norm(dim=1))


def test_KA_10_1_the_strict_basis_stays_orthonormal_while_it_learns() -> None:
    basis = Basis(replace(SPEC, orthonormal=True))
    optimiser = torch.optim.Adam(basis.parameters(), lr=0.1)
    wanted = torch.randn(64, 5)
    for _ in range(20):
        loss = (basis(wanted @ basis.matrix) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.testing.assert_close(basis.matrix.mT @ basis.matrix, torch.eye(3), rtol=0, atol=1e-5)
    assert not torch.allclose(basis.free, basis.matrix)
    free = Basis(SPEC)
    free.free.data.mul_(2)
    assert not torch.allclose(free.matrix, basis.matrix)


def test_a_strict_basis_that_is_orthonormal_stays_what_it_is() -> None:
    basis = Basis(replace(SPEC, orthonormal=True))
    torch.testing.assert_close(basis.matrix, basis.free)


def test_a_basis_of_too_many_vectors_is_refused() -> None:
    with pytest.raises(RequestError, match="more vectors"):
        build_network(replace(SPEC, basis=2), 0)


@pytest.mark.parametrize("kind", ["dense", "convolutional"])
def test_the_decoder_reads_the_combination(kind: str) -> None:
    network = build_network(replace(SPEC, kind=kind, widths=(8, 8)), 0)
    entrance = next(m for m in network.modules() if isinstance(m, Entrance))
    assert entrance.basis is not None
    entrance.basis.free.data.zero_()
    code = torch.randn(2, 3)
    torch.testing.assert_close(network.decode(code), network.decode(torch.zeros(2, 3)))


def test_unit_columns_have_length_one_whatever_the_weights() -> None:
    entrance = Entrance(replace(SPEC, basis=0, unit_columns=True), 9)
    entrance.layer.weight.data.mul_(50)
    torch.testing.assert_close(entrance.columns.norm(dim=0), torch.ones(3))
    moved = entrance(torch.eye(3)) - entrance.layer.bias
    torch.testing.assert_close(moved.norm(dim=1), torch.ones(3))


def test_KA_12_top_k_keeps_the_largest_and_their_gradient_alone() -> None:
    z = torch.tensor([[0.5, -3.0, 2.0, 1.0], [-1.0, -2.0, -0.5, -4.0]], requires_grad=True)
    kept = largest(z, 2)
    assert kept.tolist() == [[0, 0, 2, 1], [-1, 0, -0.5, 0]]
    kept.sum().backward()
    assert z.grad is not None
    assert z.grad.tolist() == [[0, 0, 1, 1], [1, 0, 1, 0]]


def test_a_sigmoid_code_lies_between_0_and_1() -> None:
    code = make_code("sigmoid", torch.tensor([[-100.0, 0.0, 100.0]]))
    assert code.z.tolist() == [[0, 0.5, 1]]  # type: ignore[union-attr]


@pytest.mark.parametrize("active", [0, 4])
def test_top_k_without_sense_is_refused(active: int) -> None:
    with pytest.raises(RequestError, match="top-k"):
        build_network(replace(SPEC, basis=0, code="top-k", active=active), 0)
