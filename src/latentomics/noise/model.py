"""What a noise model is, and the registry of all of them.

In: values (batch, channels, *size), or bare ones of one or two axes, draws of the same shape, and a
level. Out: noisy values. The functions use operators, and the few functions that numpy and torch
both name alike (``library_of``), so numpy arrays and torch tensors run the same line.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from latentomics.core import Registry

Array = Any  # numpy array or torch tensor: the array-API standard has no type of its own
Apply = Callable[..., Array]
Estimate = Callable[..., float]
Takes = Literal["raw", "normalised", "line integrals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """A corruption, its draws, and the unit it is defined in.

    ``apply(values, draws, sigma, **options)`` is pure and the identity at sigma 0; ``draws`` of it
    counts the arrays it needs, each of the shape of the values and of the stated ``distribution``.
    ``takes`` says which values: raw ones in the image's own unit, normalised samples, or line
    integrals of an X-ray beam. ``sigma`` may broadcast over the batch. ``options`` are named
    numbers with their defaults, and ``estimate`` finds sigma in an image.
    """

    name: str
    apply: Apply
    draws: int
    distribution: Literal["normal", "uniform"]
    takes: Takes
    summary: str
    options: Mapping[str, float]
    estimate: Estimate | None


NOISES: Registry[NoiseModel] = Registry("noise model")


def noise_model(
    name: str,
    *,
    draws: int,
    distribution: Literal["normal", "uniform"] = "normal",
    takes: Takes = "raw",
    estimate: Estimate | None = None,
) -> Callable[[Apply], Apply]:
    """Enter the decorated function of (values, draws, sigma, *, options) into ``NOISES``."""

    def enter(apply: Apply) -> Apply:
        NOISES.register(name)(
            NoiseModel(
                name=name,
                apply=apply,
                draws=draws,
                distribution=distribution,
                takes=takes,
                summary=(apply.__doc__ or "").strip().splitlines()[0],
                options=_options(apply),
                estimate=estimate,
            )
        )
        return apply

    return enter


def library_of(values: Array) -> Any:
    """Return the module that an array belongs to, numpy or torch; it is loaded already."""
    return sys.modules[type(values).__module__.partition(".")[0]]


def spatial_axes(values: Array) -> range:
    """Return the axes of space or time: those after batch and channels, or all of a bare image.

    Examples
    --------
    >>> import numpy as np
    >>> list(spatial_axes(np.zeros((2, 1, 5, 5)))), list(spatial_axes(np.zeros((5, 5))))
    ([2, 3], [0, 1])
    """
    return range(2 if values.ndim > 2 else 0, values.ndim)


def _options(apply: Apply) -> dict[str, float]:
    parameters = inspect.signature(apply).parameters.values()
    return {p.name: float(p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}
