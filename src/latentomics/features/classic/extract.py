"""Every family on one region.

In: a ``Region``. Out: its features, float64 (features,), in the order of ``classic_features``.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import DoubleArray
from latentomics.features.classic.family import FAMILIES, Feature
from latentomics.features.classic.region import Region

PREFIX = "classic_"


def classic_features(dimension: int) -> tuple[Feature, ...]:
    """Return the features of images of this dimension, family by family."""
    entries = (FAMILIES[name] for name in FAMILIES)
    return tuple(f for one in entries if dimension in one.dimensions for f in one.features)


def classic_names(dimension: int) -> tuple[str, ...]:
    """Return the columns of images of this dimension, in their order."""
    return tuple(PREFIX + feature.name for feature in classic_features(dimension))


def feature_named(column: str) -> Feature | None:
    """Return the feature of a table's column, None where it is no classic one."""
    short = column.removeprefix(PREFIX)
    every = (feature for name in FAMILIES for feature in FAMILIES[name].features)
    return next((feature for feature in every if feature.name == short), None)


def measure_region(region: Region) -> DoubleArray:
    """Return the features of a region; not a number where one is not defined."""
    dimension = region.drawn.ndim
    values: list[float] = []
    for name in FAMILIES:
        entry = FAMILIES[name]
        if dimension in entry.dimensions:
            found = entry.measure(region)
            values += [found[f.name.removeprefix(f"{name}_")] for f in entry.features]
    return np.array(values, np.float64)
