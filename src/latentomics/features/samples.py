"""What every encoder needs of a store: network input, flips, regions, and one row a case.

In: a store of samples. Out: inputs (channels, *size) with the mask as the last channel where it is
asked for; the flips that a plan averages over; the positions of each region; and means (and SDs,
where a case has several samples) of sample features by case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from latentomics.core import FloatArray
from latentomics.dataset import Store
from latentomics.features.regional import Members, at_positions, region_members, signed_distance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByCase:
    """Features of cases in the order in which a store names them first: (cases, columns)."""

    cases: tuple[str, ...]
    values: FloatArray
    names: tuple[str, ...]


def flips_of(dimension: int, symmetries: str) -> tuple[tuple[int, ...], ...]:
    """Return the spatial axes to flip for every symmetry: all 2^d, or none.

    Examples
    --------
    >>> flips_of(2, "flips")
    ((), (0,), (1,), (0, 1))
    """
    if symmetries == "none":
        return ((),)
    return tuple(
        axes for count in range(dimension + 1) for axes in combinations(range(dimension), count)
    )


def input_of(store: Store, row: int, channels: int) -> FloatArray:
    """Return a network's input of one sample (channels, *size), the mask last where it goes in."""
    sample = store.sample(row)
    if channels <= len(sample.values):
        return np.asarray(sample.values, np.float32)
    mask = sample.mask[None] * np.float32(store.mask_channel)
    return np.concatenate([sample.values, mask], axis=0, dtype=np.float32)


def regions_of(
    store: Store, *, stride: int, first: float, block: int
) -> tuple[tuple[Members, ...], ...]:
    """Return for each sample the positions of core, rim and ring on a map's lattice.

    Parameters
    ----------
    stride, block : int
        Voxels between two positions, and the edge of the block that each reads.
    first : float
        Voxel coordinate of the first position.
    """
    members = []
    for row in range(len(store)):
        sample = store.sample(row)
        distance = signed_distance(sample.mask, sample.frame.target.spacing)
        counts = positions_of(distance.shape, stride=stride, block=block)
        members.append(region_members(at_positions(distance, counts, stride=stride, first=first)))
    return tuple(members)


def positions_of(size: Sequence[int], *, stride: int, block: int) -> tuple[int, ...]:
    """Return the positions of a map along each axis; a size is padded to whole blocks first.

    Examples
    --------
    >>> positions_of((8, 9), stride=2, block=4)
    (3, 5)
    """
    return tuple((-(-n // block) * block - block) // stride + 1 for n in size)


def by_case(store: Store, values: FloatArray, names: Sequence[str]) -> ByCase:
    """Gather features of samples (samples, columns) into one row a case.

    Where a view gives cases several samples (slices, patches) each column becomes its mean and its
    SD over the case's samples, ``_mean`` and ``_sd``.
    """
    cases = tuple(dict.fromkeys(store.cases))
    if len(cases) == len(store) and not store.several:
        return ByCase(cases=cases, values=values, names=tuple(names))
    place = {case: number for number, case in enumerate(cases)}
    rows = np.array([place[case] for case in store.cases])
    mean, sd = (np.empty((len(cases), values.shape[1]), np.float32) for _ in range(2))
    for number in range(len(cases)):
        own = values[rows == number].astype(np.float64)
        mean[number], sd[number] = own.mean(axis=0), own.std(axis=0)
    doubled = tuple(f"{name}_{part}" for part in ("mean", "sd") for name in names)
    return ByCase(cases=cases, values=np.concatenate([mean, sd], axis=1), names=doubled)
