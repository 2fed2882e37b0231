"""What may be different when a patient is measured again on another day.

In: a kind of difference, or draws for all kinds at once. Out: a ``Perturbation`` in physical units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROTATION_DEG = 10.0
SHIFT_VOXELS = 0.5
CONTOUR_VOXELS = 0.5  # SD of the border's displacement, in voxels of mean edge
VOLUME_SHARE = 0.1
GAIN_SHARE = 0.1  # a PET calibration may be off by as much (EARL); MR has no unit
GAIN_CT = 0.005  # of HU + 1000: 5 HU at water, as scanners may differ
KINDS = ("rotation", "translation", "noise", "contour", "volume", "gain")
OF_MASK = ("contour", "volume")  # need one


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """What is different on the other day; nothing by default.

    Parameters
    ----------
    rotation_deg : float
        About ``axis`` (3-D) through the middle of the mask, else of the image.
    shift_voxels : sequence of float
        One an axis of the image, in its own voxels; empty: none.
    noise : float
        SD of added noise over the noise that the image has (Rician for MR magnitudes).
    contour_voxels : float
        SD of the border's displacement, in voxels of the mask's mean edge.
    volume : float
        Relative change of the mask's volume.
    gain : float
        Relative change of the values; of HU + 1000 in CT.
    """

    rotation_deg: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 1.0)
    shift_voxels: tuple[float, ...] = ()
    noise: float = 0.0
    contour_voxels: float = 0.0
    volume: float = 0.0
    gain: float = 0.0


def single(kind: str, dimension: int, unit: str) -> Perturbation:
    """Return one kind of perturbation at its full size.

    Examples
    --------
    >>> single("volume", 3, "HU").volume
    0.1
    """
    whole = {
        "rotation": Perturbation(rotation_deg=ROTATION_DEG, axis=(1.0, 1.0, 1.0)),
        "translation": Perturbation(shift_voxels=(SHIFT_VOXELS,) * dimension),
        "noise": Perturbation(noise=1.0),
        "contour": Perturbation(contour_voxels=CONTOUR_VOXELS),
        "volume": Perturbation(volume=VOLUME_SHARE),
        "gain": Perturbation(gain=gain_of(unit)),
    }
    return whole[kind]


def chained(draws: np.random.Generator, dimension: int, unit: str) -> Perturbation:
    """Return all kinds at once, each drawn evenly up to its full size in either direction."""
    axis = draws.standard_normal(3)
    part = draws.uniform(-1, 1, 3 + dimension)
    return Perturbation(
        rotation_deg=ROTATION_DEG * float(part[0]),
        axis=tuple(float(a) for a in axis),
        shift_voxels=tuple(SHIFT_VOXELS * float(p) for p in part[3:]),
        noise=1.0,
        contour_voxels=CONTOUR_VOXELS,
        volume=VOLUME_SHARE * float(part[1]),
        gain=gain_of(unit) * float(part[2]),
    )


def gain_of(unit: str) -> float:
    """Return by how much the gain of a scanner may be off, as a share."""
    return GAIN_CT if unit == "HU" else GAIN_SHARE
