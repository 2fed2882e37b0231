"""What every network offers, and the one door that builds any of them.

In: a ``NetworkSpec`` and a seed. Out: a module with ``encode``, ``decode`` and parameter groups.
The same spec and seed give the same weights, whatever was drawn before.
"""

from __future__ import annotations

import math
from typing import NotRequired, TypedDict

import torch
from torch import Tensor, nn

from latentomics.core import (
    MEAN,
    OUTPUTS,
    Code,
    NetworkSpec,
    Quantised,
    Registry,
    RequestError,
    expected_values,
    stream_seed,
)
from latentomics.models.codes import centre
from latentomics.models.entrance import Basis
from latentomics.models.linear_path import LinearPath, code_scale, linear_rates, make_zero
from latentomics.models.quantiser import Quantiser


class ParameterGroup(TypedDict):
    """Parameters that share a learning rate: ``lr_factor`` times that of the plan."""

    params: list[nn.Parameter]
    lr_factor: float
    weight_decay: NotRequired[float]  # 0 where shrinking makes no sense: offsets, norms, PCA


class Network(nn.Module):
    """Base of all networks; shapes (batch, channels, *size) in and out."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.linear_path: LinearPath | None = None

    def encode(self, values: Tensor) -> Code:
        """Return the code of samples (batch, channels_in, *size)."""
        raise NotImplementedError

    def encode_seen(self, values: Tensor, seen: Tensor) -> Code:  # noqa: ARG002
        """Return the code of samples of which blocks are hidden; see the spatial network."""
        raise RequestError(
            f"a {self.spec.kind} network with code {self.spec.code} cannot hide blocks",
            "network: kind, code",
            "use kind 'spatial' with code 'map'",
        )

    def decode(self, code: Tensor) -> Tensor:
        """Return the output (batch, decoder_channels, *size) float32 for drawn codes."""
        raise NotImplementedError

    def reconstruct(self, code: Tensor) -> Tensor:
        """Return the intensities (batch, channels_out, *size) that the output expects."""
        return expected_values(self.decode(code), self.spec.output)

    def forward(self, values: Tensor) -> tuple[Code, Tensor]:
        """Return the code and the reconstruction from its centre."""
        code = self.encode(values)
        return code, self.reconstruct(centre(code))

    def rebuild(self, values: Tensor) -> Tensor:
        """Return what the network makes of samples when nothing is drawn."""
        return self.reconstruct(centre(self.encode(values)))

    def observe(self, code: Code, *, epoch_ends: bool, generator: torch.Generator) -> None:
        """Learn from the codes of a training step what no gradient teaches; a codebook does."""
        if isinstance(code, Quantised):
            for quantiser in self._quantisers():
                quantiser.observe(
                    code.encoded, code.index, epoch_ends=epoch_ends, generator=generator
                )

    @property
    def basis(self) -> Tensor | None:
        """The basis whose coefficients the code holds, (dimensions, latent); None without one."""
        bases = [module for module in self.modules() if isinstance(module, Basis)]
        return bases[0].matrix if bases else None

    def measures(self) -> dict[str, float]:
        """Return what is known of the training beside its terms, by name."""
        return {
            name: value
            for quantiser in self._quantisers()
            for name, value in quantiser.measures().items()
        }

    def _quantisers(self) -> list[Quantiser]:
        return [module for module in self.modules() if isinstance(module, Quantiser)]

    def pooled(self, values: Tensor) -> Tensor:  # noqa: ARG002
        """Return mean, SD and maximum of each encoder map, stage by stage. (batch, pooled)."""
        raise RequestError(
            f"a {self.spec.kind} network has no encoder maps to pool",
            "plan: pooled",
            "set pooled to false, or use kind 'convolutional'",
        )

    def last_layers(self) -> tuple[nn.Module, ...]:
        """Return the last layers of the branches beside a linear path."""
        return ()

    def set_linear_path(
        self,
        mean: Tensor,
        components: Tensor,
        variances: Tensor | None = None,
        *,
        held: bool = False,
    ) -> None:
        """Start exactly at PCA: what runs beside the linear path adds nothing yet.

        Parameters
        ----------
        mean : Tensor (D,)
            Mean of the training samples, or of the blocks that a local code stands for, flattened
            channels first.
        components : Tensor (latent, D)
            Orthonormal.
        variances : Tensor (latent,), optional
            Their variances; with them codes start with a mean variance of 1, without them in the
            unit of the components.
        held : bool
            Whether a prior holds the code to N(0, I): then each latent starts with a variance of 1.
        """
        if self.linear_path is None:
            raise RequestError(
                f"a {self.spec.kind} network without a linear path cannot start at PCA",
                "network: linear_path",
                "set linear_path to true in a convolutional network",
            )
        scale = code_scale(variances, alike=held or self.spec.code == "map")
        self.linear_path.set(mean, components, scale)
        make_zero(*self.last_layers())

    def set_probabilistic(
        self,
        mean: Tensor,  # noqa: ARG002
        components: Tensor,  # noqa: ARG002
        variances: Tensor,  # noqa: ARG002
        noise_variance: float,  # noqa: ARG002
    ) -> None:
        """Start exactly at probabilistic PCA; see ``LinearPath.set_probabilistic``."""
        raise RequestError(
            f"a {self.spec.kind} network cannot start at probabilistic PCA",
            "network: linear_path",
            "use a Gaussian code of a convolutional or linear network",
        )

    def rate_factors(self) -> dict[str, float]:
        """Return factors on the learning rate by parameter name, where they are not 1."""
        return linear_rates(self.linear_path)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return all parameters, grouped by rate factor and by whether weight decay applies."""
        factors = self.rate_factors()
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            decays = parameter.ndim > 1 and "linear_path" not in name
            groups.setdefault((factors.get(name, 1.0), decays), []).append(parameter)
        return [
            ParameterGroup(params=group, lr_factor=factor)
            if decays
            else ParameterGroup(params=group, lr_factor=factor, weight_decay=0.0)
            for (factor, decays), group in groups.items()
        ]


