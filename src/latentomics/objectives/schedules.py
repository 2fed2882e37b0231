"""How the weight of a penalty grows with the steps of training.

In: step and the length of the warm-up, T, in steps. Out: a factor between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from latentomics.core import Registry

CYCLES = 4  # Fu et al.
RISING_SHARE = 0.5  # of a cycle

Schedule = Callable[[int, int], float]

SCHEDULES: Registry[Schedule] = Registry("weight schedule")


@SCHEDULES.register("constant")
def constant(step: int, warm_up_steps: int) -> float:  # noqa: ARG001
    """Give the full weight from the first step."""
    return 1.0


@SCHEDULES.register("warm-up")
def warm_up(step: int, warm_up_steps: int) -> float:
    """Grow linearly: min(1, t / T), METHODS section 7.

    Examples
    --------
    >>> warm_up(5, 20)
    0.25
    """
    return min(1.0, step / warm_up_steps) if warm_up_steps > 0 else 1.0


@SCHEDULES.register("cyclical")
def cyclical(step: int, warm_up_steps: int) -> float:
    """Grow linearly four times over, each time for half of a quarter of T; then stay full.

    Published for T = all steps; here T ends before training does, because a length by wall time is
    not known beforehand, and the last steps are to train the bound itself.

    References
    ----------
    Fu et al., 2019, arXiv:1903.10145; METHODS, section 7.

    Examples
    --------
    >>> [cyclical(step, 1000) for step in (0, 50, 125, 249, 250, 300, 1000)]
    [0.0, 0.4, 1.0, 1.0, 0.0, 0.4, 1.0]
    """
    if step >= warm_up_steps:
        return 1.0
    cycle = warm_up_steps / CYCLES
    return min(1.0, (step % cycle) / cycle / RISING_SHARE)


def weights_at(
    penalties: Mapping[str, float], schedule: str, warm_up_steps: int, step: int
) -> dict[str, float]:
    """Return the weights of penalties at a step.

    Examples
    --------
    >>> weights_at({"kl": 4.0}, "warm-up", 100, 25)
    {'kl': 1.0}
    """
    factor = SCHEDULES[schedule](step, warm_up_steps)
    return {name: weight * factor for name, weight in penalties.items()}
