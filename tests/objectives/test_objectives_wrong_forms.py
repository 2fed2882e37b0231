"""Forms that public code has wrong, put in place of ours: the known answers notice each of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest
import test_objectives_companions as companions
import test_objectives_contraction as contraction
import test_objectives_gaussian as gaussian
import test_objectives_terms as terms
import test_objectives_total_correlation as correlation
import torch
from torch import nn

from latentomics.core import Options, Point, StepView
from latentomics.objectives import PENALTIES
from latentomics.objectives.penalties.kl import kl_by_latent
from latentomics.objectives.penalties.penalty import Penalty

noticed = pytest.raises(AssertionError)


def swapped(name: str, term: object) -> Mapping[str, Penalty]:
    """Every penalty, that one with another term."""
    changed = replace(PENALTIES[name], term=term)
    return {each: changed if each == name else PENALTIES[each] for each in PENALTIES}


def column_weights(batch: int, cohort: int) -> torch.Tensor:
    """The stride of the row's length puts 1/N into the first column, not on the diagonal."""
    m = batch - 1
    weights = torch.full((batch, batch), 1 / m, dtype=torch.float64)
    weights.view(-1)[:: m + 1] = 1 / cohort
    weights.view(-1)[1 :: m + 1] = (cohort - m) / (cohort * m)
    weights[m - 1, 0] = (cohort - m) / (cohort * m)
    return weights.log()


def test_KA_8_2_notices_weights_by_the_wrong_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = sys.modules["latentomics.objectives.penalties.total_correlation"]
    for module in (ours, correlation):
        monkeypatch.setattr(module, "stratified_log_weights", column_weights)
    with noticed:
        correlation.test_KA_8_1_weights_are_unbiased_for_the_mixture()
    with noticed:
        correlation.test_KA_8_2_posteriors_apart_hold_log_n(64)
    with noticed:
        correlation.test_KA_8_3_small_batches_stay_near_and_equal_weights_do_not()
    apart = 1e3 * torch.arange(64, dtype=torch.float64)[:, None].expand(64, 2)
    view = gaussian.coded(apart, 1.0, cohort_size=1000, options=correlation.STRATIFIED)
    assert correlation.terms(view)[0] == pytest.approx(4.14313, abs=0.05)  # METHODS, KA-8.2


def hold_outside(
    integral: torch.Tensor, error: torch.Tensor, options: Options
) -> tuple[torch.Tensor, torch.Tensor]:
    """The integral is held whenever beta is outside, whichever way it would go."""
    low, high = float(options["beta_min"]), float(options["beta_max"])
    change = -float(options["integral"]) * error
    free = float(options["proportional"]) * torch.sigmoid(-error) + integral + low
    inside = (free >= low) & (free <= high)
    return free.clamp(low, high), torch.where(inside, integral + change, integral)


def wind_up(
    integral: torch.Tensor, error: torch.Tensor, options: Options
) -> tuple[torch.Tensor, torch.Tensor]:
    """The integral is never held."""
    low, high = float(options["beta_min"]), float(options["beta_max"])
    integral = integral - float(options["integral"]) * error
    free = float(options["proportional"]) * torch.sigmoid(-error) + integral + low
    return free.clamp(low, high), integral


@pytest.mark.parametrize("wrong", [hold_outside, wind_up])
def test_KA_9_2_notices_an_integral_held_wrongly(
    wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = sys.modules["latentomics.objectives.companions.controller"]
    for module in (ours, companions):
        monkeypatch.setattr(module, "control", wrong)
    with noticed:
        companions.test_KA_9_2_anti_windup_settles_where_holding_outside_locks()


def test_KA_9_3_notices_a_minimum_in_place_of_the_average(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = companions.following
    monkeypatch.setattr(companions, "following", lambda v, error, _: ours(v, error, "lowest"))
    with noticed:
        companions.test_KA_9_3_the_lowest_value_is_a_ratchet_where_batches_are_noisy()


class Layers:
    """An encoder that shows its layers."""

    def __init__(self, layers: nn.Sequential) -> None:
        self.layers = layers

    def __call__(self, values: torch.Tensor) -> Point:
        return Point(z=self.layers(values).flatten(1))


def of_the_kernel(encode: Layers, values: torch.Tensor) -> torch.Tensor:
    """The formula of one dense sigmoid layer, for whatever layer comes last."""
    last = next(layer for layer in reversed(encode.layers) if hasattr(layer, "weight"))
    h = encode.layers(values)
    norms = last.weight.square().flatten(1).sum(1).view(-1, *[1] * (h.ndim - 2))
    return ((h * (1 - h)).square() * norms).flatten(1).sum(1)


def test_KA_12_2_notices_the_formula_of_a_dense_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contraction, "points", Layers)
    monkeypatch.setattr(contraction, "squared_jacobian", of_the_kernel)
    contraction.test_KA_12_2_one_dense_sigmoid_layer_has_the_closed_form()  # right for that one
    with noticed:
        contraction.test_KA_12_2_a_padded_convolution_is_not_the_norm_of_its_kernel()
    with noticed:
        contraction.test_KA_12_2_the_last_layers_formula_is_wrong_for_a_deep_network()


def a_floor_for_each_sample(step: StepView) -> torch.Tensor:
    missing = float(step.options["free_nats"]) - kl_by_latent(step.code)  # type: ignore[arg-type]
    return missing.clamp_min(0).sum(1)


def test_KA_7_3_notices_free_bits_of_each_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussian, "PENALTIES", swapped("free_bits", a_floor_for_each_sample))
    with noticed:
        gaussian.test_KA_7_3_free_bits_stand_on_the_batch_mean()


def test_KA_1_1_notices_a_kl_averaged_over_latents(monkeypatch: pytest.MonkeyPatch) -> None:
    averaged = swapped("kl", lambda step: kl_by_latent(step.code).mean(1))
    for module in (sys.modules["latentomics.objectives.total"], terms):
        monkeypatch.setattr(module, "PENALTIES", averaged)
    with noticed:
        terms.test_KA_1_1_two_means_and_their_canonical_beta()
