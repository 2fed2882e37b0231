"""A codebook's entries follow what they stand for (METHODS, section 10)."""

import numpy as np
import pytest
import torch

from latentomics.core import NetworkSpec, Quantised, RequestError
from latentomics.models import Network, build_network
from latentomics.models.quantiser import DECAY, SMOOTHING, Quantiser, perplexity

GENERATOR = torch.Generator()


def observed(quantiser: Quantiser, values: torch.Tensor, *, epoch_ends: bool = False) -> None:
    code = quantiser(values)
    quantiser.observe(
        code.encoded, code.index, epoch_ends=epoch_ends, generator=GENERATOR.manual_seed(1)
    )


def test_KA_10_2_perplexity() -> None:
    assert float(perplexity(torch.tensor([0.5, 0.25, 0.125, 0.125]))) == pytest.approx(3.363586)
    assert float(perplexity(torch.ones(7))) == pytest.approx(7)


def test_KA_10_2_entries_settle_on_two_clusters() -> None:
    quantiser = Quantiser(2, 1)
    noise = torch.randn(500, 400, generator=torch.Generator().manual_seed(0))
    centres = torch.tensor([-3.0, 2.0, 2.0, 2.0]).repeat(100)
    for row in noise:
        observed(quantiser, (centres + 0.05 * row)[:, None])
    for _ in range(2):  # the second epoch begins with settled entries
        observed(quantiser, centres[:, None], epoch_ends=True)
    found = sorted(quantiser.entries[:, 0].tolist())
    assert found == pytest.approx([-2.998, 2.0], abs=0.01)
    assert quantiser.measures()["perplexity"] == pytest.approx(1.754765, abs=1e-5)
    assert quantiser.measures()["dead_entries"] == 0


def test_KA_10_2_a_step_is_the_published_running_mean() -> None:
    quantiser = Quantiser(3, 2)
    observed(quantiser, torch.randn(50, 2, generator=torch.Generator().manual_seed(2)))
    count, total = quantiser.count.double().numpy(), quantiser.total.double().numpy()
    values = torch.randn(40, 2, generator=torch.Generator().manual_seed(3))
    apart = torch.cdist(values, quantiser.entries).argmin(1).numpy()
    for entry in range(3):
        chosen = values.double().numpy()[apart == entry]
        count[entry] = DECAY * count[entry] + (1 - DECAY) * len(chosen)
        total[entry] = DECAY * total[entry] + (1 - DECAY) * chosen.sum(0)
    smooth = (count + SMOOTHING) / (count.sum() + 3 * SMOOTHING) * count.sum()
    observed(quantiser, values)
    np.testing.assert_allclose(quantiser.entries.numpy(), total / smooth[:, None], rtol=1e-5)


def test_the_gradient_goes_straight_through() -> None:
    quantiser = Quantiser(8, 3)
    values = torch.randn(4, 3, 5, requires_grad=True)
    code = quantiser(values)
    weight = torch.randn(4, 3, 5)
    (code.z * weight).sum().backward()
    torch.testing.assert_close(values.grad, weight)
    nearest = torch.cdist(values.detach().movedim(1, -1), quantiser.entries).argmin(-1)
    assert torch.equal(code.index, nearest)
    assert torch.equal(code.z.detach(), quantiser.entries[nearest].movedim(-1, 1))  # exactly


def test_half_precision_around_it_changes_nothing() -> None:
    values = torch.randn(50, 2, generator=torch.Generator().manual_seed(2))
    first, second = Quantiser(3, 2), Quantiser(3, 2)
    second.load_state_dict(first.state_dict())
    observed(first, values)
    with torch.autocast("cpu", torch.bfloat16):
        observed(second, values)
    assert torch.equal(first.entries, second.entries)


def test_encoding_never_moves_the_entries() -> None:
    quantiser = Quantiser(8, 3)
    before = {name: value.clone() for name, value in quantiser.state_dict().items()}
    for training in (True, False):
        quantiser.train(training)(torch.randn(4, 3, 5))
    assert all(torch.equal(before[name], value) for name, value in quantiser.state_dict().items())


def test_a_dead_entry_starts_again_at_what_is_encoded() -> None:
    quantiser = Quantiser(4, 1)
    values = torch.linspace(-1, 1, 64)[:, None]
    observed(quantiser, values)
    quantiser.entries[0], quantiser.total[0] = 100.0, 100.0 * quantiser.count[0]
    quantiser.used.zero_()
    observed(quantiser, values, epoch_ends=True)
    assert quantiser.measures()["dead_entries"] == 1
    assert (quantiser.entries.abs() <= 1.01).all()
    assert not quantiser.used.any()
    observed(quantiser, values, epoch_ends=True)
    assert quantiser.measures()["dead_entries"] == 0


def quantised(kind: str, latent: int) -> Network:
    spec = NetworkSpec(
        kind=kind, dimension=2, size=(9, 14), channels_in=1, channels_out=1, latent=latent,
        code="quantised", widths=(8, 16), stem=2, codebook=16,
    )  # fmt: skip
    return build_network(spec, 0)


@pytest.mark.parametrize(("latent", "depth"), [(8, 4), (6, 2), (5, 1)])
def test_a_code_without_places_is_cut_into_entries(latent: int, depth: int) -> None:
    network = quantised("dense", latent)
    code = network.encode(torch.randn(3, 1, 9, 14))
    assert isinstance(code, Quantised)
    entries = next(m for m in network.modules() if isinstance(m, Quantiser)).entries
    assert code.index.shape == (3, latent // depth)
    torch.testing.assert_close(code.z, entries[code.index].flatten(1))


@pytest.mark.parametrize("kind", ["dense", "convolutional", "spatial"])
def test_a_network_observes_its_own_codes(kind: str) -> None:
    network = quantised(kind, 8)
    values = torch.randn(6, 1, 9, 14)
    quantiser = next(m for m in network.modules() if isinstance(m, Quantiser))
    before = quantiser.entries.clone()
    network.observe(network.encode(values), epoch_ends=True, generator=GENERATOR.manual_seed(0))
    assert not torch.equal(before, quantiser.entries)
    assert set(network.measures()) == {"perplexity", "dead_entries"}
    assert any("entries" in name for name in network.state_dict())  # a checkpoint holds them


def test_a_codebook_of_one_is_refused() -> None:
    with pytest.raises(RequestError, match="two entries"):
        Quantiser(1, 4)
