"""Morphology of a volume: size, surface, axes and how much of simple bodies it fills.

In: a ``Region`` in three dimensions, of which the mask as drawn counts. Out: 23 features in mm
(METHODS 23): surface and volume of the mesh by marching cubes, the largest distance of its
vertices, axes of the ellipsoid with the voxels' sample covariance, and densities.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.core import DoubleArray
from latentomics.features.classic.family import family
from latentomics.features.classic.mesh import area_and_volume, vertices
from latentomics.features.classic.region import Region
from latentomics.features.classic.statistics import ratio

TABLE = """
volume                       mm3    RNU0  MeshVolume
approximate_volume           mm3    YEKZ  VoxelVolume
surface_area                 mm2    C0JK  SurfaceArea
surface_to_volume_ratio      1/mm   2PR5  SurfaceVolumeRatio
compactness_1                -      SKGS  Compactness1
compactness_2                -      BQWJ  Compactness2
spherical_disproportion      -      KRCK  SphericalDisproportion
sphericity                   -      QCFX  Sphericity
asphericity                  -      25C7  -
centre_of_mass_shift         mm     KLMA  -
maximum_diameter             mm     L0JK  Maximum3DDiameter
major_axis_length            mm     TDIC  MajorAxisLength
minor_axis_length            mm     P9VJ  MinorAxisLength
least_axis_length            mm     7J51  LeastAxisLength
elongation                   -      Q3CK  Elongation
flatness                     -      N17B  Flatness
volume_density_box           -      PBX1  -
area_density_box             -      R59B  -
volume_density_ellipsoid     -      6BDE  -
area_density_ellipsoid       -      RDD2  -
volume_density_convex_hull   -      R3ER  -
area_density_convex_hull     -      7T7F  -
integrated_intensity         I*mm3  99N0  -
"""
DEGREE = 20  # of the series for an ellipsoid's area


@family("morphology", "morphology", TABLE, pyradiomics="shape", dimensions=(3,))
def morphology(region: Region) -> dict[str, float]:
    """Return the morphology of the mask as drawn."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist

    spacing = np.array(region.spacing)
    area, volume = area_and_volume(region.drawn, region.spacing)
    voxels = np.argwhere(region.drawn) * spacing
    hull = ConvexHull(vertices(region.drawn) * spacing)
    box = np.ptp(voxels, axis=0) + spacing
    semiaxes = half_axes(voxels)
    longest, middle, shortest = semiaxes
    around = float(box[0] * box[1] + box[1] * box[2] + box[2] * box[0]) * 2
    return {
        "volume": volume,
        "approximate_volume": len(voxels) * float(spacing.prod()),
        "surface_area": area,
        **roundness(area, volume),
        "centre_of_mass_shift": centre_shift(region, voxels),
        "maximum_diameter": float(pdist(hull.points[hull.vertices]).max()),
        "major_axis_length": 2 * longest,
        "minor_axis_length": 2 * middle,
        "least_axis_length": 2 * shortest,
        "elongation": ratio(middle, longest),
        "flatness": ratio(shortest, longest),
        "volume_density_box": volume / float(box.prod()),
        "area_density_box": area / around,
        "volume_density_ellipsoid": ratio(volume, 4 / 3 * math.pi * longest * middle * shortest),
        "area_density_ellipsoid": ratio(area, ellipsoid_area(semiaxes)),
        "volume_density_convex_hull": volume / float(hull.volume),
        "area_density_convex_hull": area / float(hull.area),
        "integrated_intensity": float(region.values.mean()) * volume,
    }


def roundness(area: float, volume: float) -> dict[str, float]:
    """Return how near a body with this surface and volume comes to a sphere."""
    shape = 36 * math.pi * volume**2 / area**3  # 1 for a sphere
    return {
        "surface_to_volume_ratio": area / volume,
        "compactness_1": volume / (math.sqrt(math.pi) * area**1.5),
        "compactness_2": shape,
        "spherical_disproportion": shape ** (-1 / 3),
        "sphericity": shape ** (1 / 3),
        "asphericity": shape ** (-1 / 3) - 1,
    }


def half_axes(voxels: DoubleArray) -> tuple[float, ...]:
    """Return half axes of the ellipsoid with the covariance of voxels (n, d), longest first.

    They are 0 where there is no extent.
    """
    if len(voxels) < 2:
        return (0.0,) * int(voxels.shape[1])
    values = np.linalg.eigvalsh(np.cov(voxels, rowvar=False))[::-1]
    lengths = 2 * np.sqrt(np.maximum(values, 0.0))
    return tuple(float(length) for length in lengths)


def centre_shift(region: Region, voxels: DoubleArray) -> float:
    """Return the distance of the intensities' centre to the mask's; intensities may be negative."""
    weights = region.values
    total = float(weights.sum())
    if not total:
        return math.nan
    weighted = weights @ np.argwhere(region.counted) * np.array(region.spacing) / total
    return float(np.linalg.norm(weighted - voxels.mean(axis=0)))


def ellipsoid_area(semiaxes: tuple[float, ...]) -> float:
    """Return the area of an ellipsoid as the standard has it, half axes with the longest first.

    Its series in Legendre polynomials to degree 20, where the products with the eccentricities'
    powers follow one recurrence. It departs from an ellipsoid's true area by some per cent.

    References
    ----------
    Zwanenburg et al., arXiv:1612.07003, area density, approximate enclosing ellipsoid (RDD2).

    Examples
    --------
    >>> round(ellipsoid_area((1.0, 1.0, 1.0)) / math.pi, 6)
    4.0
    """
    longest, middle, shortest = semiaxes
    if not longest:
        return 0.0
    squares = 1 - (middle / longest) ** 2, 1 - (shortest / longest) ** 2  # of eccentricities
    half_sum, product = sum(squares) / 2, squares[0] * squares[1]
    before, term, total = 0.0, 1.0, 0.0
    for degree in range(DEGREE + 1):
        total += term / (1 - 4 * degree**2)
        following = ((2 * degree + 1) * half_sum * term - degree * product * before) / (degree + 1)
        before, term = term, following
    return 4 * math.pi * longest * middle * total
