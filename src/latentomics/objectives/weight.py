"""The weight of a KL term in the units that papers use (METHODS, section 1).

In: beta, nats for each nat, and the architecture. Out: Higgins' normalised beta.
"""

from __future__ import annotations

import math

from latentomics.core import NetworkSpec


def beta_norm(beta: float, spec: NetworkSpec) -> float:
    """Return beta * M / D of Higgins et al. (2017), for M latents and D values in a sample.

    Examples
    --------
    >>> spec = NetworkSpec(kind="dense", dimension=2, size=(64, 64), channels_in=1,
    ...     channels_out=1, latent=10, code="gaussian")
    >>> beta_norm(4.0, spec)
    0.009765625
    """
    values = spec.channels_out * math.prod(spec.size)
    return beta * spec.latent / values
