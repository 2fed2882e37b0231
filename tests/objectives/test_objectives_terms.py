"""Known answers of likelihoods, penalties and schedules (METHODS, sections 1, 6, 7 and 20)."""

import math
from dataclasses import replace

import pytest
import torch
from objectives_view import make_view

from latentomics.core import Code, Gaussian, Point, RequestError
from latentomics.objectives import LIKELIHOODS, PENALTIES, SCHEDULES, total, weights_at

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def gaussian(mean: float, deviation: float) -> Gaussian:
    return Gaussian(
        mean=torch.full((4, 1), mean), log_var=torch.full((4, 1), 2 * math.log(deviation))
    )


def test_KA_6_1_divergence_from_the_prior() -> None:
    kl = PENALTIES["kl"].term(make_view(code=gaussian(1, 0.5)))
    torch.testing.assert_close(kl, torch.full((4,), 0.818147), rtol=0, atol=1e-6)
    assert not PENALTIES["kl"].term(make_view(code=gaussian(0, 1))).any()


def test_KA_6_2_nll_at_the_best_variance() -> None:
    view = make_view()
    view = replace(view, output=view.target + 0.1)  # MSE .01
    _, terms = total(view, "gaussian-learned", (), {})
    torch.testing.assert_close(terms["mse"], torch.full((4,), 0.01), rtol=1e-5, atol=0)
    wanted = torch.full((4,), -0.883647)
    torch.testing.assert_close(terms["nll_per_voxel"], wanted, rtol=0, atol=1e-5)
    learned = replace(view, log_scale=torch.tensor(math.log(0.1)))
    torch.testing.assert_close(total(learned, "gaussian-learned", (), {})[0], terms["nll"])


def test_KA_6_2_a_variance_for_each_voxel_reaches_the_same() -> None:
    view = make_view()
    floor, wanted = math.log(1e-3), math.log(0.1)
    raw = torch.full_like(view.target, floor + math.log(math.expm1(wanted - floor)))
    view = replace(view, output=torch.cat([view.target + 0.1, raw], dim=1).requires_grad_())
    loss, terms = total(view, "gaussian-per-voxel", (), {})
    best = torch.full((4,), -0.883647)
    torch.testing.assert_close(terms["nll_per_voxel"].detach(), best, rtol=0, atol=1e-5)
    torch.testing.assert_close(terms["mse"], torch.full((4,), 0.01), rtol=1e-4, atol=0)
    gradient = torch.autograd.grad(loss.sum(), view.output)[0]
    assert float(gradient[:, 1:].abs().max()) < 1e-3  # at the best variance
    certain = torch.cat([view.target + 0.1, torch.full_like(raw, -20)], dim=1).requires_grad_()
    nll = total(replace(view, output=certain), "gaussian-per-voxel", (), {})[0]
    assert float(nll.max().detach()) < 15 * 0.5 * 0.1**2 / 1e-6  # the log SD stops at log 1e-3
    gradient = torch.autograd.grad(nll.sum(), certain)[0][:, 1:]
    assert (gradient < 0).all()  # and is pulled back up


def test_the_learned_scale_gets_a_gradient_that_vanishes_at_the_best() -> None:
    view = make_view()
    view = replace(view, output=view.target + 0.1)
    for log_scale, sign in ((math.log(0.1), 0), (0.0, 1), (math.log(0.01), -1)):
        parameter = torch.tensor(log_scale, requires_grad=True)
        total(replace(view, log_scale=parameter), "gaussian-learned", (), {})[0].sum().backward()
        assert parameter.grad is not None
        gradient = float(parameter.grad)
        assert abs(gradient) < 1e-2 if sign == 0 else math.copysign(1, gradient) == sign


def test_fixed_gaussian_is_the_squared_error_and_its_constant() -> None:
    view = make_view()
    error = (view.output - view.target).square().sum((1, 2, 3))
    constant = 15 * 0.5 * math.log(math.pi)
    torch.testing.assert_close(LIKELIHOODS["gaussian"].nll(view), error + constant)


def test_KA_1_1_two_means_and_their_canonical_beta() -> None:
    # mean squared error + KL averaged over M is 2 / D of NLL + beta KL with beta = D / (2 M)
    latent, values = 32, 32**3
    generator = torch.Generator().manual_seed(1)
    target, output = torch.rand(2, 2, 1, 32, 32, 32, generator=generator)
    mean, log_var = torch.randn(2, 2, latent, generator=generator)
    beta = values / (2 * latent)
    assert beta == 512
    view = make_view(
        target=target, output=output, weight=torch.ones(2, 1, 32, 32, 32),
        code=Gaussian(mean=mean, log_var=log_var), log_scale=torch.tensor(0.0),
    )  # fmt: skip
    loss, terms = total(view, "gaussian-learned", ("kl",), {"kl": beta})
    by_latent = 0.5 * (mean.square() + log_var.exp() - 1 - log_var)
    two_means = terms["mse"] + by_latent.mean(1)
    torch.testing.assert_close(loss - values * HALF_LOG_TWO_PI, values / 2 * two_means)


