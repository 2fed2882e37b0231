"""Rates and validations by step; nothing before the decay depends on the length."""

from __future__ import annotations

import math

import pytest

from latentomics.core import RequestError
from latentomics.planning import Length
from latentomics.training.schedule import (
    decay_start,
    last_step,
    rate_factor,
    resolve_length,
    validation_due,
)


def test_rate_is_flat_then_half_a_cosine() -> None:
    length = Length(steps=1000, decay_steps=400)
    assert rate_factor(0, length) == pytest.approx(1 / 30)
    assert rate_factor(29, length) == rate_factor(600, length) == 1.0
    assert rate_factor(700, length) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert rate_factor(1000, length) == pytest.approx(0.0)


def test_open_length_acts_as_any_length_before_its_decay() -> None:
    open_length, settled = Length(budget_s=60), Length(budget_s=60, steps=500, decay_steps=200)
    for step in range(301):
        assert rate_factor(step, open_length) == rate_factor(step, settled)
        assert validation_due(step, open_length, 7) == validation_due(step, settled, 7)


def test_validations_are_each_epoch_at_first_and_few_in_all() -> None:
    length = Length(steps=10_000, decay_steps=4_000)
    due = [step for step in range(10_001) if validation_due(step, length, 10)]
    assert due[:5] == [0, 10, 20, 30, 40]
    assert due[-1] == 10_000
    assert 20 < len(due) < 100


def test_lengths_resolve_in_their_order() -> None:
    assert resolve_length(Length(steps=10, epochs=3), 7).steps == 10
    assert resolve_length(Length(epochs=3, budget_s=5), 7) == Length(
        epochs=3, budget_s=5, steps=21, decay_steps=8
    )
    assert resolve_length(Length(budget_s=5), 7).steps is None
    assert last_step(Length(steps=10, stop=4)) == 4
    assert last_step(Length(budget_s=5)) == decay_start(Length(budget_s=5)) == math.inf


def test_no_length_is_refused() -> None:
    with pytest.raises(RequestError, match="how long"):
        resolve_length(Length(), 7)