NETWORKS: Registry[type[Network]] = Registry("kind of network")


def build_network(spec: NetworkSpec, seed: int) -> Network:
    """Return a network with weights drawn from ``seed`` alone, on the CPU.

    Parameters
    ----------
    spec : NetworkSpec
        The whole architecture.
    seed : int
        The run's seed; the stream of the weights is derived from it.

    Raises
    ------
    RequestError
        When the spec makes no sense, in one sentence.
    """
    _check(spec)
    network = NETWORKS[spec.kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "weights"))
        return network(spec)


def features_in(spec: NetworkSpec) -> int:
    """Return the number of values in one sample."""
    return spec.channels_in * math.prod(spec.size)


def refuse_codes(spec: NetworkSpec, *known: str) -> None:
    """Raise where a kind of network cannot give the spec's code."""
    if spec.code not in known:
        raise RequestError(
            f"a {spec.kind} network has no code {spec.code!r}",
            "network: code",
            f"set it to {' or '.join(known)}",
        )


def _check(spec: NetworkSpec) -> None:
    wrong = None
    if len(spec.size) != spec.dimension or spec.dimension not in (1, 2, 3):
        wrong = f"a size of {len(spec.size)} axes in {spec.dimension} dimensions"
    elif min(*spec.size, spec.channels_in, spec.channels_out, spec.latent, spec.stem) < 1:
        wrong = "a size, channel, latent or stem below 1"
    elif spec.blocks < 0 or any(width < 1 for width in spec.widths):
        wrong = "a width below 1 or a negative number of blocks"
    elif spec.output not in OUTPUTS:
        wrong = f"output {spec.output!r}; it is one of {', '.join(OUTPUTS)}"
    elif spec.output != MEAN and (spec.linear_path or spec.kind == "linear"):
        wrong = f"a linear path to an output of {spec.output}, which is no intensity"
    elif spec.kind == "convolutional" and not spec.widths:
        wrong = "no widths"
    if wrong:
        raise RequestError(f"the network cannot be built with {wrong}", str(spec), "correct it")
