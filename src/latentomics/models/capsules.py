"""Capsules: parts of an image that each know whether they are there, and where.

In: samples (batch, channels_in, *size) in two or three dimensions. Out: presence and pose of each
capsule, and reconstructions that are sums over capsules of presence times what a capsule draws at
its pose (METHODS, section 13). Poses are shifts in voxels: adding one to all poses draws the image
shifted by it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentomics.core import Capsules, NetworkSpec, RequestError
from latentomics.models.network import NETWORKS, Network, features_in, refuse_codes


@NETWORKS.register("capsules")
class CapsuleNetwork(Network):
    """``latent / (1 + d)`` capsules; ``widths`` are their units of recognition and generation."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        refuse_codes(spec, "capsules")
        d, values_out = (
            spec.dimension,
            features_in(spec) // spec.channels_in * spec.decoder_channels,
        )
        if spec.latent % (1 + d) or d == 1 or len(spec.widths) != 2:
            raise RequestError(
                "capsules have a presence and a pose each, in two or three dimensions",
                f"latent {spec.latent}, {d} dimensions, widths {spec.widths}",
                f"set latent to a multiple of {1 + d} and widths to two numbers of units",
            )
        self.capsules = spec.latent // (1 + d)
        recognition, generation = spec.widths
        self.recognise = nn.Linear(features_in(spec), self.capsules * recognition)
        self.presence = _Each(self.capsules, recognition, 1)
        self.pose = _Each(self.capsules, recognition, d)
        self.generate = _Each(self.capsules, d, generation)
        self.draw = nn.Linear(self.capsules * generation, values_out)

    def encode(self, values: Tensor) -> Capsules:
        """Return what each capsule says of samples (batch, channels_in, *size)."""
        units = self.recognise(values.flatten(1)).sigmoid()
        units = units.reshape(units.shape[0], self.capsules, -1)
        return joined(self.presence(units)[..., 0].float().sigmoid(), self.pose(units).float())

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size) of presences and poses in a row."""
        presence, pose = code[:, : self.capsules], code[:, self.capsules :]
        units = self.generate(pose.reshape(pose.shape[0], self.capsules, -1)).sigmoid()
        flat: Tensor = self.draw((presence[..., None] * units).flatten(1))
        return flat.float().reshape(-1, self.spec.decoder_channels, *self.spec.size)


class _Each(nn.Module):
    """A linear layer of its own for each capsule: (batch, capsules, n) -> (batch, capsules, m)."""

    def __init__(self, capsules: int, units_in: int, units_out: int) -> None:
        super().__init__()
        bound = units_in**-0.5
        self.weight = nn.Parameter(
            torch.empty(capsules, units_in, units_out).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.zeros(capsules, units_out))

    def forward(self, values: Tensor) -> Tensor:
        return torch.einsum("bcn,cnm->bcm", values, self.weight) + self.bias


def joined(presence: Tensor, pose: Tensor) -> Capsules:
    """Return presence (batch, capsules) and pose (batch, capsules, d) as one code."""
    return Capsules(z=torch.cat([presence, pose.flatten(1)], dim=1), presence=presence, pose=pose)


def shifted(code: Capsules, shift: Tensor) -> Tensor:
    """Return the row that is decoded when every part moves by ``shift`` (batch, d) voxels."""
    return joined(code.presence, code.pose + shift[:, None]).z
