"""What a penalty is, and the registry of all of them.

In: a ``StepView``. Out: nats per sample, (batch,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latentomics.core import Registry, StepView
from latentomics.objectives.options import Declared

if TYPE_CHECKING:
    from torch import Tensor

Term = Callable[[StepView], "Tensor"]
Need = Literal["derivative", "basis", "domain", "prior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """A penalty and what it declares.

    ``codes`` names the kinds of code that it takes. ``per_sample``: a sample's term does not depend
    on the others of its batch. ``pairs``: it is an estimate from pairs of different samples, so a
    sample that stands twice in a batch changes it. ``second_view``: it compares two views of each
    sample. ``signed``: it may be negative, and so may its weight. ``compared``: models are compared
    by it, and not only trained by it. ``options``: what it reads of ``StepView.options``, with the
    usual values. ``needs``: what else of the view it reads, the encoder's ``derivative`` (encode,
    input and probes), the decoder's ``basis``, the ``domain`` or draws from the ``prior``.
    """

    name: str
    term: Term
    codes: tuple[str, ...]
    per_sample: bool
    pairs: bool
    second_view: bool
    signed: bool
    compared: bool
    options: Declared
    needs: tuple[Need, ...]
    summary: str


PENALTIES: Registry[Penalty] = Registry("penalty")


def penalty(
    name: str,
    *,
    codes: tuple[str, ...],
    per_sample: bool = True,
    pairs: bool = False,
    second_view: bool = False,
    signed: bool = False,
    compared: bool = True,
    options: Declared | None = None,
    needs: tuple[Need, ...] = (),
) -> Callable[[Term], Term]:
    """Enter the decorated function of a ``StepView`` into ``PENALTIES``."""

    def enter(term: Term) -> Term:
        PENALTIES.register(name)(
            Penalty(
                name=name,
                term=term,
                codes=codes,
                per_sample=per_sample and not pairs,
                pairs=pairs,
                second_view=second_view,
                signed=signed,
                compared=compared,
                options=options or {},
                needs=needs,
                summary=(term.__doc__ or "").strip().splitlines()[0],
            )
        )
        return term

    return enter
