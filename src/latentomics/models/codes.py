"""Codes from what an encoder's last layer gives, and what is read from a code.

In: raw outputs (batch, latent or 2 latent). Out: ``Point`` or ``Gaussian``; one tensor from a code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from latentomics.core import Code, Gaussian, Point, RequestError

LOG_VAR_LIMIT = 10.0  # METHODS, section 6: variances between e^-10 and e^10, softly


def code_width(kind: str, latent: int) -> int:
    """Return how many numbers the layer into the code gives."""
    widths = {"point": latent, "gaussian": 2 * latent}
    if kind not in widths:
        raise RequestError(
            f"this network has no code {kind!r}",
            "network: code",
            "use 'point' or 'gaussian'; 'map' belongs to kind 'local'",
        )
    return widths[kind]


def make_code(kind: str, raw: Tensor, linear: Tensor | None = None) -> Point | Gaussian:
    """Return the code of raw outputs; ``linear`` is added to its centre.

    The log variance is softly clamped to [-10, 10], so that its gradient never vanishes at once.
    """
    raw = raw.float()  # (batch, latent) or (batch, 2 latent)
    if kind == "point":
        return Point(z=raw if linear is None else raw + linear)
    mean, spread = raw.chunk(2, dim=1)
    log_var = LOG_VAR_LIMIT * torch.tanh(spread / LOG_VAR_LIMIT)
    return Gaussian(mean=mean if linear is None else mean + linear, log_var=log_var)


def centre(code: Code) -> Tensor:
    """Return the features: the posterior mean of a Gaussian, else the code itself."""
    return code.mean if isinstance(code, Gaussian) else code.z


def draw(code: Code, noise: Tensor | None = None) -> Tensor:
    """Return the code that is decoded: mean + SD * noise of a Gaussian, else the code itself.

    Parameters
    ----------
    code : Code
        What the encoder gave.
    noise : Tensor, optional
        Standard normal, of the shape of the mean; without it the mean is returned.
    """
    if isinstance(code, Gaussian) and noise is not None:
        return code.mean + torch.exp(0.5 * code.log_var) * noise
    return centre(code)
