"""From a case to what was measured.

In: a `Case`. Out: an `Acquisition`, values (C, *spatial) float32 on the grid of the first channel
(RAS+ mm, or pixels) in HU, SUV or arbitrary units, and its `Mask` on the mask's own grid. Each
fault is a `CaseError` that costs this case only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentomics.core import Acquisition, Case, CaseError, FloatArray, GeometryError, Mask
from latentomics.sources.formats import Volume, read_volume
from latentomics.sources.masks import Region, read_region, require_overlap
from latentomics.sources.plausibility import require_plausible

UNITS = {"CT": "HU", "PT": "SUV", "ECG": "mV"}
ARBITRARY_UNIT = "a.u."


def read_case(case: Case) -> tuple[Acquisition, Mask | None]:
    """Read image and mask of a case, and check that they belong together.

    Parameters
    ----------
    case : Case
        Its files; further channels are brought onto the grid of the first one, linearly.

    Returns
    -------
    acquisition : Acquisition
        Values (C, *spatial).
    mask : Mask or None
        On its own grid; None where the case has none.

    Raises
    ------
    CaseError
        Its ``kind`` is the code of rejected.csv: missing, empty, format, unreadable, truncated,
        too_large, pickle, colour, dimensions, not_finite, constant, intensities, geometry,
        mask_empty, mask_outside.
    """
    acquisition, region = read_parts(case)
    return acquisition, None if region is None else region.mask


def read_parts(case: Case) -> tuple[Acquisition, Region | None]:
    """Read a case as `read_case`, with the rule that made the mask."""
    acquisition = _read_acquisition(case)
    region = read_region(case)
    if region is not None:
        require_overlap(acquisition, region.mask, case)
    return acquisition, region


def _read_acquisition(case: Case) -> Acquisition:
    modality = case.modality or "OTHER"
    first = read_volume(case.image[0])
    require_plausible(first.values, modality, case)
    channels = [_as_float(first, case)]
    modalities = case.further or ("OTHER",) * (len(case.image) - 1)
    for number, (ref, own) in enumerate(zip(case.image[1:], modalities, strict=True), start=2):
        further = read_volume(ref)
        require_plausible(further.values, own, f"case {case.id}, channel {number} ({ref})")
        channels.append(_onto(first, further, f"case {case.id}, channel {number}"))
    return Acquisition(
        values=np.stack(channels) if len(channels) > 1 else channels[0][None],
        grid=first.grid,
        modality=modality,
        unit=UNITS.get(modality, ARBITRARY_UNIT),
        further=tuple((own, UNITS.get(own, ARBITRARY_UNIT)) for own in modalities),
    )


def _as_float(volume: Volume, where: object) -> FloatArray:
    """Values as float32 in the file's own memory order: turning a large CT costs more than it."""
    with np.errstate(over="ignore"):
        values = volume.values.astype(np.float32, order="K")
    if volume.values.dtype == np.float64 and not np.isfinite(values).all():
        raise CaseError(
            "values exceed the range of 32-bit numbers", str(where), "rescale them", "not_finite"
        )
    return values


def _onto(first: Volume, further: Volume, where: str) -> FloatArray:
    """Bring a further channel onto the first one's grid, linearly, its minimum outside."""
    if further.values.ndim != first.values.ndim or first.grid.unit != further.grid.unit:
        raise GeometryError("channels differ in dimension or unit", where, "resample them first")
    same_shape = further.values.shape == first.values.shape
    if same_shape and _close(first, further):
        return _as_float(further, where)
    if first.grid.unit == "px":
        raise GeometryError(
            f"channels differ in size and have no physical grid: {first.values.shape} and "
            f"{further.values.shape}",
            where,
            "resample them first",
        )
    return _resampled(first, further, where)


def _close(first: Volume, further: Volume) -> bool:
    return all(
        np.allclose(getattr(first.grid, name), getattr(further.grid, name), rtol=0, atol=1e-3)
        for name in ("spacing", "origin", "direction")
    )


def _resampled(first: Volume, further: Volume, where: str) -> FloatArray:
    import SimpleITK

    itk: Any = SimpleITK  # the package has no types
    moving = _image(itk, further, where)
    fixed = _image(itk, first, where)
    ones = itk.Cast(moving * 0 + 1, itk.sitkUInt8)
    inside = itk.Resample(ones, fixed, itk.Transform(), itk.sitkNearestNeighbor)
    if not itk.GetArrayViewFromImage(inside).any():
        raise GeometryError("channels do not overlap", where, "correct the affine")
    low = float(further.values.min())
    result = itk.Resample(moving, fixed, itk.Transform(), itk.sitkLinear, low)
    values: FloatArray = itk.GetArrayFromImage(result).T
    return values


def _image(itk: Any, volume: Volume, where: str) -> Any:
    """Turn a volume into an ITK image whose world is RAS, which a resampling does not mind."""
    image = itk.GetImageFromArray(np.ascontiguousarray(_as_float(volume, where).T))
    image.SetSpacing(volume.grid.spacing)
    image.SetOrigin(volume.grid.origin)
    image.SetDirection(volume.grid.direction)
    return image
