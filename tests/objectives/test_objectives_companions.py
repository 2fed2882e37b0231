"""Known answers of controller, running variance and discriminator (METHODS 8 and 9)."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives_view import coded, make_view, of_divergence

from latentomics.core import RequestError, StepView
from latentomics.objectives import COMPANIONS, LIKELIHOODS, PENALTIES, Companion, usual_options
from latentomics.objectives.companions.controller import Controller, control
from latentomics.objectives.companions.discriminator import Discriminator
from latentomics.objectives.companions.variance import following

SPECTRUM = (10, 4, 1, 0.5, 0.2)
CPU = torch.device("cpu")
CONTROL = usual_options([COMPANIONS["controller"].options])


def double(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def steady(beta: float) -> float:
    """KL of a linear VAE at a weight beta, noise variance .1."""
    return sum(max(0, 0.5 * math.log(value / (max(beta, 1e-4) * 0.1))) for value in SPECTRUM)


def plant(steer: Callable[[float], float], times: float, steps: int) -> list[float]:
    """The KL over steps: it follows its steady value slowly."""
    kl, seen = 0.0, []
    for _ in range(steps):
        kl += 0.02 * (times * steady(steer(kl)) - kl)
        seen.append(kl)
    return seen


def settled(kls: list[float], goal: float) -> int:
    return 1 + max(step for step, kl in enumerate(kls) if abs(kl / goal - 1) > 0.02)


def steering(goal: float) -> Callable[[float], float]:
    controller = Controller(5, CPU, 0, CONTROL)
    return lambda kl: float(controller.steer(double(kl), goal))


def test_KA_9_1_the_controller_settles() -> None:
    assert settled(plant(steering(8), 1, 4900), 8) == pytest.approx(4770, abs=10)


def test_KA_9_1_its_fixed_point_is_the_weight_of_the_set_point() -> None:
    assert steady(0.537861) == pytest.approx(8, abs=1e-5)
    controller = Controller(5, CPU, 0, CONTROL)
    integral = double(0.537861 - 0.01 / 2)  # the proportional part of no error is half its factor
    controller.restore({"integral": integral, "kl": double(8), "steps": double(9)})
    assert float(controller.steer(double(8), 8)) == pytest.approx(0.537861, abs=1e-9)
    assert float(controller.memory["integral"]) == pytest.approx(0.532861, abs=1e-9)


def test_KA_9_2_anti_windup_settles_where_holding_outside_locks() -> None:
    assert settled(plant(steering(200), 25, 600), 200) == pytest.approx(340, abs=10)
    integral = before = 0.0

    def holding_outside(kl: float) -> float:  # as in published code
        nonlocal integral, before
        error = 200 - kl
        if 0 <= before <= 1:
            integral -= 1e-4 * error
        before = integral + 0.01 / (1 + math.exp(error))
        return min(1.0, max(0.0, before))

    assert plant(holding_outside, 25, 600)[-1] == pytest.approx(736.9, abs=0.1)


def test_the_integral_does_not_wind_up() -> None:
    integral = double(0.0)
    for _ in range(500):  # far above its set point, whatever beta is
        beta, integral = control(integral, double(-500.0), CONTROL)
    assert float(beta) == pytest.approx(1, abs=0.05)
    assert 0.9 < float(integral) <= 1
    beta, integral = control(integral, double(500.0), CONTROL)  # and turns at once
    assert float(beta) < 1


def test_a_controlled_weight_moves_no_gradient_and_models_are_compared_by_the_constraint() -> None:
    code = of_divergence([[30.0, 4.0], [2.0, 0.0]])
    code.mean.requires_grad_()
    options = {**CONTROL, "capacity": 10.0, "beta_max": 3.0}
    controller = Controller(2, CPU, 0, options)
    view = make_view(code=code, options=options, step=5)
    same, weights = controller.attend(view, {"kl": 1.0, "capacity": 1.0}, training=True)
    assert same is view
    assert weights["capacity"] == 0
    assert isinstance(weights["kl"], torch.Tensor)
    assert not weights["kl"].requires_grad
    _, weights = controller.attend(view, {"kl": 1.0, "capacity": 1.0}, training=False)
    assert weights == {"kl": 0.0, "capacity": 3.0}
    assert float(controller.memory["kl"]) == pytest.approx(18)
    with pytest.raises(RequestError, match="beta_max"):
        Controller(2, CPU, 0, {**CONTROL, "beta_min": 2.0})


def test_a_smoothed_kl_begins_at_the_first() -> None:
    controller = Controller(2, CPU, 0, {**CONTROL, "smoothing": 0.9})
    controller.steer(double(50.0), 25)
    assert float(controller.memory["kl"]) == 50
    controller.steer(double(60.0), 25)
    assert float(controller.memory["kl"]) == pytest.approx(51)


def balanced(rule: str, noise: float) -> float:
    """The variance after 6,000 steps on linear data with 3 latents: 5 MSE = 3 g2 + .7."""
    generator = np.random.default_rng(0)
    variance = double(1.0)
    for chance in generator.standard_normal(6000):
        error = (3 * float(variance) + 0.7) / 5 * max(0.0, 1 + noise * chance)
        variance = following(variance, double(error), rule)
    return float(variance)


def negative_bound(variance: float) -> float:
    kl = sum(0.5 * math.log(value / variance) for value in SPECTRUM[:3])
    error = (3 * variance + 0.7) / (2 * variance)
    return 2.5 * math.log(2 * math.pi * variance) + error + kl


@pytest.mark.parametrize("rule", ["average", "lowest"])
def test_KA_9_3_both_rules_come_to_the_best_variance_without_noise(rule: str) -> None:
    assert balanced(rule, 0.0) == pytest.approx(0.35, abs=1e-4)
    assert negative_bound(balanced(rule, 0.0)) == pytest.approx(7.88931, abs=1e-5)


def test_KA_9_3_the_lowest_value_is_a_ratchet_where_batches_are_noisy() -> None:
    assert balanced("average", 0.3) == pytest.approx(0.353, abs=0.02)
    assert negative_bound(balanced("average", 0.3)) == pytest.approx(7.890, abs=0.01)
    assert balanced("lowest", 0.3) < 0.1
    assert negative_bound(balanced("lowest", 0.3)) > 9


def test_a_running_variance_is_that_of_the_likelihood_and_moves_no_gradient() -> None:
    companion = COMPANIONS["running variance"].make(3, CPU, 0, {"rule": "average"})
    view = make_view()
    view = replace(view, output=(view.target + 0.1).requires_grad_())
    seen, _ = companion.attend(view, {}, training=True)
    assert seen.log_scale is not None
    assert float(seen.log_scale.exp() ** 2) == pytest.approx(0.99 + 0.01 * 0.01, rel=1e-5)
    assert not seen.log_scale.requires_grad
    unmoved, _ = companion.attend(view, {}, training=False)
    torch.testing.assert_close(unmoved.log_scale, seen.log_scale)
    expected = LIKELIHOODS["gaussian-learned"].nll(seen)
    for _ in range(1200):
        seen, _ = companion.attend(view, {}, training=True)
    assert LIKELIHOODS["gaussian-learned"].nll(seen).sum() < expected.sum()
    assert float(seen.log_scale.exp()) == pytest.approx(0.1, rel=1e-2)  # type: ignore[union-attr]


def correlated(count: int, generator: torch.Generator) -> torch.Tensor:
    first, second = torch.randn(2, count, generator=generator)
    return torch.stack([first, 0.8 * first + 0.6 * second], dim=1)


def test_KA_8_4_the_best_log_odds_have_the_total_correlation_as_their_mean() -> None:
    def best(draws: torch.Tensor) -> torch.Tensor:
        x, y = draws.unbind(1)
        joint = -(x**2 + y**2 - 1.6 * x * y) / (2 * 0.36) - 0.5 * math.log(0.36)
        return joint + (x**2 + y**2) / 2

    draws = correlated(200_000, torch.Generator().manual_seed(0))
    term = PENALTIES["density_ratio"].term(coded(draws, 1.0, critic=best))
    assert float(term.mean()) == pytest.approx(0.5108, abs=0.01)


def test_KA_8_4_the_discriminator_learns_them() -> None:
    generator = torch.Generator().manual_seed(0)
    discriminator = Discriminator(2, CPU, 0, {})
    for _ in range(100):
        joint, other = correlated(64, generator), correlated(64, generator)
        shuffled = other.gather(0, torch.rand(other.shape, generator=generator).argsort(0))
        discriminator.learn(joint, shuffled)
    odds = discriminator.log_odds(correlated(20_000, generator))
    assert float(odds.mean()) == pytest.approx(0.51, abs=0.2)
    independent = torch.randn(20_000, 2, generator=generator)
    assert float(discriminator.log_odds(independent).mean()) < -0.2


def test_a_discriminator_passes_its_gradient_to_the_draws_alone() -> None:
    discriminator = Discriminator(2, CPU, 0, {})
    draws = torch.randn(4, 2).requires_grad_()
    view = replace(coded(draws, 1.0), shuffled=torch.randn(4, 2))
    before = [value.clone() for value in discriminator.state().values()]
    seen, _ = discriminator.attend(view, {}, training=True)
    after = list(discriminator.state().values())
    assert any((one != other).any() for one, other in zip(before, after, strict=False))
    PENALTIES["density_ratio"].term(seen).sum().backward()
    assert draws.grad is not None
    assert draws.grad.any()
    for one, other in zip(after, discriminator.state().values(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(RequestError, match="second batch"):
        discriminator.attend(coded(draws, 1.0), {}, training=True)


VIEWS: dict[str, Callable[[torch.Tensor], StepView]] = {
    name: lambda draws: replace(
        coded(draws, 0.5, options={**CONTROL, "kind": "II", "rule": "lowest"}),
        shuffled=draws.flip(0),
        domain=torch.arange(len(draws)) % 2,
    )
    for name in COMPANIONS
}


@pytest.mark.parametrize("name", list(COMPANIONS))
def test_T1_a_restored_companion_does_what_the_first_one_does(name: str) -> None:
    options = {**usual_options([COMPANIONS[name].options]), "smoothing": 0.5}
    generator = torch.Generator().manual_seed(2)
    steps = torch.randn(6, 4, 3, generator=generator)

    def make() -> Companion:
        return COMPANIONS[name].make(3, CPU, 0, options)

    def attend(companion: Companion, draws: torch.Tensor) -> None:
        companion.attend(VIEWS[name](draws), {"kl": 1.0}, training=True)

    first, second = make(), make()
    for draws in steps[:3]:
        attend(first, draws)
    given = {name: value.clone() for name, value in first.state().items()}
    before = {name: value.clone() for name, value in given.items()}
    second.restore(given)
    for draws in steps[3:]:
        attend(first, draws)
        attend(second, draws)
    states = first.state(), second.state()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], before[key]) for key in before)
    # a step whose memory runs out twice is put back twice
    assert all(torch.equal(given[key], before[key]) for key in before)
