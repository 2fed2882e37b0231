"""Latents that neither vary together nor leave the prior's variance.

In: Gaussian codes (batch, latent). Out: squared covariances, the same for each sample, (batch,);
their weights turn them into nats. Covariances of few samples are partly chance, and their squares
add that up: M (M - 1) / (batch - 1) for M independent latents (METHODS, section 8). So a square is
estimated without bias from products of four different samples, and may be below zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor

KIND = {"kind": ("I", "II")}  # covariances of posterior means, or of whole posteriors
FEWEST = 4  # samples of which a square can be estimated without bias


@penalty("off_diagonal", codes=("gaussian",), pairs=True, options=KIND)
def off_diagonal(step: StepView) -> Tensor:
    """Sum of squared covariances of different latents' means.

    References
    ----------
    Kumar et al., 2018, arXiv:1711.00848; METHODS, section 8; docs/decisions/0015.
    """
    squares = squared_covariances(_codes(step).mean)
    return (squares.sum() - squares.diagonal().sum()).float().expand(len(step.draw))


@penalty("diagonal", codes=("gaussian",), pairs=True, options=KIND)
def diagonal(step: StepView) -> Tensor:
    """Sum of squared distances of the latents' variances from 1.

    Of kind I the variances are those of posterior means; in kind II the posteriors' own add to
    them.
    """
    code = _codes(step)
    mean = code.mean.double()
    missing = mean.new_full((), -1.0)
    if step.options["kind"] == "II":
        missing = missing + code.log_var.double().exp().mean(0)
    variance = mean.var(0, correction=int(len(mean) >= FEWEST))
    apart = squared_covariances(mean).diagonal() + 2 * missing * variance + missing.square()
    return apart.sum().float().expand(len(step.draw))


def squared_covariances(values: Tensor) -> Tensor:
    """Return the squares of the covariances of columns, estimated without bias.

    The mean over all choices of four different rows a, b, c, d of
    ``(a - b)_i (a - b)_j (c - d)_i (c - d)_j / 4``, in closed form; its sum over i and j is the
    estimate of the trace of a squared covariance matrix of Himeno and Yamada (2014). Of fewer than
    four rows: the squares of their covariances.

    Shapes
    ------
    values : (n, latent), result : (latent, latent), float64
    """
    n = len(values)
    centred = values.double() - values.double().mean(0)
    if n < FEWEST:
        return (centred.T @ centred / n).square()
    covariance = centred.T @ centred / (n - 1)
    variance = covariance.diagonal()
    fourth = centred.square().T @ centred.square() / (n - 1)
    pairs = (n - 1) * (n - 2) * covariance.square() + variance[:, None] * variance - n * fourth
    return pairs * (n - 1) / (n * (n - 2) * (n - 3))


def _codes(step: StepView) -> Gaussian:
    """Return one code of each sample, however many draws it has."""
    if not isinstance(step.code, Gaussian):
        raise RequestError(
            "covariances of a posterior need a Gaussian code", "DIP-VAE", "use a Gaussian code"
        )
    each = slice(None, None, step.draws)
    return Gaussian(mean=step.code.mean[each], log_var=step.code.log_var[each])
