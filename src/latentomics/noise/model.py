"""What a noise model is, and the registry of all of them.

In: values, draws of the same shape, and a level. Out: noisy values. The functions use nothing but
operators that numpy arrays and torch tensors share, so both run the same line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from latentomics.core import Registry

Array = Any  # numpy array or torch tensor: the array-API standard has no type of its own
Apply = Callable[[Array, Sequence[Array], Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """A corruption, its draws, and the unit it is defined in.

    ``apply(values, draws, sigma)`` is pure; ``draws`` of it counts the arrays it needs, each of the
    shape of the values and of the stated ``distribution``. ``physical`` models take values in the
    image's own unit, the others normalised samples. ``sigma`` may broadcast over the batch.
    """

    name: str
    apply: Apply
    draws: int
    distribution: Literal["normal", "uniform"]
    physical: bool
    summary: str


NOISES: Registry[NoiseModel] = Registry("noise model")


def noise_model(
    name: str,
    *,
    draws: int,
    distribution: Literal["normal", "uniform"] = "normal",
    physical: bool = True,
) -> Callable[[Apply], Apply]:
    """Enter the decorated function of (values, draws, sigma) into ``NOISES``."""

    def enter(apply: Apply) -> Apply:
        summary = (apply.__doc__ or "").strip().splitlines()[0]
        NOISES.register(name)(
            NoiseModel(
                name=name,
                apply=apply,
                draws=draws,
                distribution=distribution,
                physical=physical,
                summary=summary,
            )
        )
        return apply

    return enter
