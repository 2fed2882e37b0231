"""Codes of which few units are active for any one sample.

In: codes (batch, latent). Out: nats per sample, (batch,), beside a negative log likelihood that is
a mean squared error times the number of voxels, so that a weight holds for samples of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.core import Gaussian, RequestError, StepView
from latentomics.objectives.likelihoods.likelihood import counted
from latentomics.objectives.penalties.penalty import penalty

if TYPE_CHECKING:
    from torch import Tensor


@penalty("sparsity", codes=("sigmoid",), per_sample=False, options={"rho": 0.05})
def sparsity(step: StepView) -> Tensor:
    """KL(rho || mean activity), summed over units, times the voxels; the mean is over the batch.

    Activities are shares of a unit's range, so the code has to be a sigmoid.

    References
    ----------
    Ng, 2011, CS294A lecture notes; METHODS, section 12.
    """
    divergence = activity_divergence(_units(step).mean(0), float(step.options["rho"]))
    return divergence.sum() * counted(step)


@penalty("l1", codes=("point",))
def l1(step: StepView) -> Tensor:
    """Sum of |z|, times the root of the number of voxels.

    Where the directions of the decoder have length one, codes grow with that root, so that a
    weight w sets an orthonormal linear code to sign(c) max(|c| - w root / 2, 0).

    References
    ----------
    METHODS, section 12.
    """
    return _units(step).abs().sum(1) * counted(step).sqrt()


def activity_divergence(activity: Tensor, rho: float) -> Tensor:
    """Return KL(Bernoulli(rho) || Bernoulli(activity)) of each unit, nats.

    Raises
    ------
    RequestError
        Where rho is no share.
    """
    import torch

    if not 0 < rho < 1:
        raise RequestError(
            "the activity of a sparse unit lies between 0 and 1", f"rho = {rho:g}", "set it to 0.05"
        )
    target = activity.new_tensor(rho)
    tiny = torch.finfo(activity.dtype).eps  # a unit that is off for the whole batch stays finite
    given = activity.clamp(tiny, 1 - tiny)
    on, off = target * (target / given).log(), (1 - target) * ((1 - target) / (1 - given)).log()
    return on + off


def _units(step: StepView) -> Tensor:
    if isinstance(step.code, Gaussian):
        raise RequestError(
            "a Gaussian code has no activities", "penalty sparsity", "use a code of points"
        )
    return step.code.z
