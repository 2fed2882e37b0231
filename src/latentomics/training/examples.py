"""Labelled samples as an encoder with a head reads them.

In: the samples of a part, a plan, and, of encoders whose maps are read by region, where the regions
of each map lie. Out: inputs of the network and their rows. Samples of one size are moved as in a
run; crops are read whole, flipped at random where the plan's symmetries are flips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, IntArray, stream
from latentomics.models import Crop
from latentomics.training.feed import Feed

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from latentomics.dataset import Batch, Store
    from latentomics.models import Regions
    from latentomics.planning import Plan

CROPS = 8  # of a step, at most: each is read whole
Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Samples of one part and what is known of each: (samples,), none of it NaN.

    ``regions`` are those of each sample's map, where the encoder's maps are read by region.
    """

    store: Store
    truth: DoubleArray
    regions: Sequence[Regions] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Inputs of a network, and the number of each one's sample."""

    inputs: Tensor | Sequence[Crop]
    rows: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """Gives the examples of any step, and those of a validation pass."""

    plan: Plan
    train: Labelled
    held_out: Labelled
    channels: int  # that the network reads, the mask's among them
    device: torch.device

    @property
    def batch(self) -> int:
        """Samples a step."""
        if self._whole:
            return self._feed.batch
        return min(self.plan.batch.value, CROPS, len(self.train.store))

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the training samples."""
        return self._feed.epoch_steps if self._whole else len(self.train.store) // self.batch

    def training(self, step: int) -> Examples:
        """Return the examples of a step, moved or flipped anew."""
        if self._whole:
            return self._of(self._feed.training(step))
        epoch, place = divmod(step, self.epoch_steps)
        order = stream(self.plan.seed, "order", epoch).permutation(len(self.train.store))
        rows = order[place * self.batch : (place + 1) * self.batch]
        ways = flips_of(self.plan)
        drawn = stream(self.plan.seed, "flips", step).integers(0, len(ways), len(rows))
        turned = [ways[way] for way in drawn]
        return Examples(inputs=self.read(self.train, rows, turned), rows=rows)

    def validation(self) -> Iterator[Examples]:
        """Give the examples of each part of a validation pass."""
        if self._whole:
            for _, batch in self._feed.validation():
                yield self._of(batch)
            return
        every = np.arange(len(self.held_out.store))
        for rows in np.array_split(every, -(-len(every) // self.batch)):
            yield Examples(inputs=self.read(self.held_out, rows), rows=rows)

    def read(
        self, part: Labelled, rows: IntArray, flipped: Sequence[Axes] = ()
    ) -> Tensor | Sequence[Crop]:
        """Return samples as they lie, or each flipped along some axes."""
        import torch

        found = []
        for place, row in enumerate(rows.tolist()):
            sample = part.store.sample(row)
            values = torch.tensor(sample.values, dtype=torch.float32)
            if self.channels > len(values):
                mask = torch.from_numpy(sample.mask)[None] * self.plan.mask_channel.value
                values = torch.cat([values, mask.float()])
            regions = None if part.regions is None else part.regions[row]
            axes = flipped[place] if flipped else ()
            found.append(Crop(values=values.to(self.device), regions=regions, flipped=axes))
        if not self._whole:
            return found
        return torch.stack([one.values.flip([1 + axis for axis in one.flipped]) for one in found])

    @property
    def _whole(self) -> bool:
        return self.train.regions is None and self.train.store.patch is None

    @property
    def _feed(self) -> Feed:
        train, held_out = self.train.store, self.held_out.store
        return Feed(plan=self.plan, train=train, held_out=held_out, device=self.device)

    def _of(self, batch: Batch) -> Examples:
        import torch

        inputs = batch.values
        if self.channels > inputs.shape[1]:
            inputs = torch.cat([inputs, batch.mask * self.plan.mask_channel.value], dim=1)
        return Examples(inputs=inputs, rows=batch.rows)


def flips_of(plan: Plan) -> list[Axes]:
    """Return the spatial axes of every flip that the plan's symmetries name, none first."""
    axes = range(plan.dimension.value)
    counts = range(len(axes) + 1 if plan.symmetries.value == "flips" else 1)
    return [some for count in counts for some in combinations(axes, count)]
