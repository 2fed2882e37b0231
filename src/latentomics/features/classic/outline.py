"""Morphology of a picture: size, perimeter and axes of a region in the plane.

In: a ``Region`` in two dimensions, of which the mask as drawn counts. Out: 9 features in mm (px
where the files have no physical size), with an outline by marching squares. The standard has codes
for volumes only.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.features.classic.family import family
from latentomics.features.classic.mesh import DIAGONAL, SHARES_OF_SQUARE, configurations, vertices
from latentomics.features.classic.morphology import half_axes
from latentomics.features.classic.region import Region
from latentomics.features.classic.statistics import ratio

TABLE = """
area                     mm2   -  MeshSurface
approximate_area         mm2   -  PixelSurface
perimeter                mm    -  Perimeter
perimeter_to_area_ratio  1/mm  -  PerimeterSurfaceRatio
circularity              -     -  Sphericity
maximum_diameter         mm    -  MaximumDiameter
major_axis_length        mm    -  MajorAxisLength
minor_axis_length        mm    -  MinorAxisLength
elongation               -     -  Elongation
"""


@family("outline", "morphology in the plane", TABLE, pyradiomics="shape2D", dimensions=(2,))
def outline(region: Region) -> dict[str, float]:
    """Return the morphology of the mask as drawn."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist

    spacing = np.array(region.spacing)
    area, perimeter = area_and_perimeter(configurations(region.drawn), region.spacing)
    pixels = np.argwhere(region.drawn) * spacing
    hull = ConvexHull(vertices(region.drawn) * spacing)
    longest, shortest = half_axes(pixels)
    return {
        "area": area,
        "approximate_area": len(pixels) * float(spacing.prod()),
        "perimeter": perimeter,
        "perimeter_to_area_ratio": perimeter / area,
        "circularity": 2 * math.sqrt(math.pi * area) / perimeter,
        "maximum_diameter": float(pdist(hull.points[hull.vertices]).max()),
        "major_axis_length": 2 * longest,
        "minor_axis_length": 2 * shortest,
        "elongation": ratio(shortest, longest),
    }


def area_and_perimeter(
    counts: np.ndarray[tuple[int], np.dtype[np.int64]], spacing: tuple[float, ...]
) -> tuple[float, float]:
    """Return what an outline encloses and its length, from the 16 configurations' counts.

    A square's corners are bits: 0 and 3, 1 and 2 lie on diagonals.

    Examples
    --------
    >>> mask = np.pad(np.ones((2, 2), bool), 1)
    >>> area, perimeter = area_and_perimeter(configurations(mask), (1.0, 1.0))
    >>> area, round(perimeter - 4 * 2**0.5 / 2, 6)
    (3.5, 4.0)
    """
    first, second = spacing
    slant = math.hypot(first, second) / 2
    area = perimeter = 0.0
    for number, count in enumerate(counts):
        inside = [number >> bit & 1 for bit in range(4)]
        corners = sum(inside)
        if corners == 2 and inside[0] == inside[3]:
            area, perimeter = area + count * DIAGONAL, perimeter + count * 2 * slant
            continue
        area += count * SHARES_OF_SQUARE[corners]
        if corners in (1, 3):
            perimeter += count * slant
        elif corners == 2:  # corners 0 and 1 differ along the second axis: a line across the first
            perimeter += count * (second if inside[0] == inside[1] else first)
    return float(area) * first * second, float(perimeter)
