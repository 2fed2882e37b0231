"""Learning rate and validation by step: flat after a short warm-up, then half a cosine to zero.

In: step, number of steps, number of decaying steps, steps of an epoch. Out: factors and yes or no.
Nothing here depends on time, and before the decay nothing depends on the number of steps: a run by
wall time can settle its length on the way, and its resolved plan goes through the same values.
"""

from __future__ import annotations

import math

from latentomics.core import RequestError
from latentomics.planning import Length

WARM_UP_STEPS = 30
DECAY_SHARE = 0.4  # of all steps
GROWTH = 12  # validations lie at least 1/12 of the steps so far apart
DECAY_VALIDATIONS = 10


def resolve_length(length: Length, epoch_steps: int) -> Length:
    """Fill in steps and decaying steps; a length by wall time alone stays open.

    Raises
    ------
    RequestError
        When the length says nothing, or no step is left.
    """
    steps = length.steps
    if steps is None and length.epochs is not None:
        steps = length.epochs * epoch_steps
    if steps is None and length.budget_s is not None and length.budget_s > 0:
        return length
    if steps is None or steps < 0:
        raise RequestError(
            "the plan does not say how long to train",
            "plan, key length",
            "set one of steps, epochs and budget_s to a positive number",
        )
    decay = round(DECAY_SHARE * steps) if length.decay_steps is None else length.decay_steps
    return length.model_copy(update={"steps": steps, "decay_steps": min(decay, steps)})


def rate_factor(step: int, length: Length) -> float:
    """Return the factor in (0, 1] on the learning rate of a step.

    Examples
    --------
    >>> rate_factor(500, Length(steps=1000, decay_steps=400))
    1.0
    >>> round(rate_factor(800, Length(steps=1000, decay_steps=400)), 6)
    0.5
    """
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    if length.steps is None or not length.decay_steps:
        return warm
    share = (step - decay_start(length)) / length.decay_steps
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, share))))


def decay_start(length: Length) -> float:
    """Return the step at which the rate begins to fall; infinity while that is open."""
    if length.steps is None:
        return math.inf
    return length.steps - (length.decay_steps or 0)


def last_step(length: Length) -> float:
    """Return the step at which training ends; infinity while that is open."""
    limits = [limit for limit in (length.steps, length.stop) if limit is not None]
    return min(limits, default=math.inf)


def validation_due(step: int, length: Length, epoch_steps: int) -> bool:
    """Return whether validation follows ``step`` steps: each epoch at first, later more rarely."""
    start = decay_start(length)
    if step >= last_step(length):
        return True
    if step > start:
        return (step - int(start)) % decay_interval(length, epoch_steps) == 0
    due = 0
    while due < step:
        due += flat_interval(due, epoch_steps)
    return due == step


def flat_interval(step: int, epoch_steps: int) -> int:
    """Return the steps from one validation to the next while the rate is flat."""
    return max(epoch_steps, step // GROWTH)


def decay_interval(length: Length, epoch_steps: int) -> int:
    """Return the steps from one validation to the next while the rate falls."""
    return max(epoch_steps, (length.decay_steps or 0) // DECAY_VALIDATIONS)
