"""The surface of a mask by marching cubes, from tables that are derived here and not stored.

In: a mask with an empty border. Out: how often each configuration of eight corners occurs, and for
each configuration the enclosed share of the cell and the triangles of the surface through it, with
vertices in the middle of edges. Area and volume are sums over 256 configurations, so no mesh is
ever built (Lorensen and Cline, SIGGRAPH 1987).

Where a face has its two inside corners on a diagonal they are kept apart. A loop of more than three
vertices has several triangulations: the one of the largest area is taken, and the mean of those
that tie, so that flipping or turning an image changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, product

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray

CORNERS = np.array(list(product((0, 1), repeat=3)))  # (8, 3); corner c is bit c of a configuration
EDGES = [(a, b) for a, b in combinations(range(8), 2) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]
MIDDLES = np.array([CORNERS[list(edge)].mean(axis=0) - 0.5 for edge in EDGES])  # from the centre
SQUARE = ((0, 0), (0, 1), (1, 1), (1, 0))  # the corners of a face, around it
SHARES_OF_SQUARE = {0: 0.0, 1: 0.125, 2: 0.5, 3: 0.875, 4: 1.0}  # enclosed, by corners inside
DIAGONAL = 0.25  # of a square with two corners on a diagonal
TIE = 1e-9

Loop = tuple[int, ...]  # edges
Triangle = tuple[int, int, int]  # edges, or places in a loop


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """Of the 256 configurations: triangles (n, 3, 3) with whose they are, and enclosed shares."""

    triangles: DoubleArray  # vertices about the middle of a cell of edge one
    weights: DoubleArray  # (n,): ties share
    configuration: IntArray  # (n,)
    enclosed: DoubleArray  # (256,)


def configurations(mask: BoolArray) -> IntArray:
    """Return how often each configuration of corners occurs, (2 ** 2d,) for d dimensions."""
    cells = np.zeros(tuple(n - 1 for n in mask.shape), np.uint8)
    corners = list(product((0, 1), repeat=mask.ndim))
    for bit, corner in enumerate(corners):
        part = mask[tuple(slice(c, c + n) for c, n in zip(corner, cells.shape, strict=True))]
        cells |= part.astype(np.uint8) << np.uint8(bit)
    return np.bincount(cells.ravel(), minlength=2 ** len(corners))


def area_and_volume(mask: BoolArray, spacing: tuple[float, ...]) -> tuple[float, float]:
    """Return the area of a mask's surface and the volume that it encloses."""
    counts = configurations(mask)
    volume = float(counts @ tables_of().enclosed) * float(np.prod(spacing))
    return float(counts @ _areas(spacing)), volume


@lru_cache(maxsize=64)
def _areas(spacing: tuple[float, ...]) -> DoubleArray:
    """Return the area of the surface through a cell of each configuration, (256,)."""
    tables = tables_of()
    corner, second, third = np.moveaxis(tables.triangles * np.array(spacing), 1, 0)
    each = np.linalg.norm(np.cross(second - corner, third - corner), axis=1) / 2 * tables.weights
    areas = np.bincount(tables.configuration, weights=each, minlength=256)
    return areas.astype(np.float64)


def vertices(mask: BoolArray) -> DoubleArray:
    """Return the vertices of a mask's surface that can lie on its convex hull, (n, d) in voxels.

    Those between two others on a line along an axis cannot.
    """
    found = []
    for axis in range(mask.ndim):
        crossed = np.diff(mask, axis=axis)
        for line in range(mask.ndim):
            crossed = crossed & _ends(crossed, line)
        places = np.argwhere(crossed).astype(np.float64)
        places[:, axis] += 0.5
        found.append(places)
    return np.concatenate(found)


def _ends(crossed: BoolArray, axis: int) -> BoolArray:
    """Return the first and the last true voxel of every line along an axis."""
    first = np.expand_dims(crossed.argmax(axis), axis)
    last = crossed.shape[axis] - 1 - np.expand_dims(np.flip(crossed, axis).argmax(axis), axis)
    place = np.arange(crossed.shape[axis]).reshape(
        [-1 if a == axis else 1 for a in range(crossed.ndim)]
    )
    ends: BoolArray = (place == first) | (place == last)
    return ends


