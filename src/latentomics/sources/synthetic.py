"""Lesions with known factors: what a code should find can be said before anything is learned.

In: factors in mm and HU, and draws of standard normal noise (edge, edge, edge). Out: a made CT of
an ellipsoid with texture, seen through a point-spread function and with correlated noise, float32
HU (x, y, z), and its mask; or a whole cohort of them on disk. Each factor is uniform and
independent of the others, so nothing but the factors themselves tells one lesion from another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from latentomics.core import BoolArray, DoubleArray, FloatArray, RequestError, stream
from latentomics.noise import NOISES
from latentomics.sources.writing import write_manifest, write_nifti

SHARES = (0.6, 0.1, 0.3)  # training, validation, test: scores of a code need many held-out cases
FEWEST_CASES = 20
WHOLE, CROPPED = "images.csv", "lesions.csv"  # manifests without masks and with them


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One thing that differs between lesions, uniform from ``low`` to ``high``."""

    low: float
    high: float
    meaning: str


def _factor(low: float, high: float, meaning: str) -> Any:
    return field(metadata={"factor": Factor(low=low, high=high, meaning=meaning)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """The factors of one lesion; the last one belongs to the scanner and is a nuisance."""

    diameter_mm: float = _factor(6, 14, "diameter of the ball of the same volume")
    elongation: float = _factor(1, 1.8, "axis along x over each of the two others")
    edge_mm: float = _factor(0.4, 2.0, "SD of the Gaussian that blurs the boundary")
    texture_mm: float = _factor(0.8, 3.0, "SD of the Gaussian that the texture was smoothed with")
    contrast_hu: float = _factor(300, 900, "mean inside less the background")
    x_mm: float = _factor(-3, 3, "centre, to the right of the image's")
    y_mm: float = _factor(-3, 3, "centre, in front of the image's")
    z_mm: float = _factor(-3, 3, "centre, above the image's")
    noise_hu: float = _factor(5, 30, "SD of the scanner's noise")


FACTORS: Mapping[str, Factor] = {one.name: one.metadata["factor"] for one in fields(Lesion)}
NUISANCES = ("noise_hu",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How lesions are seen: a cube of ``edge`` voxels around the origin, and what blurs it."""

    edge: int = 32
    spacing_mm: float = 1.0
    background_hu: float = -850.0  # aerated lung
    texture_hu: float = 80.0  # SD inside, before the point-spread function
    spread_mm: float = 0.6  # SD of the point-spread function
    noise_width_mm: float = 0.7  # SD of the kernel that correlates the noise

    @property
    def first_mm(self) -> float:
        """Where the centre of the first voxel lies along every axis."""
        return -(self.edge - 1) / 2 * self.spacing_mm


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """What chance adds to one image: standard normal noise (edge, edge, edge), twice."""

    texture: DoubleArray
    noise: DoubleArray


def draw_lesions(cases: int, seed: int = 0) -> tuple[Lesion, ...]:
    """Draw lesions whose factors are uniform and independent.

    Examples
    --------
    >>> few, more = draw_lesions(2), draw_lesions(3)
    >>> few == more[:2], 6 <= few[0].diameter_mm <= 14
    (True, True)
    """
    unit = [stream(seed, "lesion", case).uniform(size=len(FACTORS)) for case in range(cases)]
    return tuple(
        Lesion(
            **{
                name: float(one.low + (one.high - one.low) * share)
                for (name, one), share in zip(FACTORS.items(), shares, strict=True)
            }
        )
        for shares in unit
    )


def draw_noise(scan: Scan, case: int, seed: int = 0) -> Draws:
    """Draw what chance adds to the image of a case."""
    shape = (scan.edge,) * 3
    return Draws(
        texture=stream(seed, "texture", case).standard_normal(shape),
        noise=stream(seed, "noise", case).standard_normal(shape),
    )


def render(lesion: Lesion, scan: Scan, draws: Draws) -> tuple[FloatArray, BoolArray]:
    """Return the image of a lesion in HU and its mask, (edge, edge, edge).

    background + inside * (contrast + texture), through the point-spread function, plus noise.
    ``inside`` is Phi(-distance / edge) of the distance to the surface, .5 on the surface itself,
    so that the mask is the ellipsoid however blurred its boundary is.
    """
    from scipy.ndimage import gaussian_filter
    from scipy.special import ndtr

    distance = distance_mm(lesion, scan)
    texture = _correlated(draws.texture, scan.texture_hu, lesion.texture_mm / scan.spacing_mm)
    inside = ndtr(-distance / lesion.edge_mm)
    clean = scan.background_hu + inside * (lesion.contrast_hu + texture)
    seen = gaussian_filter(clean, scan.spread_mm / scan.spacing_mm, mode="nearest")
    width = scan.noise_width_mm / scan.spacing_mm
    values = seen + _correlated(draws.noise, lesion.noise_hu, width)
    return np.asarray(values, np.float32), distance <= 0


def distance_mm(lesion: Lesion, scan: Scan) -> DoubleArray:
    """Return the distance of each voxel to the ellipsoid's surface in mm, negative inside.

    To first order in the distance: k0 (k0 - 1) / k1 with k0 = |p / axes| and k1 = |p / axes^2|,
    exact on the surface and for balls.
    """
    axes = semi_axes_mm(lesion)[:, None, None, None]
    steps = scan.first_mm + scan.spacing_mm * np.arange(scan.edge)
    place = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"))
    place -= np.array([lesion.x_mm, lesion.y_mm, lesion.z_mm])[:, None, None, None]
    inner, outer = (np.sqrt(((place / axes**power) ** 2).sum(axis=0)) for power in (1, 2))
    centre = outer == 0
    found: DoubleArray = inner * (inner - 1) / np.where(centre, 1.0, outer)
    return np.where(centre, -axes.min(), found)


def semi_axes_mm(lesion: Lesion) -> DoubleArray:
    """Return the semi-axes along x, y and z; their product is that of the ball."""
    radius, ratio = lesion.diameter_mm / 2, lesion.elongation
    short = radius * ratio ** (-1 / 3)
    return np.array([short * ratio, short, short])


def volume_mm3(lesion: Lesion) -> float:
    """Return the volume that the mask has but for the lattice.

    Examples
    --------
    >>> round(volume_mm3(draw_lesions(1)[0]) ** (1 / 3) * (6 / math.pi) ** (1 / 3), 6) == round(
    ...     draw_lesions(1)[0].diameter_mm, 6)
    True
    """
    return math.pi / 6 * lesion.diameter_mm**3


def write_lesion_cohort(
    folder: Path, cases: int = 1000, seed: int = 0, scan: Scan | None = None
) -> Path:
    """Write a cohort of lesions whose factors are columns of its manifests.

    Parameters
    ----------
    folder : Path
        Receives ``images`` and ``masks`` (NIfTI, whole HU), ``images.csv`` without masks, so that
        the image as a whole is described and the place of a lesion is part of it, and
        ``lesions.csv`` with them, so that lesions are found by their masks.
    cases : int
        60 % of them train, 10 % validate and 30 % are held out: the split stands in the manifest,
        so that runs of several seeds hold out the same cases.
    seed : int
        Decides factors, texture and noise; a case does not depend on how many there are.

    Returns
    -------
    Path
        ``images.csv``.

    Raises
    ------
    RequestError
        With fewer than 20 cases.
    """
    if cases < FEWEST_CASES:
        raise RequestError(
            f"{cases} lesions are too few", "cases", f"ask for {FEWEST_CASES} or more"
        )
    scan, rows = scan or Scan(), []
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for case, lesion in enumerate(draw_lesions(cases, seed)):
        image, mask = render(lesion, scan, draw_noise(scan, case, seed))
        name = f"lesion_{case:05d}"
        origin = np.full(3, scan.first_mm)
        files = {part: f"{part}/{name}.nii.gz" for part in ("images", "masks")}
        write_nifti(folder / files["images"], np.round(image).astype("i2"), origin, scan.spacing_mm)
        write_nifti(folder / files["masks"], mask.astype("u1"), origin, scan.spacing_mm)
        known = {factor: round(float(getattr(lesion, factor)), 6) for factor in FACTORS}
        rows.append({"case": name, **files, "modality": "CT", "split": _part(case, cases), **known})
    both = [{"image": row.pop("images"), "mask": row.pop("masks"), **row} for row in rows]
    write_manifest(folder, both, CROPPED)
    whole = [{name: value for name, value in row.items() if name != "mask"} for row in both]
    return write_manifest(folder, whole, WHOLE)


def _part(case: int, cases: int) -> str:
    """Return the part of a case: they are drawn alike, so the first ones train."""
    train, val, _ = SHARES
    ends = (round(train * cases), round((train + val) * cases))
    return "train" if case < ends[0] else "val" if case < ends[1] else "test"


def _correlated(draw: DoubleArray, sigma: float, width_voxels: float) -> DoubleArray:
    add = NOISES["correlated"].apply
    given = draw[None, None]  # as (batch, channels, *size)
    found: DoubleArray = add(np.zeros_like(given), [given], sigma, width_voxels=width_voxels)[0, 0]
    return found
