"""PCA beside the convolutions of a network, which then add to it.

In: samples or blocks (batch, channels, *size), D values each. Out: code W (x - mean),
reconstruction mean + V code, to be added to what the convolutions give.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentomics.core import NetworkSpec, RequestError
from latentomics.models.blocks import depth_to_space

SMALLEST_NOISE = 1e-7  # of the largest variance, where the components leave nothing out
LINEAR_RATE = 0.003  # DESIGN, section 10: at .03 Adam still spoils the start at PCA


class LinearPath(nn.Module):
    """Mean (D,), encoder (latent, D) and decoder (D, latent); starts as a random projection.

    ``shape`` (channels, *size) is what it reads: a whole sample, or one block of a local code.
    """

    def __init__(self, spec: NetworkSpec, shape: tuple[int, ...]) -> None:
        super().__init__()
        if spec.channels_in != spec.channels_out:
            raise RequestError(
                "a linear path gives back what goes in, so the channels must agree",
                f"{spec.channels_in} channels in, {spec.channels_out} out",
                "set linear_path to false",
            )
        features = math.prod(shape)
        self.shape = shape
        self.mean = nn.Parameter(torch.zeros(features))
        projection = torch.randn(spec.latent, features) / features**0.5
        self.encoder = nn.Parameter(projection)
        self.decoder = nn.Parameter(projection.T.clone())

    def encode(self, values: Tensor) -> Tensor:
        """Return W (x - mean), (batch, latent)."""
        return functional.linear(values.flatten(1) - self.mean, self.encoder)

    def decode(self, code: Tensor) -> Tensor:
        """Return mean + V z, (batch, channels, *size)."""
        return functional.linear(code, self.decoder, self.mean).reshape(-1, *self.shape)

    def encode_blocks(self, values: Tensor, stride: int) -> Tensor:
        """Return W (x - mean) of the block at every ``stride`` voxels, (batch, latent, *positions).

        Blocks may overlap, as those between the ones that are decoded do.
        """
        convolve = getattr(functional, f"conv{len(self.shape) - 1}d")
        kernel = self.encoder.reshape(-1, *self.shape)
        blocks: Tensor = convolve(values, kernel, -self.encoder @ self.mean, stride=stride)
        return blocks

    def decode_blocks(self, code: Tensor) -> Tensor:
        """Return mean + V z of all positions side by side, (batch, channels, *positions * edge)."""
        blocks = functional.linear(code.movedim(1, -1), self.decoder, self.mean)
        return depth_to_space(blocks.movedim(-1, 1), self.shape[-1])

    @torch.no_grad()
    def set(self, mean: Tensor, components: Tensor, scale: Tensor | float) -> None:
        """Take PCA's mean (D,) and components (latent, D); codes are multiplied by scale."""
        if mean.shape != self.mean.shape or components.shape != self.encoder.shape:
            raise RequestError(
                "these components belong to samples or codes of another size",
                f"components {tuple(components.shape)}, network {tuple(self.encoder.shape)}",
                "fit PCA on the samples that the network reads",
            )
        self.mean.copy_(mean)
        self.encoder.copy_(components * torch.as_tensor(scale).reshape(-1, 1))
        self.decoder.copy_((components / torch.as_tensor(scale).reshape(-1, 1)).T)

    @torch.no_grad()
    def set_probabilistic(
        self, mean: Tensor, components: Tensor, variances: Tensor, noise_variance: float
    ) -> tuple[Tensor, float]:
        """Become probabilistic PCA, whose bound is the likelihood itself.

        Parameters
        ----------
        mean, components : Tensor
            As in ``set``.
        variances : Tensor (latent,)
            Of the components.
        noise_variance : float
            Mean variance of the directions that are left out.

        Returns
        -------
        tuple of Tensor (latent,) and float
            Log variances of the posterior, and the variance of the noise.

        References
        ----------
        Tipping and Bishop, 1999; Lucas et al., 2019, arXiv:1911.02469; METHODS, section 2.
        """
        noise = max(noise_variance, SMALLEST_NOISE * float(variances.max()))
        signal = (variances - noise).clamp_min(0).sqrt()  # W = U (L - noise)^(1/2)
        self.set(mean, components, 1.0)
        self.encoder.mul_((signal / variances.clamp_min(noise))[:, None])
        self.decoder.mul_(signal)
        return (noise / variances.clamp_min(noise)).log(), noise


def code_scale(variances: Tensor | None, *, alike: bool) -> Tensor | float:
    """Return the factor that brings PCA codes to the size that a code should have.

    A point keeps PCA's proportions, with a mean variance of 1, because a probe weighs all latents
    alike. Where a prior holds it to N(0, I), each latent gets a variance of 1 (``alike``); so does
    each channel of a map, which would be silent beside the first, the mean of a block, and whose
    variance is no estimate from few samples but from thousands of blocks.
    """
    if variances is None:
        return 1.0
    smallest = variances.max() * 1e-6  # a direction without variance is not blown up
    return (variances.clamp_min(smallest) if alike else variances.mean()).rsqrt()


def linear_rates(path: LinearPath | None) -> dict[str, float]:
    """Return the factors that keep the start at PCA while the layers beside it learn."""
    return (
        {}
        if path is None
        else {f"linear_path.{name}": LINEAR_RATE for name, _ in path.named_parameters()}
    )


def make_zero(*layers: nn.Module) -> None:
    """Silence the last layers of the branches beside a linear path, which is then exactly PCA."""
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