def test_bernoulli_reaches_the_entropy_of_its_target() -> None:
    target = torch.rand(4, 1, 3, 5, generator=torch.Generator().manual_seed(2)) * 0.98 + 0.01
    view = make_view(target=target, output=target.logit())
    entropy = -(target * target.log() + (1 - target) * (1 - target).log()).sum((1, 2, 3))
    torch.testing.assert_close(LIKELIHOODS["bernoulli"].nll(view), entropy)
    assert total(view, "bernoulli", (), {})[1]["mse"].max() < 1e-10


def test_KA_1_1_a_mask_divides_by_itself() -> None:
    weight = torch.zeros(4, 1, 3, 5)
    weight[:, :, 0] = 1
    view = make_view(weight=weight)
    expected = (view.output - view.target)[:, :, 0].square().mean((1, 2))
    torch.testing.assert_close(total(view, "gaussian", (), {})[1]["mse"], expected)
    empty = replace(view, weight=torch.zeros(4, 1, 3, 5))
    assert not total(empty, "gaussian", (), {})[1]["mse"].any()


def consistency(first: Code, second: Code) -> torch.Tensor:
    view = make_view(code=first, second=second)
    return PENALTIES["consistency"].term(view) / 15  # effective number of values


def test_KA_20_1_a_linear_encoder_of_row_sum_zero_ignores_offsets() -> None:
    generator = torch.Generator().manual_seed(3)
    values, rows = torch.randn(4, 9, generator=generator), torch.randn(3, 9, generator=generator)
    offset = torch.randn(4, 1, generator=generator)
    blind = rows - rows.mean(1, keepdim=True)
    invariant = consistency(Point(z=values @ blind.T), Point(z=(values + offset) @ blind.T))
    torch.testing.assert_close(invariant, torch.zeros(4), rtol=0, atol=1e-6)
    seeing = consistency(Point(z=values @ rows.T), Point(z=(values + offset) @ rows.T))
    assert (seeing > 1e-3).all()


def test_KA_20_1_scale_of_the_code_and_identity() -> None:
    first, second = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(4))
    term = consistency(Point(z=first), Point(z=second))
    trace = (first - first.mean(0)).square().mean(0).sum()
    torch.testing.assert_close(term, (second - first).square().sum(1) / (2 * trace))
    torch.testing.assert_close(consistency(Point(z=7 * first), Point(z=7 * second)), term)
    assert not consistency(Point(z=first), Point(z=first)).any()


def test_consistency_does_not_reward_a_smaller_code() -> None:
    first, second = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(5))
    scale = torch.tensor(1.0, requires_grad=True)
    term = consistency(Point(z=scale * first), Point(z=scale * second))
    term.sum().backward()
    assert scale.grad is not None
    torch.testing.assert_close(scale.grad, 2 * term.detach().sum())  # as with a fixed denominator


def test_variance_floor_is_the_shortfall_from_one() -> None:
    z = torch.tensor([[-0.5, -3], [0.5, 3.0]])  # SDs .5 and 3
    term = PENALTIES["variance_floor"].term(make_view(code=Point(z=z)))
    torch.testing.assert_close(term, torch.full((2,), 0.5), rtol=0, atol=1e-3)


def test_KA_7_warm_up_is_linear_then_full() -> None:
    weights = [weights_at({"kl": 4.0}, "warm-up", 100, step)["kl"] for step in (0, 25, 100, 900)]
    assert weights == [0, 1, 4, 4]
    assert weights_at({"kl": 4.0}, "constant", 100, 0) == {"kl": 4.0}
    assert all(SCHEDULES[name](0, 0) == 1 for name in SCHEDULES)


def test_KA_7_2_a_cyclical_weight_grows_in_half_of_each_quarter() -> None:
    cyclical = SCHEDULES["cyclical"]
    assert [cyclical(t, 1000) for t in (62.5, 125, 250, 312.5, 999)] == [0.5, 1, 0, 0.5, 1]  # type: ignore[arg-type]
    assert cyclical(2000, 1000) == 1


def test_terms_that_need_more_say_so() -> None:
    with pytest.raises(RequestError, match="Gaussian"):
        PENALTIES["kl"].term(make_view())
    with pytest.raises(RequestError, match="two views"):
        PENALTIES["consistency"].term(make_view())
