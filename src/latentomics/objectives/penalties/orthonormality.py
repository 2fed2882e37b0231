"""Bases whose vectors have length one and right angles.

In: a basis (dimensions, latent). Out: nats per sample, the same for each, (batch,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("orthonormality", codes=("gaussian",), needs=("basis",))
def orthonormality(step: StepView) -> Tensor:
    """Squared Frobenius distance of B^T B from the identity.

    References
    ----------
    METHODS, section 10: ours, after Kim and Cho, 2019.
    """
    if step.basis is None:
        raise RequestError(
            "there is no basis to keep orthonormal",
            "penalty orthonormality",
            "set the network's basis to its latent size or more",
        )
    return squared_distance_from_orthonormal(step.basis).expand(len(step.draw))


def squared_distance_from_orthonormal(basis: Tensor) -> Tensor:
    """Return |B^T B - I|_F^2.

    Examples
    --------
    >>> import torch
    >>> float(squared_distance_from_orthonormal(2 * torch.eye(3)))  # KA-10.1
    27.0
    """
    import torch

    products = basis.mT @ basis
    return (products - torch.eye(len(products), device=basis.device)).square().sum()
