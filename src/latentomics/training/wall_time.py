"""A length of training from a time in seconds, and what validation says about it.

In: the state of the loop, with its clock. Out: a length in steps. Once settled, a length is all
that a later run needs to do the very same steps; the clock is not asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.planning import Length
from latentomics.training.schedule import DECAY_SHARE, DECAY_VALIDATIONS, decay_start

if TYPE_CHECKING:
    from latentomics.training.state import State

AIM = 0.98  # of the budget; the rest is for the last checkpoint
LATEST = 1.04  # of the budget: a machine that slowed down ends here
STALL_EPOCHS = 20  # training so short has not stalled


def settle(state: State, epoch_steps: int) -> Length:
    """Begin the decay once its share of the budget is what is left, at the pace seen so far."""
    length = state.length
    if length.steps is not None or length.budget_s is None:
        return length
    if state.seconds < (1 - DECAY_SHARE) * length.budget_s:
        return length
    return _decay_for_the_rest(state, length, length.budget_s, epoch_steps)


def overrun(state: State, length: Length) -> Length:
    """End training where the machine slowed down so much that the budget is spent."""
    if length.budget_s is None or length.steps is None or state.step >= length.steps:
        return length
    if state.seconds + _validation_s(state) < LATEST * length.budget_s:
        return length
    return length.model_copy(update={"stop": state.step})


def stall(state: State, epoch_steps: int, *, timed: bool) -> Length:
    """Begin the decay early, or end, where half of all steps have brought nothing.

    A run by wall time does not end early: what time is left goes into the decay.
    """
    length, since = state.length, state.step - state.best_step
    if state.step < STALL_EPOCHS * epoch_steps or since < state.step / 2:
        return length
    if state.step < decay_start(length):
        if length.steps is not None:
            return length.model_copy(update={"decay_steps": length.steps - state.step})
        if timed and length.budget_s is not None:
            return _decay_for_the_rest(state, length, length.budget_s, epoch_steps)
    elif length.budget_s is None and length.steps is not None and since > length.steps / 2:
        return length.model_copy(update={"stop": state.step})
    return length


def _decay_for_the_rest(state: State, length: Length, budget_s: float, epoch_steps: int) -> Length:
    left = max(0.0, AIM * budget_s - state.seconds)
    step_s = max(1e-9, (state.seconds - state.validation_seconds) / max(1, state.step))
    validation_s = _validation_s(state)
    interval = max(epoch_steps, int(left / step_s) // DECAY_VALIDATIONS)
    decay = max(0, int((left - validation_s) / (step_s + validation_s / interval)))
    return length.model_copy(update={"steps": state.step + decay, "decay_steps": decay})


def _validation_s(state: State) -> float:
    return state.validation_seconds / max(1, len(state.history))
