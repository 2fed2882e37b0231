"""An encoder with a linear head on its code: what a label is learned with (METHODS 29).

In: samples (batch, channels, *size); of an encoder of maps crops of any size. Out: one number each,
(batch,): log odds, or a quantity. A map is read as features read it: by its regional statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentomics.core import Map, Quantised
from latentomics.models.codes import centre
from latentomics.models.network import Network, ParameterGroup
from latentomics.models.statistics import Regions, spread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """One sample (channels, *size) for an encoder of maps, and how it is turned before it is read.

    ``regions`` are flat positions of the map, as of features; None: the whole map. ``flipped``
    are spatial axes.
    """

    values: Tensor
    regions: Regions | None = None
    flipped: tuple[int, ...] = ()


Samples = Tensor | Sequence[Crop]


class Headed(nn.Module):
    """The encoder of a network and a head that starts at a constant.

    Parameters
    ----------
    encoder : Network
        With any weights; they are trained further.
    samples : Tensor or sequence of Crop
        Some training samples: their codes decide the centre and the one scale that the head sees,
        as in a probe.
    start : float
        What the head says before it has learned.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, encoder: Network, samples: Samples, start: float) -> None:
        super().__init__()
        self.encoder = encoder.eval()
        with torch.inference_mode():
            code = self.code(samples)
        mean = code.mean(0)
        width = float((code - mean).square().mean().sqrt())
        self.head = nn.Linear(code.shape[1], 1, device=code.device)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, start)
        self.register_buffer("centre", mean.clone())
        self.register_buffer("scale", torch.full((), width if width > 0 else 1.0).to(code.device))

    def code(self, samples: Samples) -> Tensor:
        """Return what the head reads, (batch, columns): codes, or statistics of maps."""
        if not self.encoder.spec.block:
            return centre(self.encoder.encode(samples)).float()  # type: ignore[arg-type]
        crops = [Crop(values=one) for one in samples] if isinstance(samples, Tensor) else samples
        found: dict[int, Tensor] = {}
        for rows in _of_one_size(crops):
            values = [crops[row].values.flip(_axes(crops[row])) for row in rows]
            maps = _vectors(self.encoder.read(torch.stack(values)))  # type: ignore[operator]
            for row, one in zip(rows, maps, strict=True):
                found[row] = spread(one.float().flip(_axes(crops[row])), crops[row].regions)
        return torch.stack([found[row].flatten() for row in range(len(crops))])

    def forward(self, samples: Samples) -> Tensor:
        """Return what the head says of samples, (batch,)."""
        said: Tensor = self.head((self.code(samples) - self.centre) / self.scale)
        return said[:, 0]

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return those of the encoder, and the head without decay."""
        head = ParameterGroup(params=list(self.head.parameters()), lr_factor=1.0, weight_decay=0.0)
        return [*self.encoder.parameter_groups(), head]


def _of_one_size(crops: Sequence[Crop]) -> list[list[int]]:
    """Return the numbers of crops that can be read together."""
    found: dict[tuple[int, ...], list[int]] = {}
    for row, crop in enumerate(crops):
        found.setdefault(tuple(crop.values.shape), []).append(row)
    return list(found.values())


def _axes(crop: Crop) -> list[int]:
    return [1 + axis for axis in crop.flipped]


def _vectors(code: Map | Quantised) -> Tensor:
    """Return a map; of entries of a codebook what they stand for, as no label moves a codebook."""
    return code.encoded if isinstance(code, Quantised) else code.z
