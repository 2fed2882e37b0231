"""Regional statistics of a code map, in a form that gradients pass through (METHODS 30).

In: a map (channels, *positions) and the flat positions of its regions. Out: mean, SD and quantiles
of every channel over every region, the very numbers that features are made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Regions = Sequence[npt.NDArray[np.intp]]
QUANTILES = (0.1, 0.5, 0.9)
LEAST_VARIANCE = 1e-12  # below, an SD has no slope


def spread(code: Tensor, regions: Regions | None = None) -> Tensor:
    """Return statistics of a map (channels, regions, 5): mean, SD, 10, 50 and 90 % quantiles.

    Parameters
    ----------
    code : Tensor (channels, *positions)
    regions : sequence of integer arrays, optional
        Flat positions of each region; None: one region, the whole map.
    """
    flat = code.flatten(1)
    parts = [flat]
    if regions is not None:
        parts = [flat[:, torch.from_numpy(one).to(flat.device)] for one in regions]
    return torch.stack([_of_positions(part) for part in parts], dim=1)


def _of_positions(values: Tensor) -> Tensor:
    """Return (channels, 5) of values (channels, positions); quantiles interpolate linearly."""
    variance = values.var(dim=1, correction=0).clamp_min(LEAST_VARIANCE)
    quantiles = torch.quantile(values, values.new_tensor(QUANTILES), dim=1)
    return torch.cat([values.mean(1)[:, None], variance.sqrt()[:, None], quantiles.T], dim=1)