@cache
def tables_of() -> Tables:
    """Derive the tables, once a process."""
    triangles, weights, whose = [], [], []
    enclosed = np.zeros(256)
    for number in range(256):
        inside = tuple(bool(number >> corner & 1) for corner in range(8))
        enclosed[number] = _share_of_faces(inside)
        for loop in _loops(inside):
            for triangle, weight in _triangulated(loop):
                corners = MIDDLES[list(triangle)]
                enclosed[number] += weight * np.linalg.det(corners) / 6
                triangles.append(corners)
                weights.append(weight)
                whose.append(number)
    return Tables(
        triangles=np.array(triangles),
        weights=np.array(weights),
        configuration=np.array(whose),
        enclosed=enclosed,
    )


@cache
def _faces() -> list[tuple[int, ...]]:
    """Return the corners of the six faces of a cell, each around its face."""
    faces = []
    for axis, side in product(range(3), (0, 1)):
        places = [np.insert(corner, axis, side) for corner in SQUARE]
        faces.append(tuple(int(place @ (4, 2, 1)) for place in places))
    return faces


def _share_of_faces(inside: tuple[bool, ...]) -> float:
    """Return what the faces of a cell add to the enclosed volume: cones to the cell's middle."""
    total = 0.0
    for face in _faces():
        corners = [inside[corner] for corner in face]
        diagonal = sum(corners) == 2 and corners[0] == corners[2]
        total += DIAGONAL if diagonal else SHARES_OF_SQUARE[sum(corners)]
    return total * 0.5 / 3


def _loops(inside: tuple[bool, ...]) -> list[Loop]:
    """Return the loops in which the surface cuts a cell, seen from outside counter-clockwise."""
    neighbours: dict[int, list[int]] = {}
    for face in _faces():
        for first, second in _segments(face, inside):
            neighbours.setdefault(first, []).append(second)
            neighbours.setdefault(second, []).append(first)
    loops = []
    while neighbours:
        loop = [min(neighbours)]
        while following := [edge for edge in neighbours.pop(loop[-1]) if edge in neighbours]:
            loop.append(following[0])
        loops.append(_oriented(tuple(loop), inside))
    return loops


def _segments(face: tuple[int, ...], inside: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return the edges that a face's lines join: each cuts off corners inside, one or two."""
    sides = [(face[side], face[(side + 1) % 4]) for side in range(4)]
    edges = [EDGES.index((min(side), max(side))) for side in sides]
    crossed = [side for side in range(4) if inside[sides[side][0]] != inside[sides[side][1]]]
    if len(crossed) == 4:
        alone = [corner for corner in range(4) if inside[face[corner]]]
        return [(edges[corner - 1], edges[corner]) for corner in alone]
    return [(edges[crossed[0]], edges[crossed[1]])] if crossed else []


def _oriented(loop: Loop, inside: tuple[bool, ...]) -> Loop:
    places = MIDDLES[list(loop)]
    normal = np.cross(places, np.roll(places, -1, axis=0)).sum(axis=0)
    ends = [(b, a) if inside[b] else (a, b) for a, b in (EDGES[edge] for edge in loop)]
    outwards = sum(CORNERS[outer] - CORNERS[inner] for inner, outer in ends)
    return loop if normal @ outwards > 0 else loop[::-1]


def _triangulated(loop: Loop) -> list[tuple[Triangle, float]]:
    """Return the triangles of a loop with their weights, which add up over those that tie."""
    every = np.array(_triangulations(0, len(loop) - 1))  # (ways, triangles, 3)
    corner, second, third = np.moveaxis(MIDDLES[list(loop)][every], 2, 0)
    areas = np.linalg.norm(np.cross(second - corner, third - corner), axis=-1).sum(axis=1)
    best = every[areas > areas.max() - TIE]
    chosen = np.array(loop)[best].reshape(-1, 3).tolist()
    return [((a, b, c), 1 / len(best)) for a, b, c in chosen]


@cache
def _triangulations(first: int, last: int) -> list[list[Triangle]]:
    """Return every way to cut a polygon, whose corners are numbered, into triangles."""
    if last - first < 2:
        return [[]]
    return [
        [*left, *right, (first, middle, last)]
        for middle in range(first + 1, last)
        for left in _triangulations(first, middle)
        for right in _triangulations(middle, last)
    ]
