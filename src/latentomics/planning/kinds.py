"""Shapes of the kinds of network that are no stack of convolutions, and what their codes need.

In: kind, sizes and the number of training cases. Out: widths and fields of a spec.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from latentomics.core import NetworkSpec
from latentomics.planning.plan import Choice

DENSE_WEIGHTS = 4_000_000  # of the first dense layer, at most
DENSE_UNITS = (32, 512)  # of it, at least and at most
RECURRENT_UNITS = 128  # METHODS, section 16
CAPSULE_UNITS = (20, 30)  # of recognition and of generation (docs/decisions)
ACTIVE_PARTS = 4  # a quarter of a top-k code stays
ENTRY_VECTORS = 8  # vectors of an epoch for each entry of a codebook, at least
MOST_ENTRIES = 512
MANY_FOR_A_MAP = 100  # training cases
MOST_LEVELS = 2  # of a map: its positions stay many


def own_shape(kind: str, values: int) -> tuple[int, tuple[int, ...]] | None:
    """Return stem and widths of a kind of network; None where it is convolutional.

    Parameters
    ----------
    values : int
        In one sample.
    """
    if kind == "dense":
        least, most = DENSE_UNITS
        units = min(most, max(least, DENSE_WEIGHTS // values))
        return 1, (units, max(least, units // 4))
    return {"recurrent": (1, (RECURRENT_UNITS,)), "capsules": (1, CAPSULE_UNITS)}.get(kind)


def levels_of(dimension: int, size: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the stem and the channels of each level of a convolutional network."""
    largest = max(size)
    if dimension == 3:
        return 4, (64, 128) if largest <= 64 else (64, 128, 128)
    if largest <= 40:
        return 2, (64, 128)
    return 4, (64, 128, 128) if largest <= 160 else (64, 128, 128, 128)


def map_channels(
    chosen: Choice[int], kind: str, size: tuple[int, ...], training: int
) -> Choice[int]:
    """Return the channels of a map, a quarter of a block's values at most; else what was chosen."""
    if kind != "spatial":
        return chosen
    stem, widths = levels_of(len(size), size)
    block = (stem << (len(widths[:MOST_LEVELS]) - 1)) ** len(size)
    value = min(16 if training >= MANY_FOR_A_MAP else 8, max(2, block // 4))
    return Choice(
        value=value,
        reason=f"channels of a map, each position for {block} voxels; {training} training cases",
    )


def whole_capsules(latent: int, dimension: int, kind: str) -> int:
    """Return the length of a code of whole capsules, each a presence and a pose.

    Examples
    --------
    >>> whole_capsules(16, 2, "capsules"), whole_capsules(16, 2, "dense")
    (18, 16)
    """
    numbers = 1 + dimension
    return -(-latent // numbers) * numbers if kind == "capsules" else latent


def completed(spec: NetworkSpec, fields: Mapping[str, object], training: int) -> NetworkSpec:
    """Return a spec with what its code needs, and with the fields that a method sets."""
    if spec.kind == "spatial":
        spec = replace(spec, widths=spec.widths[:MOST_LEVELS])
    if spec.code == "top-k":
        spec = replace(spec, active=max(1, spec.latent // ACTIVE_PARTS))
    if spec.code == "quantised":
        spec = replace(spec, codebook=_entries(spec, training))
    if "basis" in fields:
        spec = replace(spec, basis=spec.latent)
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    return replace(spec, **given)


def _entries(spec: NetworkSpec, training: int) -> int:
    """Return a power of two of entries that an epoch's vectors can fill."""
    block = spec.block
    parts = math.prod(-(-n // block) for n in spec.size) if block else max(1, spec.latent // 4)
    wanted = max(2, min(MOST_ENTRIES, training * parts // ENTRY_VECTORS))
    return 1 << (wanted.bit_length() - 1)
