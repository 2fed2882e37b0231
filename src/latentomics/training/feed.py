"""The samples of each step: which, where moved to, and how corrupted.

In: a plan and its stores. Out: batches on the device of the network. Every draw is named by what it
is for and by its step, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from latentomics.core import IntArray, stream
from latentomics.dataset import deform, draw_control_points
from latentomics.noise import NOISES
from latentomics.training.asked import Part
from latentomics.training.augment import corrupt, draw_moves, move_batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from latentomics.dataset import Batch, Store
    from latentomics.planning import Plan

PATCHES = 8  # of a case in an epoch of random patches
VALIDATION_ROWS = 2048  # at most, the same ones every time
VALIDATION_PATCHES = 256  # at least, where patches are cut at random


def epoch_rows(plan: Plan, samples: int) -> int:
    """Return the rows of an epoch of so many training samples."""
    return samples * (PATCHES if plan.view.value == "local" else 1)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, rows: int) -> IntArray:
    """Return the order of an epoch, which is not drawn anew for each of its steps."""
    order = stream(seed, "order", epoch).permutation(rows)
    order.flags.writeable = False  # every step of the epoch reads this very array
    return order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """Gives the batch of any training step, and the batches of a validation pass."""

    plan: Plan
    train: Store
    held_out: Store
    device: torch.device

    @property
    def batch(self) -> int:
        """Samples a step."""
        return min(self.plan.batch.value, self._epoch_rows)

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the training samples."""
        return max(1, self._epoch_rows // self.batch)

    def share(self, prefix: str, number: int, rows: int, part: int = 0, parts: int = 1) -> Part:
        """Return which part of a batch of so many rows is computed, for its draws."""
        return Part(
            seed=self.plan.seed,
            device=self.device,
            prefix=prefix,
            number=number,
            rows=rows,
            part=part,
            parts=parts,
        )

    def rows(self, step: int) -> IntArray:
        """Return the training samples of a step, each once an epoch."""
        epoch, place = divmod(step, self.epoch_steps)
        order = _order(self.plan.seed, epoch, self._epoch_rows)
        rows: IntArray = order[place * self.batch : (place + 1) * self.batch] % len(self.train)
        return rows

    def training(self, step: int) -> Batch:
        """Return the batch of a step, moved anew."""
        batch = self.train.batch(self.rows(step), stream(self.plan.seed, "patches", step))
        return self._moved(self._on_device(batch), step)

    def other(self, step: int) -> Batch:
        """Return another batch of training samples, drawn with replacement and moved as a step's.

        A second batch of samples that are not moved would differ from the first in more than what
        is compared.
        """
        seed = self.plan.seed
        rows = stream(seed, "second batch", step).integers(0, len(self.train), self.batch)
        batch = self.train.batch(rows, stream(seed, "second patches", step))
        return self._moved(self._on_device(batch), step, "second ")

    def validation(self) -> Iterator[tuple[int, Batch]]:
        """Give the number of the first sample and the batch of each part of a validation pass."""
        rows = self._validation_rows()
        for part in np.array_split(rows, -(-len(rows) // self.batch)):
            number = int(part[0])
            patches = stream(self.plan.seed, "validation patches", number)
            yield number, self._on_device(self.held_out.batch(part, patches))

    def corrupted(self, batch: Batch, step: int, part: str = "") -> Tensor:
        """Return the values of a batch with the plan's noise, drawn anew for each step and part."""
        noise = self.plan.noise.value
        if noise is None:
            return batch.values
        # a level in HU or SUV is the first channel's; others may be of another modality
        noisy = slice(1) if noise.unit in ("HU", "SUV") else slice(None)
        values = batch.values.clone()
        values[:, noisy] = corrupt(
            batch.values[:, noisy],
            batch.offset[:, noisy],
            batch.scale[:, noisy],
            NOISES[noise.model],
            noise.sigma,
            relative=noise.unit == "scale",
            generator=self.share(part, step, len(values)).generator("noise"),
            options=noise.options,
        )
        return values

    def _moved(self, batch: Batch, step: int, part: str = "") -> Batch:
        import torch

        bent = self.plan.deformation.value
        reach = self.plan.shift.value
        local = self.plan.view.value == "local"  # whose patches are cut flipped already
        flips = self.plan.symmetries.value == "flips" and not local
        if not reach and not flips and not bent:
            return batch
        generator = stream(self.plan.seed, part + "moves", step)
        moves = draw_moves(generator, self.plan.dimension.value, reach, flips=flips)
        names = ["values", *(["mask"] if self.plan.mask_channel.value else [])]
        names += ["weight"] if self.plan.loss_region.value != "all" else []
        parts = [getattr(batch, name) for name in names]
        together = move_batch(torch.cat(parts, dim=1), moves)
        if bent:
            points = draw_control_points(
                generator,
                len(together),
                together.shape[2:],
                self.plan.spacing.value,
                bent,
            )
            together = deform(together, points)
        moved = torch.split(together, [part.shape[1] for part in parts], dim=1)
        changed: dict[str, Any] = dict(zip(names, moved, strict=True))
        return replace(batch, **changed)

    @property
    def _epoch_rows(self) -> int:
        return epoch_rows(self.plan, len(self.train))

    def _validation_rows(self) -> IntArray:
        count = len(self.held_out)
        if self.plan.view.value == "local":
            return np.tile(np.arange(count), -(-VALIDATION_PATCHES // count))
        chosen = stream(self.plan.seed, "validation rows").permutation(count)[:VALIDATION_ROWS]
        return np.sort(chosen)

    def _on_device(self, batch: Batch) -> Batch:
        names = ("values", "mask", "weight", "offset", "scale")
        moved = {name: getattr(batch, name).to(self.device) for name in names}
        return replace(batch, **moved)
