"""When memory runs out in a step: the batch is computed in halves, and the step repeated.

In: an error and a length. Out: the length with the step at which it happened, so that a resumed run
and one that replays the plan compute in the same parts (PROMISES M3, T1, D1). The gradient is that
of the whole batch, whatever the number of parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from latentomics.core import IncompleteError
from latentomics.planning import Length
from latentomics.training.state import State

T = TypeVar("T")
SAID_BY_TORCH = ("out of memory", "can't allocate memory", "not enough memory")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whatever device."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(part in words for part in SAID_BY_TORCH)


def parts_at(length: Length, step: int) -> int:
    """Return in how many parts the batch of a step is computed.

    Examples
    --------
    >>> [parts_at(Length(steps=9, halved_at=(3, 5)), step) for step in (2, 3, 8)]
    [1, 2, 4]
    """
    return int(2 ** sum(at <= step for at in length.halved_at))


def in_halves(compute: Callable[[int], T], state: State, batch: int) -> T:
    """Compute something of a batch in parts, in twice as many each time that memory runs out.

    Parameters
    ----------
    compute : callable
        Number of parts -> what is computed.
    batch : int
        Samples; no part has fewer than one.

    Raises
    ------
    IncompleteError
        When one sample at a time is too much.
    """
    while True:
        parts = parts_at(state.length, state.step)
        try:
            return compute(parts)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        _let_go()  # after the handler, whose traceback holds the tensors
        if 2 * parts > batch:
            raise IncompleteError(
                f"memory ran out in step {state.step} with one sample at a time",
                "training",
                "plan with a coarser spacing or a smaller network, or give more memory",
            )
        halved = (*state.length.halved_at, state.step)
        state.length = state.length.model_copy(update={"halved_at": halved})


def _let_go() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
