"""Intensities that no scanner of the stated modality gives (PROMISES I4).

In: one channel, values (*spatial) as stored, and its modality. Out: nothing, or a `CaseError` that
names the fault: ``not_finite``, ``constant`` or ``intensities``.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import CaseError
from latentomics.sources.formats.base import AnyArray

AIR_HU, TISSUE_HU = (-1100.0, -700.0), (-150.0, 150.0)  # a body scan shows one of them
OFFSET_HU = 600.0  # brighter than soft tissue: with no value below zero, HU + 1024 as a rule
NEGATIVE_SUV = 0.01  # share of the maximum that interpolation may undershoot
LARGEST_SUV = 1000.0  # the hottest bladders stay below; Bq/ml start above


def require_plausible(values: AnyArray, modality: str, where: object) -> None:
    """Refuse an image that is not finite, constant, or not of its modality.

    Raises
    ------
    CaseError
        Saying what was found and how to mend it.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(values.size - np.isfinite(values).sum())
        raise CaseError(
            f"{count:,} of {values.size:,} voxels are not finite",
            str(where),
            "replace them by the value of the background",
            "not_finite",
        )
    if low == high:
        raise CaseError(
            f"every voxel has the value {low:g}", str(where), "export the image again", "constant"
        )
    if modality == "CT":
        _require_hounsfield(values, low, high, where)
    if modality == "PT":
        _require_suv(low, high, where)


def _require_hounsfield(values: AnyArray, low: float, high: float, where: object) -> None:
    if low >= 0 and high <= 255 and bool((values == np.round(values)).all()):
        raise _wrong(f"CT has 8-bit grey values ({low:g} to {high:g}), not HU", where)
    if low >= 0 and high > OFFSET_HU:
        raise _wrong(
            f"CT has no value below zero and reaches {high:g}: an offset is left in", where
        )
    if low > AIR_HU[1] and not _any_within(values, TISSUE_HU):
        raise _wrong(f"CT shows neither air nor water ({low:g} to {high:g})", where)


def _require_suv(low: float, high: float, where: object) -> None:
    if low < -NEGATIVE_SUV * high:
        raise _wrong(f"PET falls below zero ({low:g})", where)
    if high > LARGEST_SUV:
        raise _wrong(f"PET reaches {high:g}, which is no SUV", where)


def _any_within(values: AnyArray, limits: tuple[float, float]) -> bool:
    return bool(((values >= limits[0]) & (values <= limits[1])).any())


def _wrong(what: str, where: object) -> CaseError:
    return CaseError(
        what,
        str(where),
        "export the image in HU (CT) or SUV (PT), or state another modality in the manifest",
        "intensities",
    )
