"""Regional statistics: how the values of a code map are spread in and around a lesion.

In: a map (K, *positions) of a case and the signed distance of each position to the mask's border,
in mm, positive inside. Out: (K, regions, statistics): mean, SD and the 10, 50 and 90 % quantiles
over the core (deeper than 2 mm), the rim (within 2 mm inside) and the ring (within 3 mm outside),
METHODS 30. Without a mask there is one region, the whole map. The map may come from any encoder: a
trained or an untrained network, principal components of patches, or the intensities themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray, FloatArray

STATISTICS = ("mean", "sd", "q10", "q50", "q90")
QUANTILES = (0.1, 0.5, 0.9)
RIM_MM = 2.0
RING_MM = 3.0
REGIONS: dict[str, tuple[float, float]] = {  # signed distance to the border in mm, (above, up to]
    "core": (RIM_MM, np.inf),
    "rim": (0.0, RIM_MM),
    "ring": (-RING_MM, 0.0),
}
WHOLE = ("whole",)
FEWEST_POSITIONS = 4
Members = npt.NDArray[np.intp]


def signed_distance(mask: BoolArray, spacing: Sequence[float]) -> DoubleArray:
    """Return the distance of each voxel's centre to the mask's border in mm, positive inside.

    The border lies half a voxel (of the finest axis) from the centres beside it.

    Shapes
    ------
    mask : (*size), result : (*size)

    Examples
    --------
    >>> signed_distance(np.array([False, False, True, True, True]), (1.0,)).tolist()
    [-1.5, -0.5, 0.5, 1.5, 2.5]
    """
    from scipy.ndimage import distance_transform_edt

    half = min(spacing) / 2
    inside = distance_transform_edt(mask, sampling=spacing) if not mask.all() else np.inf
    outside = distance_transform_edt(~mask, sampling=spacing) if mask.any() else np.inf
    distance: DoubleArray = np.where(mask, inside - half, half - outside)
    return distance


def at_positions(
    volume: npt.NDArray[np.floating], counts: Sequence[int], *, stride: float, first: float
) -> DoubleArray:
    """Read a volume by linear interpolation at ``first + stride * i`` voxels along every axis.

    Parameters
    ----------
    volume : array of shape (*size)
    counts : sequence of int
        Positions along each axis.
    stride, first : float
        Of the code map's positions, in voxels of the sample; beyond the edge the edge's value.
    """
    values = np.asarray(volume, np.float64)
    for axis, count in enumerate(counts):
        last = values.shape[axis] - 1
        place = np.clip(first + stride * np.arange(count), 0, last)
        below = np.minimum(np.floor(place).astype(np.int64), max(0, last - 1))
        share = np.expand_dims(place - below, tuple(i for i in range(values.ndim) if i != axis))
        above = np.minimum(below + 1, last)
        values = values.take(below, axis) * (1 - share) + values.take(above, axis) * share
    return values


def region_members(distance: DoubleArray) -> tuple[Members, ...]:
    """Return the flat positions of core, rim and ring; the 4 nearest where a region has fewer.

    Parameters
    ----------
    distance : DoubleArray of shape (*positions)
        Signed distance to the mask's border in mm, positive inside.
    """
    depth = distance.ravel()
    return tuple(_members(depth, *REGIONS[name]) for name in REGIONS)


def regional_statistics(code: npt.NDArray[np.floating], distance: DoubleArray | None) -> FloatArray:
    """Return mean, SD and quantiles of every channel over every region.

    Parameters
    ----------
    code : array of shape (K, *positions)
    distance : DoubleArray of shape (*positions), optional
        Signed distance to the mask's border in mm; None: one region, the whole map.

    Returns
    -------
    FloatArray of shape (K, regions, 5)
        Regions core, rim, ring (or whole); statistics mean, SD (population), 10, 50, 90 %.
    """
    members = None if distance is None else region_members(distance)
    return pooled_over(np.asarray(code)[None], members)


def pooled_over(codes: npt.NDArray[np.floating], members: tuple[Members, ...] | None) -> FloatArray:
    """Return the statistics of several maps of one case, averaged over the maps.

    Parameters
    ----------
    codes : array of shape (maps, K, *positions)
        The map of each flip of the picture, flipped back.
    members : tuple of positions, optional
        Of ``region_members``; None: one region, the whole map.

    Returns
    -------
    FloatArray of shape (K, regions, 5)
    """
    maps, channels = codes.shape[:2]
    flat = np.asarray(codes, np.float32).reshape(maps * channels, -1)
    parts = [flat] if members is None else [flat[:, region] for region in members]
    each = np.stack([_spread(part) for part in parts], axis=1)  # (maps * K, regions, 5)
    mean: FloatArray = each.reshape(maps, channels, len(parts), -1).mean(axis=0)
    return mean.astype(np.float32)


def statistic_names(
    channels: int, regions: Sequence[str], prefix: str = "latent"
) -> tuple[str, ...]:
    """Return the column names, in the order of a flattened (K, regions, 5).

    Examples
    --------
    >>> statistic_names(1, ("whole",))[:2]
    ('latent_c00_whole_mean', 'latent_c00_whole_sd')
    """
    return tuple(
        f"{prefix}_c{channel:02d}_{region}_{statistic}"
        for channel in range(channels)
        for region in regions
        for statistic in STATISTICS
    )


def _members(depth: DoubleArray, above: float, up_to: float) -> Members:
    inside = np.flatnonzero((depth > above) & (depth <= up_to))
    if len(inside) >= FEWEST_POSITIONS:
        return inside
    gap = np.maximum(np.maximum(above - depth, depth - up_to), 0)
    return np.argsort(gap, kind="stable")[:FEWEST_POSITIONS]


def _spread(values: FloatArray) -> DoubleArray:
    """Return (rows, 5) of values (rows, positions); quantiles interpolate linearly, as numpy's."""
    ordered = np.sort(values, axis=1)
    place = np.array(QUANTILES) * (ordered.shape[1] - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    low, high = ordered[:, below].astype(np.float64), ordered[:, above].astype(np.float64)
    centre = values.mean(axis=1, keepdims=True, dtype=np.float64)
    apart = values - centre.astype(np.float32)
    sd = np.sqrt(np.einsum("kp,kp->k", apart, apart) / values.shape[1])[:, None]
    return np.concatenate([centre, sd, low + (high - low) * (place - below)], axis=1)
