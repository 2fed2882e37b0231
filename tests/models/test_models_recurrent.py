"""A recurrent autoencoder reads what is valid and nothing else (METHODS, section 16)."""

import math
from dataclasses import replace

import pytest
import torch

from latentomics.core import Gaussian, NetworkSpec, RequestError, StepView
from latentomics.models import Network, build_network
from latentomics.objectives import total

SPEC = NetworkSpec(
    kind="recurrent", dimension=1, size=(10,), channels_in=2, channels_out=1, latent=3,
    code="gaussian", widths=(12,),
)  # fmt: skip


def padded(signal: torch.Tensor, valid: int, length: int, fill: float) -> torch.Tensor:
    """Signals (batch, 1, n) and their mask, (batch, 2, length); what is not valid is ``fill``."""
    values = torch.full((len(signal), 2, length), fill)
    values[:, 0, :valid] = signal[:, 0, :valid]
    values[:, 1] = 0
    values[:, 1, :valid] = 1
    return values


def loss_of(network: Network, values: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    code = network.encode(values)
    assert isinstance(code, Gaussian)
    view = StepView(
        target=values[:, :1], weight=values[:, 1:], code=code, draw=code.mean,
        output=network.decode(code.mean), log_scale=None, second=None, domain=None, step=0,
        cohort_size=9,
    )  # fmt: skip
    return total(view, "gaussian", ("kl",), {"kl": 1.0})


def test_KA_16_1_the_loss_does_not_see_padding() -> None:
    signal = torch.randn(4, 1, 6, generator=torch.Generator().manual_seed(0))
    network = build_network(SPEC, 0)
    longer = build_network(replace(SPEC, size=(17,)), 0)
    longer.load_state_dict(network.state_dict())
    first, terms = loss_of(network, padded(signal, 6, 10, 0.0))
    for other, length, fill in ((network, 10, 7.0), (longer, 17, -3.0)):
        again, others = loss_of(other, padded(signal, 6, length, fill))
        torch.testing.assert_close(again, first)
        torch.testing.assert_close(others["mse"], terms["mse"])


def test_KA_16_1_padding_gets_no_gradient_at_all() -> None:
    signal = torch.randn(4, 1, 10, generator=torch.Generator().manual_seed(0))
    values = padded(signal, 6, 10, 2.0).requires_grad_()
    loss_of(build_network(SPEC, 0), values)[0].sum().backward()
    assert values.grad is not None
    assert not values.grad[:, 0, 6:].any()
    assert values.grad[:, 0, :6].all()


def test_KA_16_1_a_masked_mean_is_not_the_mean() -> None:
    error = torch.tensor([[[1.0, 2.0, 3.0, 0.5, 4.0, 1.7, 9.0, 9.0, 9.0, 9.0]]])
    network = build_network(SPEC, 0)
    values = padded(error, 6, 10, 0.0)
    view_error = (values[:, :1] * values[:, 1:]).sum() / values[:, 1:].sum()
    assert float(view_error) == pytest.approx(error[..., :6].mean().item())
    mse = loss_of(network, values)[1]["mse"]
    output = network.decode(network.encode(values).mean)  # type: ignore[union-attr]
    squared = (output - values[:, :1]).square().detach()
    torch.testing.assert_close(mse, squared[..., :6].mean().reshape(1))
    assert float(mse) != pytest.approx(float((squared * values[:, 1:]).mean()))


SPECTRUM, SCALE = (10, 4, 1, 0.5, 0.2), 0.2  # small values, for which the units are near linear


def rows_of_the_spectrum() -> torch.Tensor:
    """400 signals whose covariance (denominator n) has that spectrum, times SCALE, (400, 1, 5)."""
    generator = torch.Generator().manual_seed(0)
    white, turn = (torch.randn(n, 5, generator=generator).double() for n in (400, 5))
    left = torch.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    scaled = left * (400 * torch.tensor(SPECTRUM, dtype=torch.float64)).sqrt()
    return SCALE * (scaled @ torch.linalg.qr(turn)[0])[:, None]


@pytest.mark.slow
def test_KA_16_2_with_a_linear_decoder_it_comes_to_ppca() -> None:
    values, best = rows_of_the_spectrum(), 8.08716  # KA-2.3, k = 2
    spec = replace(SPEC, size=(5,), channels_in=1, latent=2, widths=(32,))
    network = build_network(spec, 0).double()
    linear = torch.nn.Linear(2, 5, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(SCALE * torch.eye(5)[:, :2])
        linear.bias.zero_()
    log_scale = torch.tensor(math.log(SCALE), dtype=torch.float64, requires_grad=True)
    learned = [*network.reader.parameters(), *network.into_code.parameters()]  # type: ignore[union-attr, operator]
    optimiser = torch.optim.LBFGS(
        [*learned, *linear.parameters(), log_scale], max_iter=600, line_search_fn="strong_wolfe"
    )
    signs = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)

    def bound() -> torch.Tensor:
        code = network.encode(values)
        assert isinstance(code, Gaussian)
        losses = []
        for pattern in signs:  # which have the moments of a normal draw
            drawn = code.mean + (0.5 * code.log_var).exp() * pattern
            view = StepView(
                target=values, weight=torch.ones_like(values), code=code, draw=drawn,
                output=linear(drawn)[:, None], log_scale=log_scale, second=None, domain=None,
                step=0, cohort_size=400,
            )  # fmt: skip
            losses.append(total(view, "gaussian-learned", ("kl",), {"kl": 1.0})[0].mean())
        return torch.stack(losses).mean()

    def close() -> torch.Tensor:
        optimiser.zero_grad()
        loss = bound()
        loss.backward()
        return loss

    optimiser.step(close)
    found = float(bound().detach()) - 5 * math.log(SCALE)  # METHODS 1: of values times SCALE
    assert best - 1e-5 < found < best + 2e-3
    assert math.exp(2 * float(log_scale.detach())) / SCALE**2 == pytest.approx(0.56667, abs=2e-3)


def test_the_code_is_read_at_the_last_valid_sample() -> None:
    network = build_network(SPEC, 0)
    signal = torch.randn(4, 1, 10, generator=torch.Generator().manual_seed(0))
    short = build_network(replace(SPEC, size=(6,)), 0)
    short.load_state_dict(network.state_dict())
    code = network.encode(padded(signal, 6, 10, 1.0))
    alone = short.encode(padded(signal, 6, 6, 1.0))
    torch.testing.assert_close(code.mean, alone.mean)  # type: ignore[union-attr]
    full = network.encode(padded(signal, 10, 10, 1.0))
    assert not torch.allclose(code.mean, full.mean)  # type: ignore[union-attr]


def test_the_decoder_knows_the_signal_through_its_code_alone() -> None:
    network = build_network(replace(SPEC, channels_in=1), 0)
    code = torch.randn(1, 3).expand(5, 3)
    output = network.decode(code)
    torch.testing.assert_close(output, output[:1].expand_as(output))


@pytest.mark.parametrize(
    "changes", [{"dimension": 2, "size": (4, 4)}, {"widths": (8, 8)}, {"code": "map"}]
)
def test_a_recurrent_network_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        build_network(replace(SPEC, **changes), 0)  # type: ignore[arg-type]
