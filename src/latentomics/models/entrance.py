"""How a code enters the decoder.

In: drawn codes (batch, latent). Out: the decoder's first numbers (batch, width). With a basis the
code holds coefficients, and the decoder reads their combination; with unit columns each latent
enters along a direction of length one, so that no code can shrink and be amplified again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentomics.core import NetworkSpec, RequestError


class Basis(nn.Module):
    """z = B c of coefficients c (batch, latent); B is (dimensions, latent)."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        if spec.basis < spec.latent:
            raise RequestError(
                "a basis cannot have more vectors than its space has dimensions",
                f"basis {spec.basis}, latent {spec.latent}",
                "set the network's basis to the latent size or more",
            )
        self.free = nn.Parameter(nn.init.orthogonal_(torch.empty(spec.basis, spec.latent)))
        self.orthonormal = spec.orthonormal

    @property
    def matrix(self) -> Tensor:
        """The basis (dimensions, latent); orthonormal by a QR factorisation where that is asked."""
        if not self.orthonormal:
            return self.free
        q, r = torch.linalg.qr(self.free)
        matrix: Tensor = q * r.diagonal().sign()  # unique: a basis that is orthonormal stays
        return matrix

    def forward(self, code: Tensor) -> Tensor:
        """Return the combination of the basis, (batch, dimensions)."""
        return functional.linear(code, self.matrix)


class Entrance(nn.Module):
    """A linear layer from the code, behind a basis where the spec has one."""

    def __init__(self, spec: NetworkSpec, width: int) -> None:
        super().__init__()
        self.basis = Basis(spec) if spec.basis else None
        self.layer = nn.Linear(spec.basis or spec.latent, width)
        self.unit_columns = spec.unit_columns

    def forward(self, code: Tensor) -> Tensor:
        """Return (batch, width)."""
        values = code if self.basis is None else self.basis(code)
        return functional.linear(values, self.columns, self.layer.bias)

    @property
    def columns(self) -> Tensor:
        """The direction of each latent, (width, latent or dimensions of the basis)."""
        weight = self.layer.weight
        return functional.normalize(weight, dim=0) if self.unit_columns else weight
