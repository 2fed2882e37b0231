"""Linear encoder and decoder: PCA as a network of its own.

In: samples (batch, channels, *size), D values each. Out: code W (x - mean),
reconstruction mean + V code. Set from PCA it is the closed form of METHODS, section 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from latentomics.core import Code, Gaussian, NetworkSpec, RequestError
from latentomics.models.codes import make_code
from latentomics.models.linear_path import LinearPath, code_scale
from latentomics.models.network import NETWORKS, Network, refuse_codes


@NETWORKS.register("linear")
class LinearNetwork(Network):
    """Linear encoder and decoder; a Gaussian code has one variance a latent, and one of noise."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        refuse_codes(spec, "point", "gaussian")
        self.path = LinearPath(spec, (spec.channels_in, *spec.size))
        gaussian = spec.code == "gaussian"
        self.log_var = nn.Parameter(torch.zeros(spec.latent)) if gaussian else None
        self.log_scale = nn.Parameter(torch.zeros(())) if gaussian else None

    def encode(self, values: Tensor) -> Code:
        """Return the code of samples (batch, channels, *size)."""
        mean = self.path.encode(values)
        if self.log_var is None:
            return make_code("point", mean)
        return Gaussian(mean=mean, log_var=self.log_var.expand_as(mean))  # exact, so not clamped

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels, *size)."""
        return self.path.decode(code).float()

    def set_linear_path(
        self,
        mean: Tensor,
        components: Tensor,
        variances: Tensor | None = None,
        *,
        held: bool = False,
    ) -> None:
        """Become PCA; see ``Network.set_linear_path``."""
        self.path.set(mean, components, code_scale(variances, alike=held))

    @torch.no_grad()
    def set_probabilistic(
        self, mean: Tensor, components: Tensor, variances: Tensor, noise_variance: float
    ) -> None:
        """Become probabilistic PCA; see ``LinearPath.set_probabilistic``."""
        if self.log_var is None or self.log_scale is None:
            raise RequestError(
                "probabilistic PCA needs a Gaussian code", str(self.spec), "set code to gaussian"
            )
        log_var, noise = self.path.set_probabilistic(mean, components, variances, noise_variance)
        self.log_var.copy_(log_var)
        self.log_scale.fill_(0.5 * math.log(noise))
