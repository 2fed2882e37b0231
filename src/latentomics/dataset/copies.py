"""Samples moved or deformed, so that principal components of few images generalise.

In: samples (n, channels, *size). Out: rows (n * (1 + copies), channels * voxels), the samples
themselves first; what a move lays bare takes the nearest value (docs/decisions, note 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import FloatArray, stream
from latentomics.dataset.deform import Deformation, deform, draw_control_points

ENOUGH_ROWS = 3000  # with more samples than this, shifts add error instead of removing it


def copies_for(samples: int, row_bytes: int, memory_bytes: int) -> int:
    """Return how many shifted copies of each sample to fit on: few samples need many.

    Examples
    --------
    >>> copies_for(200, 4000, 10**9), copies_for(2428, 4000, 10**9)
    (14, 0)
    """
    rows = min(ENOUGH_ROWS, memory_bytes // max(1, row_bytes))
    return max(0, rows // samples - 1)


def shifted_rows(samples: FloatArray, reach: int, copies: int, seed: int) -> FloatArray:
    """Return the samples and ``copies`` of each, shifted by up to ``reach`` voxels an axis."""
    count, channels, *size = samples.shape
    rows = np.empty((1 + copies, count, channels, *size), np.float32)
    rows[0] = samples
    shifts = stream(seed, "shifted").integers(-reach, reach + 1, (copies, count, len(size)))
    for copy, of_copy in enumerate(shifts, start=1):
        for sample, shift in enumerate(of_copy):
            places = (
                np.clip(np.arange(edge) + step, 0, edge - 1)
                for edge, step in zip(size, shift, strict=True)
            )
            rows[copy, sample] = samples[sample][:, *np.ix_(*places)]
    return rows.reshape((1 + copies) * count, -1)


def deformed_rows(
    samples: FloatArray, how: Deformation, spacing: Sequence[float], copies: int, seed: int
) -> FloatArray:
    """Return the samples and ``copies`` of each, each deformed by a draw of its own."""
    import torch

    generator = stream(seed, "deformed")
    count, _, *size = samples.shape
    rows = np.empty((1 + copies, *samples.shape), np.float32)
    rows[0] = samples
    for copy in range(1, 1 + copies):
        points = draw_control_points(generator, count, size, spacing, how)
        rows[copy] = deform(torch.from_numpy(samples), points).numpy()
    return rows.reshape((1 + copies) * count, -1)
