"""Codes that hardly move when the sample does.

In: the encoder, its input (batch, channels, *size) and signs to sound its derivative with. Out:
nats per sample, (batch,). The derivative is that of the whole encoder: formulas for one dense
sigmoid layer are wrong for every other network (METHODS, section 12).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from latentomics.core import Code, Gaussian, RequestError, StepView
from latentomics.objectives.likelihoods.likelihood import counted
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

SMALL = 2**15  # entries of a Jacobian that is computed whole


@penalty(
    "contraction",
    codes=("sigmoid", "point", "gaussian"),
    needs=("derivative",),
    options={"jacobian": ("auto", "exact", "hutchinson"), "probes": 1.0},
)
def contraction(step: StepView) -> Tensor:
    """Squared change of the code when every value of the input changes by one, times the voxels.

    That is |dh/dx|_F^2 times the number of values that go in: a long way for large samples, whose
    every single value moves the code less, and so the same weight holds for any size. Small
    Jacobians are computed whole, others sounded with random signs.

    References
    ----------
    Rifai et al., 2011, ICML; METHODS, section 12.
    """
    if step.encode is None or step.input is None or step.probes is None:
        raise RequestError(
            "the derivative of an encoder needs the encoder, its input and probes",
            "penalty contraction",
            "use it in a method such as contractive",
        )
    how = step.options["jacobian"]
    values = step.input[0].numel()
    exact = how == "exact" or (how == "auto" and values * step.probes.shape[-1] <= SMALL)
    squared = squared_jacobian(step.encode, step.input, None if exact else step.probes)
    return squared * values * counted(step)


def squared_jacobian(
    encode: Callable[[Tensor], Code], values: Tensor, probes: Tensor | None = None
) -> Tensor:
    """Return the squared Frobenius norm of dh/dx of each sample, (batch,), with a gradient.

    Parameters
    ----------
    encode : callable
        From samples to codes (batch, latent); a sample's code does not depend on the others.
    values : Tensor (batch, channels, *size)
        Where the derivative is taken.
    probes : Tensor (batch, probes, latent), optional
        Of -1 and 1: the mean of |J^T v|^2 over them estimates the norm without bias. Without them
        it is computed whole, one row of J after the other.
    """
    import torch

    learning = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    device = values.device.type
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device, enabled=False):
        given = values.detach().float().clone().requires_grad_()
        code = _flat(encode(given))
        rows = _each_row(code) if probes is None else probes.clone().movedim(1, 0)
        total = torch.zeros(len(code), device=code.device)
        for row in rows:
            slope = torch.autograd.grad(code, given, row, create_graph=learning, retain_graph=True)[
                0
            ]
            total = total + slope.square().flatten(1).sum(1)
    return total if probes is None else total / probes.shape[1]


def _each_row(code: Tensor) -> Tensor:
    """Return unit vectors, the same for each sample: (latent, batch, latent)."""
    import torch

    return torch.eye(code.shape[1], device=code.device)[:, None].expand(-1, len(code), -1)


def _flat(code: Code) -> Tensor:
    return code.mean if isinstance(code, Gaussian) else code.z
