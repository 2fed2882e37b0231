"""The step in which a case's values were stored.

In: a ``Case``. Out: for each channel the distance between neighbouring values that its file can
hold, in the channel's unit: 1 HU of a CT, one grey level of a photograph; None where values are
continuous. Bits a voxel only mean something beside such a step (METHODS, section 29).
"""

from __future__ import annotations

import numpy as np

from latentomics.core import Case, FloatArray
from latentomics.sources.reading import read_case

SAMPLED = 2**20  # voxels looked at
APART = 16  # gaps between values that occur are seldom wider than this, if they lie on a lattice
SLACK = 0.05  # of a step: values are float32


def stored_steps(case: Case) -> tuple[float | None, ...]:
    """Read a case and return the step of each channel.

    Raises
    ------
    CaseError
        What ``read_case`` finds.
    """
    return tuple(step_of(channel) for channel in read_case(case)[0].values)


def step_of(values: FloatArray) -> float | None:
    """Return the step of values on a lattice, None where they are on none.

    Examples
    --------
    >>> step_of(np.float32([0, 0.5, 1, 1.5, 3])), step_of(np.float32([0, 0.1, 0.75, 0.764]))
    (0.5, None)
    """
    flat = values.ravel(order="K")
    gaps = np.diff(np.unique(flat[:: (flat.size // SAMPLED) | 1].astype(np.float64)))
    if not len(gaps):
        return None
    step = float(gaps.min())
    near = gaps[gaps <= APART * step] / step
    on_lattice = bool((np.abs(near - near.round()) <= SLACK).all())
    return step if on_lattice and float(np.median(gaps)) <= APART * step else None
