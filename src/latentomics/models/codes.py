"""Codes from what an encoder's last layer gives, and what is read from a code.

In: raw outputs (batch, latent or 2 latent). Out: a code; one tensor from a code.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace

import torch
from torch import Tensor, nn

from latentomics.core import Code, Gaussian, NetworkSpec, Point, RequestError
from latentomics.models.quantiser import Quantiser

LOG_VAR_LIMIT = 10.0  # METHODS, section 6: variances between e^-10 and e^10, softly
MOST_OF_LIMIT = 0.95  # where a start may lie, with some gradient left
DEPTH = 4  # numbers that one entry of a codebook stands for, where a code has no positions


class CodeHead(nn.Module):
    """Turns the last numbers of an encoder into the spec's code of the whole sample.

    ``width`` is how many numbers it takes. A quantised code is made of entries of ``DEPTH`` numbers
    (or of the most that divide both), all from one codebook.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.width = code_width(spec.code, spec.latent)
        if spec.code == "top-k" and not 0 < spec.active <= spec.latent:
            raise RequestError(
                "a top-k code keeps at least one unit and at most all",
                f"active {spec.active} of {spec.latent}",
                f"set active to a number from 1 to {spec.latent}",
            )
        depth = math.gcd(spec.latent, DEPTH)
        self.quantiser = Quantiser(spec.codebook, depth) if spec.code == "quantised" else None

    def forward(self, raw: Tensor, linear: Tensor | None = None) -> Code:
        """Return the code of raw outputs (batch, width); ``linear`` is added to its centre."""
        if self.quantiser is None:
            return make_code(self.spec.code, raw, linear, self.spec.active)
        code: Code = self.quantiser(raw)
        return code


def code_width(kind: str, latent: int) -> int:
    """Return how many numbers the layer into the code gives."""
    widths = {
        "point": latent,
        "sigmoid": latent,
        "top-k": latent,
        "quantised": latent,
        "gaussian": 2 * latent,
    }
    if kind not in widths:
        raise RequestError(
            f"this network has no code {kind!r}",
            "network: code",
            f"use one of {', '.join(widths)}; 'map' and 'capsules' have networks of their own",
        )
    return widths[kind]


def make_code(
    kind: str, raw: Tensor, linear: Tensor | None = None, active: int = 0
) -> Point | Gaussian:
    """Return the code of raw outputs; ``linear`` is added to its centre.

    The log variance is softly clamped to [-10, 10], so that its gradient never vanishes at once.
    """
    raw = raw.float()  # (batch, latent) or (batch, 2 latent)
    if kind == "gaussian":
        mean, spread = raw.chunk(2, dim=1)
        log_var = LOG_VAR_LIMIT * torch.tanh(spread / LOG_VAR_LIMIT)
        return Gaussian(mean=mean if linear is None else mean + linear, log_var=log_var)
    z = raw if linear is None else raw + linear
    if kind == "sigmoid":
        return Point(z=z.sigmoid())
    return Point(z=z if kind == "point" else largest(z, active))


def spread_of(log_var: Tensor) -> Tensor:
    """Return the raw numbers that give log variances, which are held within the soft clamp."""
    share = (log_var / LOG_VAR_LIMIT).clamp(-MOST_OF_LIMIT, MOST_OF_LIMIT)
    return LOG_VAR_LIMIT * torch.atanh(share)


def largest(z: Tensor, count: int) -> Tensor:
    """Keep the ``count`` largest of each row (batch, latent) and their gradient, zero the others.

    References
    ----------
    Makhzani and Frey, 2014, arXiv:1312.5663.

    Examples
    --------
    >>> largest(torch.tensor([[3.0, 5.0, 1.0]]), 2).tolist()
    [[3.0, 5.0, 0.0]]
    """
    kept = torch.zeros_like(z).scatter(1, z.topk(count, dim=1).indices, 1.0)
    return z * kept


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


def repeated(code: Code, times: int) -> Code:
    """Return a code with each row so many times in turn."""
    if times == 1:
        return code
    parts = {part.name: getattr(code, part.name) for part in fields(code)}
    return replace(
        code, **{name: values.repeat_interleave(times, 0) for name, values in parts.items()}
    )
