"""What a likelihood is, and the registry of all of them.

In: a ``StepView``. Out: negative log likelihood in nats per sample, (batch,), constants included.
Each voxel counts with its weight, so one of weight 0 changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentomics.core import MEAN, Registry, StepView
from latentomics.objectives.options import Declared

if TYPE_CHECKING:
    from torch import Tensor

Nll = Callable[[StepView], "Tensor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """A likelihood and what it declares.

    ``per_sample``: a sample's term does not depend on the others of its batch. ``bounded``: targets
    lie in [0, 1]. ``output``: what it takes the decoder's output for. ``options``: what it reads of
    ``StepView.options``, with the usual values.
    """

    name: str
    nll: Nll
    output: str
    per_sample: bool
    bounded: bool
    options: Declared
    summary: str


LIKELIHOODS: Registry[Likelihood] = Registry("likelihood")


def likelihood(
    name: str,
    *,
    per_sample: bool = True,
    bounded: bool = False,
    output: str = MEAN,
    options: Declared | None = None,
) -> Callable[[Nll], Nll]:
    """Enter the decorated function of a ``StepView`` into ``LIKELIHOODS``."""

    def enter(nll: Nll) -> Nll:
        LIKELIHOODS.register(name)(
            Likelihood(
                name=name,
                nll=nll,
                output=output,
                per_sample=per_sample,
                bounded=bounded,
                options=options or {},
                summary=(nll.__doc__ or "").strip().splitlines()[0],
            )
        )
        return nll

    return enter


def weighted_sum(values: Tensor, weight: Tensor) -> Tensor:
    """Sum values (batch, channels, *size) by weights (batch, 1, *size) a sample, (batch,)."""
    return (values * weight).flatten(1).sum(1)


def counted(step: StepView) -> Tensor:
    """Effective number of values in each sample: channels times the sum of weights, (batch,)."""
    return step.weight.flatten(1).sum(1) * step.target.shape[1]
