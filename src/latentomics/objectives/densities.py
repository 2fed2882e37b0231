"""Log densities of latents, nats.

In: values of any shape. Out: the log density of each value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LOG_TWO_PI = math.log(2 * math.pi)


def gaussian_log_density(values: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return log N(values; mean, exp(log_var)), shapes as they broadcast."""
    return -0.5 * (LOG_TWO_PI + log_var + (values - mean).square() * (-log_var).exp())


def prior_log_density(values: Tensor) -> Tensor:
    """Return log N(values; 0, 1)."""
    return -0.5 * (LOG_TWO_PI + values.square())
