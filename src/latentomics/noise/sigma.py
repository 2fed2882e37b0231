"""Estimators of the noise level of one image.

In: values (*spatial) or a sample of background or of one tissue. Out: a standard deviation in the
unit of the values. White noise only; the MAD is wrong for correlated noise and for MR at low
signal-to-noise ratio.
"""

from __future__ import annotations

import itertools
import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, CaseError

Scalar = TypeVar("Scalar", bound=np.generic)

NORMAL_MAD = 0.6744897501960817  # median of |n|, n standard normal


def sigma_mad(values: npt.ArrayLike, mask: BoolArray | None = None) -> float:
    """Noise SD from the finest diagonal of the orthonormal Haar transform: median|d| / 0.67449.

    Blocks of two voxels an axis that lie wholly at the image's minimum are padding and left out.

    Parameters
    ----------
    values : array (*spatial)
        Image; axes of one voxel are ignored.
    mask : bool array (*spatial), optional
        Only blocks wholly inside count.

    Returns
    -------
    float
        SD in the unit of the values; 0 for a constant image.

    Raises
    ------
    CaseError
        When no block of two voxels an axis lies inside the mask.

    References
    ----------
    Donoho and Johnstone, 1994, doi:10.1093/biomet/81.3.425.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 5, (64, 64, 64))
    >>> round(sigma_mad(noise), 1)
    5.0
    """
    array = np.asarray(values, dtype=np.float32)
    array = array.reshape([n for n in array.shape if n > 1])
    inside = _informative(array)
    if mask is not None:
        inside &= _whole_blocks(np.asarray(mask, dtype=bool).reshape(array.shape))
    if not inside.any():
        return 0.0
    detail = _haar_diagonal(array)[inside]
    return float(np.median(np.abs(detail)) / NORMAL_MAD)


def sigma_rayleigh(background: npt.ArrayLike) -> float:
    """Noise SD of MR from air, where the magnitude is Rayleigh: sqrt(mean(m^2) / 2).

    Examples
    --------
    >>> sigma_rayleigh([2.0, 2.0])
    1.4142135623730951
    """
    magnitudes = np.asarray(background, dtype=np.float64)
    _need(magnitudes.size, 1, "background")
    return float(np.sqrt(np.mean(magnitudes**2) / 2))


def sigma_roi(values: npt.ArrayLike, mask: BoolArray) -> float:
    """Noise SD as the sample SD (n - 1) inside a region of one tissue.

    Examples
    --------
    >>> sigma_roi(np.array([1.0, 3.0, 50.0]), np.array([True, True, False]))
    1.4142135623730951
    """
    inside = np.asarray(values, dtype=np.float64)[np.asarray(mask, dtype=bool)]
    _need(inside.size, 2, "region")
    return float(np.std(inside, ddof=1))


def _informative(array: npt.NDArray[np.float32]) -> BoolArray:
    lowest = array.min() if array.size else np.float32(0)
    informative: BoolArray = np.logical_or.reduce([corner > lowest for corner in _corners(array)])
    return informative


def _whole_blocks(mask: BoolArray) -> BoolArray:
    whole: BoolArray = np.logical_and.reduce(_corners(mask))
    if not whole.any():
        raise CaseError(
            "the mask holds no block of two voxels an axis to estimate the noise in",
            f"mask of {int(mask.sum())} voxels",
            "estimate the noise on the whole image",
            "mask_small",
        )
    return whole


def _corners(array: npt.NDArray[Scalar]) -> list[npt.NDArray[Scalar]]:
    """Return views of the 2^d corners of each block; a last odd plane belongs to no block."""
    even = tuple(n - n % 2 for n in array.shape)
    return [
        array[tuple(slice(start, stop, 2) for start, stop in zip(corner, even, strict=True))]
        for corner in itertools.product((0, 1), repeat=array.ndim)
    ]


def _haar_diagonal(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    detail = array
    for axis, n in enumerate(array.shape):
        first = np.moveaxis(detail, axis, 0)[0 : n - n % 2 : 2]
        second = np.moveaxis(detail, axis, 0)[1 : n - n % 2 : 2]
        detail = np.moveaxis(first - second, 0, axis)
    return detail * np.float32(math.sqrt(0.5) ** array.ndim)


def _need(count: int, least: int, what: str) -> None:
    if count < least:
        raise CaseError(
            f"the {what} has {count} voxels, the noise needs {least}",
            what,
            "give a larger one",
            "mask_small",
        )
