"""What a companion is, and the registry of all of them.

A companion is what a method keeps from step to step beside its network: a controller's integral, a
running variance, a second network with its own optimiser. In: the view and the weights of a step.
Out: both with what it adds. Everything it remembers is in ``state``, which training writes into
each checkpoint and puts back on resuming, so a resumed run goes on exactly as it would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from latentomics.core import Options, Registry, StepView
from latentomics.objectives.options import Declared

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Weights = Mapping[str, "float | Tensor"]


class Companion(Protocol):
    """Remembers; ``state`` is complete, so that restoring it repeats every later step."""

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Learn from a step where ``training``, and return the view and weights it is judged by."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return everything that it remembers, by name."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Remember what ``state`` returned."""
        ...


Make = Callable[[int, "torch.device", int, Options], Companion]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionEntry:
    """A companion and what it declares.

    ``make(latent, device, seed, options)`` gives one that has seen nothing. ``sets``: the penalties
    whose weights it decides. ``likelihood``: the one it works with, where it is not any.
    ``shuffled``: it asks for ``StepView.shuffled``. ``options``: what it reads, with the usual
    values.
    """

    name: str
    make: Make
    sets: tuple[str, ...]
    likelihood: str | None
    shuffled: bool
    options: Declared
    summary: str


COMPANIONS: Registry[CompanionEntry] = Registry("companion")


def companion(
    name: str,
    *,
    sets: tuple[str, ...] = (),
    likelihood: str | None = None,
    shuffled: bool = False,
    options: Declared | None = None,
) -> Callable[[Make], Make]:
    """Enter the decorated class, or function that makes a ``Companion``, into ``COMPANIONS``."""

    def enter(make: Make) -> Make:
        COMPANIONS.register(name)(
            CompanionEntry(
                name=name,
                make=make,
                sets=sets,
                likelihood=likelihood,
                shuffled=shuffled,
                options=options or {},
                summary=(make.__doc__ or "").strip().splitlines()[0],
            )
        )
        return make

    return enter
