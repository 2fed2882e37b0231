"""A small ``StepView`` for known answers."""

from __future__ import annotations

from dataclasses import replace

import torch

from latentomics.core import Gaussian, Point, StepView


def make_view(**changes: object) -> StepView:
    """Four samples (1, 3, 5), a point code of three latents; any field may be changed."""
    generator = torch.Generator().manual_seed(0)
    target, output = torch.rand(2, 4, 1, 3, 5, generator=generator)
    z = torch.randn(4, 3, generator=generator)
    view = StepView(
        target=target, weight=torch.ones(4, 1, 3, 5), code=Point(z=z), draw=z, output=output,
        log_scale=None, second=None, domain=None, step=0, cohort_size=4,
    )  # fmt: skip
    return replace(view, **changes)  # type: ignore[arg-type]


def coded(mean: torch.Tensor, variance: torch.Tensor | float, **changes: object) -> StepView:
    """A step with these posterior means (batch, latent); its draws are the means."""
    log_var = torch.as_tensor(variance).log().expand_as(mean)
    return make_view(code=Gaussian(mean=mean, log_var=log_var), draw=mean, **changes)


def of_divergence(kl: list[list[float]]) -> Gaussian:
    """A Gaussian code of variance 1 with these KLs (batch, latent): mean^2 / 2."""
    mean = (2 * torch.tensor(kl)).sqrt()
    return Gaussian(mean=mean, log_var=torch.zeros_like(mean))
