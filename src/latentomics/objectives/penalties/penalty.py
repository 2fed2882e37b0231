"""What a penalty is, and the registry of all of them.

In: a ``StepView``. Out: nats per sample, (batch,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentomics.core import Registry, StepView

if TYPE_CHECKING:
    from torch import Tensor

Term = Callable[[StepView], "Tensor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """A penalty and what it declares.

    ``codes`` names the kinds of code that it takes. ``per_sample``: a sample's term does not depend
    on the others of its batch. ``second_view``: it compares two views of each sample.
    """

    name: str
    term: Term
    codes: tuple[str, ...]
    per_sample: bool
    second_view: bool
    summary: str


PENALTIES: Registry[Penalty] = Registry("penalty")


def penalty(
    name: str, *, codes: tuple[str, ...], per_sample: bool = True, second_view: bool = False
) -> Callable[[Term], Term]:
    """Enter the decorated function of a ``StepView`` into ``PENALTIES``."""

    def enter(term: Term) -> Term:
        summary = (term.__doc__ or "").strip().splitlines()[0]
        PENALTIES.register(name)(
            Penalty(
                name=name,
                term=term,
                codes=codes,
                per_sample=per_sample,
                second_view=second_view,
                summary=summary,
            )
        )
        return term

    return enter
