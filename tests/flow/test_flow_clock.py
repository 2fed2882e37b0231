"""Wall time: what training gets is what the rest of the run leaves (PROMISES T9)."""

from __future__ import annotations

import time

import pytest

from latentomics.flow.clock import SECONDS_A_SET, SECONDS_OF_FEW, SECONDS_OF_REPORT, SETS, Clock


def test_T9_training_gets_what_is_left() -> None:
    clock = Clock(budget_s=300.0, begun=time.monotonic() - 40.0)
    seconds = clock.training_s(fittings_left=1, parts=1, labels=1)
    assert seconds is not None
    left = 300 - 40 - 5 - SECONDS_OF_REPORT - SETS * SECONDS_A_SET - SECONDS_OF_FEW
    assert seconds(5.0) == pytest.approx(left, abs=0.1)


def test_T9_folds_share_what_is_left() -> None:
    clock = Clock(budget_s=600.0)
    whole, fifth = (clock.training_s(left, 1, 0) for left in (1, 5))
    assert whole is not None
    assert fifth is not None
    assert fifth(0.0) == pytest.approx(whole(0.0) / 5, rel=1e-3)


def test_T9_training_keeps_a_share_when_all_else_is_slow() -> None:
    clock = Clock(budget_s=100.0, begun=time.monotonic() - 500.0)
    seconds = clock.training_s(1, 1, 1)
    assert seconds is not None
    assert seconds(30.0) == pytest.approx(20.0)


def test_a_fixed_length_has_no_budget() -> None:
    assert Clock(budget_s=None).training_s(1, 1, 1) is None


def test_stages_add_up() -> None:
    clock = Clock(budget_s=None)
    for _ in range(2):
        with clock.stage("read"):
            time.sleep(0.01)
    assert 0.02 <= clock.stages["read"] < 1.0
