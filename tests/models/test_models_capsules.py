"""Capsules know where their part is (METHODS, section 13)."""

import pytest
import torch

from latentomics.core import Capsules, NetworkSpec, RequestError
from latentomics.models import Network, build_network, centre
from latentomics.models.capsules import shifted


def capsules(size: tuple[int, ...] = (13, 18), count: int = 4) -> Network:
    d = len(size)
    spec = NetworkSpec(
        kind="capsules", dimension=d, size=size, channels_in=1, channels_out=1,
        latent=count * (1 + d), code="capsules", widths=(5, 7),
    )  # fmt: skip
    return build_network(spec, 0)


@pytest.mark.parametrize("size", [(13, 18), (5, 6, 7)])
def test_the_output_is_the_sum_of_what_each_capsule_draws(size: tuple[int, ...]) -> None:
    network = capsules(size)
    code = network.encode(torch.randn(3, 1, *size))
    assert isinstance(code, Capsules)
    assert code.presence.shape == (3, 4)
    assert code.pose.shape == (3, 4, len(size))
    absent = torch.cat([torch.zeros_like(code.presence), code.pose.flatten(1)], 1)
    nothing = network.decode(absent)
    parts = []
    for capsule in range(4):
        alone = torch.zeros_like(code.presence)
        alone[:, capsule] = code.presence[:, capsule]
        parts.append(network.decode(torch.cat([alone, code.pose.flatten(1)], 1)) - nothing)
    torch.testing.assert_close(network.decode(code.z), nothing + sum(parts), rtol=1e-4, atol=1e-5)


def test_KA_13_2_no_shift_is_a_plain_autoencoder() -> None:
    network = capsules()
    code = network.encode(torch.randn(3, 1, 13, 18))
    assert isinstance(code, Capsules)
    torch.testing.assert_close(shifted(code, torch.zeros(3, 2)), centre(code))
    moved = shifted(code, torch.tensor([[1.0, 0.0]]).expand(3, 2))
    torch.testing.assert_close(moved[:, :4], code.presence)
    torch.testing.assert_close(
        moved[:, 4:].reshape(3, 4, 2) - code.pose, torch.tensor([1.0, 0.0]).expand(3, 4, 2)
    )


@pytest.mark.parametrize(("size", "latent"), [((13, 18), 8), ((20,), 8), ((5, 6, 7), 6)])
def test_capsules_without_sense_are_refused(size: tuple[int, ...], latent: int) -> None:
    spec = NetworkSpec(
        kind="capsules", dimension=len(size), size=size, channels_in=1, channels_out=1,
        latent=latent, code="capsules", widths=(5, 7),
    )  # fmt: skip
    with pytest.raises(RequestError, match="presence and a pose"):
        build_network(spec, 0)
