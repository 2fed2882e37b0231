"""Known answers of the importance-weighted bound (METHODS, sections 6 and 10)."""

import math

import pytest
import torch
from objectives_view import make_view

from latentomics.core import Gaussian
from latentomics.objectives import total

OBSERVED = 1.5  # of x | z ~ N(z, .5), z ~ N(0, 1)
EVIDENCE = -1.871671
POSTERIOR = (1.0, 1 / 3)  # mean and variance of z given x


def bound(
    mean: torch.Tensor, log_var: torch.Tensor, draws: int, count: int, seed: int = 0
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of each row for ``count`` samples with so many draws each, (count * draws,)."""
    noise = torch.randn(
        count * draws, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    code = Gaussian(mean=mean.expand_as(noise), log_var=log_var.expand_as(noise))
    drawn = code.mean + (0.5 * code.log_var).exp() * noise
    view = make_view(
        target=torch.full_like(noise, OBSERVED)[:, None], weight=torch.ones_like(noise)[:, None],
        code=code, draw=drawn, output=drawn[:, None], draws=draws, options={"draws": float(draws)},
    )  # fmt: skip
    return total(view, "gaussian", ("kl", "importance"), {"kl": 1.0, "importance": 1.0})


def at(mean: float, variance: float) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.tensor(mean, dtype=torch.float64, requires_grad=True),
        torch.tensor(math.log(variance), dtype=torch.float64, requires_grad=True),
    )


@pytest.mark.parametrize(
    ("draws", "value"), [(1, -3.822365), (5, -2.0761), (50, -1.8855), (500, -1.8711)]
)
def test_KA_6_3_the_bound_rises_with_its_draws(draws: int, value: float) -> None:
    count = 200_000 // draws
    loss, terms = bound(*at(0, 1), draws, count)
    values = -loss.detach().reshape(count, draws).mean(1)
    error = float(values.std()) / math.sqrt(count)
    assert float(values.mean()) == pytest.approx(value, abs=4 * error + 1e-3)
    assert not terms["kl"].any()


@pytest.mark.parametrize("draws", [1, 7])
def test_KA_6_3_the_true_posterior_gives_the_evidence_without_variance(draws: int) -> None:
    loss, terms = bound(*at(*POSTERIOR), draws, 20)
    values = -loss.detach().reshape(20, draws).mean(1)
    torch.testing.assert_close(values, torch.full_like(values, EVIDENCE), rtol=0, atol=1e-6)
    parts = terms["nll"] + terms["kl"] + terms["importance"]
    torch.testing.assert_close(parts, loss)


def plain(mean: torch.Tensor, log_var: torch.Tensor, draws: int, count: int) -> torch.Tensor:
    """The bound with its plain gradient, written from the densities."""
    noise = torch.randn(
        count, draws, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    z = mean + (0.5 * log_var).exp() * noise
    normal = torch.distributions.Normal
    log_weight = (
        normal(z, math.sqrt(0.5)).log_prob(torch.tensor(OBSERVED).double())
        + normal(0.0, 1.0).log_prob(z)
        - normal(mean, (0.5 * log_var).exp()).log_prob(z)
    )
    return math.log(draws) - log_weight.logsumexp(1)


def test_the_encoder_has_the_gradient_of_the_bound() -> None:
    parameters = at(0.4, 0.6)
    doubly = torch.autograd.grad(bound(*parameters, 8, 60_000)[0].mean(), parameters)
    expected = torch.autograd.grad(plain(*parameters, 8, 60_000).mean(), parameters)
    for one, other in zip(doubly, expected, strict=True):
        assert float(one) == pytest.approx(float(other), abs=0.01)
    single = torch.autograd.grad(bound(*parameters, 1, 60_000)[0].mean(), parameters)
    assert abs(float(single[0])) > 3 * abs(float(doubly[0]))  # a tighter bound pulls less


def test_the_gradient_has_no_variance_at_the_true_posterior() -> None:
    parameters = at(*POSTERIOR)
    for seed in range(5):
        loss = bound(*parameters, 8, 1, seed)[0].mean()
        gradients = torch.autograd.grad(loss, parameters)
        assert max(abs(float(gradient)) for gradient in gradients) < 1e-9
    noisy = torch.autograd.grad(plain(*parameters, 8, 1).mean(), parameters)
    assert abs(float(noisy[0])) > 1e-3  # the plain one is noise here


def test_the_decoder_has_its_own_gradient() -> None:
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    mean, log_var = at(0.2, 0.5)
    noise = torch.randn(6, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    code = Gaussian(mean=mean.expand_as(noise), log_var=log_var.expand_as(noise))
    drawn = (code.mean + (0.5 * code.log_var).exp() * noise).detach().requires_grad_()
    view = make_view(
        target=torch.full_like(noise, OBSERVED)[:, None], weight=torch.ones_like(noise)[:, None],
        code=code, draw=drawn, output=(drawn + shift)[:, None], draws=3, options={"draws": 3.0},
    )  # fmt: skip
    weights = {"kl": 1.0, "importance": 1.0}
    loss = total(view, "gaussian", weights, weights)[0].mean()
    found = torch.autograd.grad(loss, shift)[0]
    z = drawn.detach().reshape(2, 3)
    normal = torch.distributions.Normal
    log_weight = (
        normal(z + shift, math.sqrt(0.5)).log_prob(torch.tensor(OBSERVED).double())
        + normal(0.0, 1.0).log_prob(z)
        - normal(mean, (0.5 * log_var).exp()).log_prob(z)
    )
    expected = torch.autograd.grad(-log_weight.logsumexp(1).mean(), shift)[0]
    torch.testing.assert_close(found, expected)
