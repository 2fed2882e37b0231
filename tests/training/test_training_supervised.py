"""An encoder taught a label: closed forms, and what it learns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from training_plan import make_plan

from latentomics.core import NetworkSpec
from latentomics.features.regional import pooled_over
from latentomics.models import Crop, Headed, build_network
from latentomics.models.statistics import spread
from latentomics.planning import Length
from latentomics.training import Labelled, teach, told
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


def maps(kind: str = "local", **values: object) -> NetworkSpec:
    return NetworkSpec(
        **{  # type: ignore[arg-type]
            "kind": kind, "dimension": 2, "size": (16, 16), "channels_in": 1, "channels_out": 1,
            "latent": 3, "code": "map", "widths": (8, 8), **values,
        }
    )  # fmt: skip


def test_METHODS_30_the_statistics_of_a_map_are_those_of_the_features() -> None:
    code = torch.randn(3, 6, 7, generator=torch.Generator().manual_seed(0))
    regions = (np.arange(5), np.array([0, 8, 16, 20, 30, 41]), np.arange(20, 42))
    np.testing.assert_allclose(
        spread(code, regions), pooled_over(code[None].numpy(), regions), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        spread(code), pooled_over(code[None].numpy(), None), rtol=1e-5, atol=1e-6
    )


def test_gradients_pass_through_the_statistics_of_equal_values_too() -> None:
    code = torch.ones(2, 9, requires_grad=True)
    spread(code).sum().backward()
    assert torch.isfinite(code.grad).all()


@pytest.mark.parametrize(
    "spec", [maps(), maps("spatial"), maps("spatial", code="quantised", codebook=4)]
)
def test_the_head_reads_what_features_are_made_of_whatever_the_flip(spec: NetworkSpec) -> None:
    encoder = build_network(spec, 0)
    values = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    regions = (np.arange(3), np.arange(4))
    crops = [Crop(values=one, regions=regions) for one in values]
    headed = Headed(encoder, crops, 0.5)
    np.testing.assert_allclose(headed(crops).detach(), 0.5)

    def read(inputs: torch.Tensor) -> torch.Tensor:
        code = encoder.read(inputs)
        return (code.encoded if spec.code == "quantised" else code.z).detach()

    turned = [Crop(values=one, regions=regions, flipped=(1,)) for one in values]
    whole = Headed(encoder, values, 0.5)  # of a batch, without regions
    found = headed.code(crops)
    for given, maps_read, places in (
        (found, read(values), regions),
        (headed.code(turned), read(values.flip(3)).flip(3), regions),
        (whole.code(values), read(values), None),
    ):
        wanted = [pooled_over(one[None].numpy(), places).ravel() for one in maps_read]
        np.testing.assert_allclose(given.detach(), wanted, rtol=1e-4, atol=1e-5)
    found.sum().backward()
    read_only = {name for name, one in encoder.named_parameters() if one.grad is not None}
    assert read_only
    assert not any(name.startswith("decoder") for name in read_only)


class Lesions:
    """Crops of several sizes; what lies in the middle is coarser where a case is positive."""

    patch = (8, 8)

    def __init__(self, count: int, seed: int) -> None:
        draws = np.random.default_rng(seed)
        self.cases = tuple(f"{seed}-{number}" for number in range(count))
        self.positive = draws.permutation(np.arange(count) % 2).astype(np.float64)
        self.noise = draws.permutation(np.arange(count) % 2).astype(np.float64)
        self.values, self.regions = [], []
        for positive in self.positive:
            size = (int(draws.integers(4, 7)) * 4, int(draws.integers(4, 7)) * 4)
            values = draws.normal(size=(1, *size))
            values[:, 4:-4, 4:-4] *= 1.0 + 0.6 * positive
            self.values.append(values.astype(np.float32))
            number = np.arange((size[0] // 2 - 1) * (size[1] // 2 - 1))
            places = number.reshape(size[0] // 2 - 1, -1)
            self.regions.append((places[2:-2, 2:-2].ravel(), places[:2].ravel()))

    def __len__(self) -> int:
        return len(self.cases)

    def sample(self, row: int) -> SimpleNamespace:
        values = self.values[row]
        return SimpleNamespace(values=values, mask=np.ones(values.shape[1:], bool))


@pytest.mark.parametrize("easy", [True, False])
def test_METHODS_29_an_encoder_of_maps_learns_what_is_there_and_nothing_else(easy: bool) -> None:
    spec = maps(size=(8, 8))
    plan = make_plan(spec, view="local", size=(8, 8), symmetries="flips", learning_rate=0.01)
    lesions = [Lesions(count, seed) for seed, count in enumerate((64, 32, 100))]
    parts = [
        Labelled(store=one, truth=one.positive if easy else one.noise, regions=one.regions)
        for one in lesions
    ]
    taught = teach(build_network(spec, 0), plan, *parts[:2], binary=True, length=Length(steps=40))
    said, truth = told(taught, parts[2]), parts[2].truth
    auroc = np.mean(said[truth == 1][:, None] > said[truth == 0][None])
    if easy:
        assert auroc > 0.95
    else:
        assert 0.3 < auroc < 0.7
