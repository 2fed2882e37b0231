"""Intensities: from the scanner's unit to numbers of about one, and the way back.

In: values (*n) of one channel of a whole image and a window. Out: a ``Scaling``, so that a sample
is ``(clip(raw, low, high) - offset) / scale``. Statistics come from the case itself (never from
other cases), from at most 131,072 of its voxels at a fixed stride.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latentomics.core import CaseError, FloatArray, Registry

MOST_VOXELS = 2**17
NORMAL_IQR = 1.3489795  # interquartile range of a standard normal distribution
FOREGROUND_SHARE = 0.05  # of the range from the 1st to the 99th percentile
SUV_PARTS = 8.0  # lesions spread over about an eighth of the usual window of 0 to 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Of one channel: ``(clip(raw, low, high) - offset) / scale``."""

    offset: float
    scale: float
    low: float | None = None
    high: float | None = None

    def apply(self, raw: FloatArray) -> FloatArray:
        """Return normalised values of raw ones, any shape."""
        if self.low is not None or self.high is not None:
            raw = np.clip(raw, self.low, self.high)
        values: FloatArray = (raw - np.float32(self.offset)) * np.float32(1.0 / self.scale)
        return values


Normaliser = Callable[[FloatArray, tuple[float, float], str], Scaling]
NORMALISATIONS: Registry[Normaliser] = Registry("normalisation")


@NORMALISATIONS.register("hu-window")
def hu_window(_values: FloatArray, window: tuple[float, float], _where: str) -> Scaling:
    """Map the window (HU) to -1 to 1 and cut there."""
    low, high = window
    return Scaling(offset=(low + high) / 2, scale=(high - low) / 2, low=low, high=high)


@NORMALISATIONS.register("suv")
def suv(_values: FloatArray, window: tuple[float, float], _where: str) -> Scaling:
    """Cut at the window (SUV) and divide by an eighth of it: the same for every case."""
    low, high = window
    return Scaling(offset=low, scale=(high - low) / SUV_PARTS, low=low, high=high)


@NORMALISATIONS.register("identity")
def identity(_values: FloatArray, window: tuple[float, float], _where: str) -> Scaling:
    """Map the window to 0 to 1, the same for every case, and cut nothing."""
    return Scaling(offset=window[0], scale=window[1] - window[0])


@NORMALISATIONS.register("percentile")
def percentile(values: FloatArray, window: tuple[float, float], where: str) -> Scaling:
    """Map two percentiles of the image to 0 and 1 and cut there."""
    low, high = _quantiles(np.sort(_some(values)), *window)
    if not high > low:
        raise _constant(where, f"percentiles {window[0]:g} and {window[1]:g} are both {low:g}")
    return Scaling(offset=low, scale=high - low, low=low, high=high)


@NORMALISATIONS.register("robust-z")
def robust_z(values: FloatArray, window: tuple[float, float], where: str) -> Scaling:
    """Median and interquartile range of the image's foreground become 0 and 1.349.

    Foreground is what lies above 5 % of the range from the 1st to the 99th percentile: air outside
    a head is left out, a crop inside the head is kept whole.
    """
    some = np.sort(_some(values))
    darkest, brightest = _quantiles(some, 1, 99)
    least = np.searchsorted(some, darkest + FOREGROUND_SHARE * (brightest - darkest), "right")
    foreground = some[least:] if least < len(some) else some
    quarter, median, three = _quantiles(foreground, 25, 50, 75)
    scale = (three - quarter) / NORMAL_IQR or float(foreground.std()) or float(some.std())
    if not scale > 0:
        raise _constant(where, f"nearly all values are {median:g}")
    limits = window if window[0] < window[1] else None
    return Scaling(
        offset=median,
        scale=scale,
        low=None if limits is None else median + limits[0] * scale,
        high=None if limits is None else median + limits[1] * scale,
    )


def _quantiles(ordered: FloatArray, *percent: float) -> tuple[float, ...]:
    # one sort serves them all, and is faster than numpy's partition for every percentile
    at = np.array(percent) / 100 * (len(ordered) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(ordered) - 1)
    values = ordered[low] + (at - low) * (ordered[high].astype(np.float64) - ordered[low])
    return tuple(float(value) for value in values)


def _some(values: FloatArray) -> FloatArray:
    flat = values.ravel(order="K")  # as it lies in memory: no copy of a large volume
    # an odd stride does not fall into step with rows of even length
    return flat[:: -(-flat.size // MOST_VOXELS) | 1] if flat.size > MOST_VOXELS else flat


def _constant(where: str, what: str) -> CaseError:
    return CaseError(
        f"the image has no contrast: {what}",
        where,
        "leave the case out, or check how it was exported",
        "constant",
    )
