"""An encoder taught a label: closed forms, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentomics.core import NetworkSpec, RequestError
from latentomics.models import Headed, build_network
from latentomics.training.supervised import _unit

SPEC = NetworkSpec(
    kind="linear", dimension=1, size=(6,), channels_in=1, channels_out=1, latent=3, code="point"
)


def test_METHODS_29_a_head_starts_at_the_prevalence_whatever_the_code() -> None:
    samples = torch.randn(20, 1, 6, generator=torch.Generator().manual_seed(0))
    start, _ = _unit(np.array([1.0, 0, 0, 0]), binary=True)
    headed = Headed(build_network(SPEC, 0), samples, start)
    assert start == pytest.approx(np.log(1 / 3))
    np.testing.assert_allclose(headed(samples).detach(), start, rtol=1e-6)


def test_the_head_reads_codes_of_one_scale() -> None:
    samples = torch.randn(50, 1, 6, generator=torch.Generator().manual_seed(0))
    one, large = (Headed(build_network(SPEC, 0), factor * samples, 0.0) for factor in (1, 100))
    for headed in (one, large):
        torch.nn.init.ones_(headed.head.weight)
    np.testing.assert_allclose(
        (one(samples) - one(samples).mean()).detach(),
        (large(100 * samples) - large(100 * samples).mean()).detach(),
        rtol=1e-3,
        atol=1e-5,
    )


def test_a_quantity_is_learned_in_units_of_its_spread() -> None:
    assert _unit(np.array([10.0, 30.0]), binary=False) == (20.0, 10.0)
    assert _unit(np.array([7.0, 7.0]), binary=False) == (7.0, 1.0)


def test_an_encoder_of_maps_is_refused() -> None:
    spec = NetworkSpec(
        kind="local", dimension=2, size=(8, 8), channels_in=1, channels_out=1, latent=4,
        code="map", widths=(8,),
    )  # fmt: skip
    with pytest.raises(RequestError, match="code of a whole sample"):
        Headed(build_network(spec, 0), torch.zeros(2, 1, 8, 8), 0.0)
