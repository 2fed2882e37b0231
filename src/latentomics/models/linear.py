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

SMALLEST_NOISE = 1e-7  # of the largest variance, where the components leave nothing out


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
        self, mean: Tensor, components: Tensor, variances: Tensor | None = None
    ) -> None:
        """Become PCA; see ``Network.set_linear_path``."""
        self.path.set(mean, components, code_scale(variances, self.spec.code))

    @torch.no_grad()
    def set_probabilistic(
        self, mean: Tensor, components: Tensor, variances: Tensor, noise_variance: float
    ) -> None:
        """Become probabilistic PCA, whose bound is the likelihood itself.

        Parameters
        ----------
        mean, components, variances : Tensor
            As in ``set_linear_path``.
        noise_variance : float
            Mean variance of the directions that are left out.

        References
        ----------
        Tipping and Bishop, 1999; Lucas et al., 2019, arXiv:1911.02469; METHODS, section 2.
        """
        if self.log_var is None or self.log_scale is None:
            raise RequestError(
                "probabilistic PCA needs a Gaussian code", str(self.spec), "set code to gaussian"
            )
        noise = max(noise_variance, SMALLEST_NOISE * float(variances.max()))
        signal = (variances - noise).clamp_min(0).sqrt()  # W = U (L - noise)^(1/2)
        self.path.set(mean, components, 1.0)
        self.path.encoder.mul_((signal / variances.clamp_min(noise))[:, None])
        self.path.decoder.mul_(signal)
        self.log_var.copy_((noise / variances.clamp_min(noise)).log())
        self.log_scale.fill_(0.5 * math.log(noise))
