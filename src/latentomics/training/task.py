"""The task of an autoencoder: what a plan and a method make of a batch.

In: a network, stores of samples, a plan and a method. Out: losses in nats per sample, (batch,), and
validation terms. Every draw is named by what it is for and by its step, and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latentomics.core import Code, Gaussian, IntArray, StepView, stream, stream_seed
from latentomics.dataset import deform, draw_control_points
from latentomics.models import centre, draw
from latentomics.noise import NOISES
from latentomics.objectives import total
from latentomics.training.augment import corrupt, draw_moves, move_batch, second_view
from latentomics.training.records import Terms

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from latentomics.dataset import Batch, Store
    from latentomics.methods import Method
    from latentomics.models import Network
    from latentomics.planning import Plan

PATCHES = 8  # of a case in an epoch of random patches
VALIDATION_ROWS = 2048  # at most, the same ones every time
VALIDATION_PATCHES = 256  # at least, where patches are cut at random
LATER = 2**62  # a step after every warm-up: validation weighs terms as the end of training does


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AutoencoderTask:
    """Gives the loss of any training step, and the validation pass, of a plan."""

    network: Network
    plan: Plan
    method: Method
    train: Store
    held_out: Store
    domains: IntArray | None = None  # (training samples,) site number, -1 unknown

    @property
    def batch(self) -> int:
        """Samples a step."""
        return min(self.plan.batch.value, self._epoch_rows)

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the training samples."""
        return max(1, self._epoch_rows // self.batch)

    def training(
        self, step: int, part: int = 0, parts: int = 1
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss (batch,) of a step, or of a part of its batch, and its terms.

        Samples are moved and corrupted anew, alike in however many parts they are computed.
        """
        rows = self._rows(step)
        batch = self.train.batch(rows, stream(self.plan.seed, "patches", step))
        batch = self._moved(self._on_device(batch), step)
        values = self._corrupted(batch, step)[part::parts]
        domain = None if self.domains is None else self._tensor(self.domains[rows][part::parts])
        noise = self._generator(f"latent {part}" if part else "latent", step)
        return self._loss(batch.part(part, parts), values, step, domain, noise)

    def validation(self, parts: int = 1) -> Terms:
        """Return mean terms over fixed samples: clean input, the centre of the code."""
        rows = self._validation_rows()
        sums: Terms = {}
        for start in range(0, len(rows), self.batch):
            some = rows[start : start + self.batch]
            patches = stream(self.plan.seed, "validation patches", start)
            batch = self._on_device(self.held_out.batch(some, patches))
            for part in range(min(parts, len(some))):
                piece = batch.part(part, min(parts, len(some)))
                loss, terms = self._loss(piece, piece.values, LATER, None, None)
                for name, term in {**terms, "total": loss}.items():
                    sums[name] = sums.get(name, 0.0) + term.double().sum().item()
        return {name: value / len(rows) for name, value in sums.items()}

    def _loss(
        self,
        batch: Batch,
        values: Tensor,
        step: int,
        domain: Tensor | None,
        noise: torch.Generator | None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        code = self._encode(values, batch.mask)
        drawn = self._draw(code, noise)
        view = StepView(
            target=self._with_mask(batch.values, batch.mask, self.network.spec.channels_out),
            weight=batch.weight,
            code=code,
            draw=drawn,
            output=self.network.decode(drawn).float(),
            log_scale=getattr(self.network, "log_scale", None),
            second=self._second(values, batch.mask, step),
            domain=domain,
            step=step,
            cohort_size=len(self.train),
        )
        weights = self.method.weights(step)
        return total(view, self.method.likelihood, self.method.penalties, weights)

    def _second(self, values: Tensor, mask: Tensor, step: int) -> Code | None:
        if self.method.second_view is None:
            return None
        name = "validation view" if step == LATER else "second view"
        generator = stream(self.plan.seed, name, step)
        values, mask = second_view(values, mask, self.plan.spacing.value, generator)
        return self._encode(values, mask)

    def _encode(self, values: Tensor, mask: Tensor) -> Code:
        return self.network.encode(self._with_mask(values, mask, self.network.spec.channels_in))

    def _with_mask(self, values: Tensor, mask: Tensor, channels: int) -> Tensor:
        import torch

        if channels <= values.shape[1]:
            return values
        return torch.cat([values, mask * self.plan.mask_channel.value], dim=1)

    def _draw(self, code: Code, noise: torch.Generator | None) -> Tensor:
        import torch

        if noise is None or not isinstance(code, Gaussian):
            return centre(code)
        shape, device = code.mean.shape, code.mean.device
        return draw(code, torch.randn(shape, generator=noise, device=device))

    def _moved(self, batch: Batch, step: int) -> Batch:
        import torch

        bent = self.plan.deformation.value
        reach = self.plan.shift.value
        local = self.plan.view.value == "local"  # whose patches are cut flipped already
        flips = self.plan.symmetries.value == "flips" and not local
        if not reach and not flips and not bent:
            return batch
        generator = stream(self.plan.seed, "moves", step)
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

    def _corrupted(self, batch: Batch, step: int) -> Tensor:
        noise = self.plan.noise.value
        if noise is None or not self.method.corruption:
            return batch.values
        # a level in HU or SUV is the first channel's; others may be of another modality
        noisy = slice(None) if noise.unit == "scale" else slice(1)
        values = batch.values.clone()
        values[:, noisy] = corrupt(
            batch.values[:, noisy],
            batch.offset[:, noisy],
            batch.scale[:, noisy],
            NOISES[noise.model],
            noise.sigma,
            relative=noise.unit == "scale",
            generator=self._generator("noise", step),
            options=noise.options,
        )
        return values

    @property
    def _epoch_rows(self) -> int:
        return len(self.train) * (PATCHES if self.plan.view.value == "local" else 1)

    def _rows(self, step: int) -> IntArray:
        epoch, place = divmod(step, self.epoch_steps)
        order = stream(self.plan.seed, "order", epoch).permutation(self._epoch_rows)
        rows: IntArray = order[place * self.batch : (place + 1) * self.batch] % len(self.train)
        return rows

    def _validation_rows(self) -> IntArray:
        count = len(self.held_out)
        if self.plan.view.value == "local":
            return np.tile(np.arange(count), -(-VALIDATION_PATCHES // count))
        chosen = stream(self.plan.seed, "validation rows").permutation(count)[:VALIDATION_ROWS]
        return np.sort(chosen)

    def _generator(self, name: str, step: int) -> torch.Generator:
        import torch

        generator = torch.Generator(self._device)
        return generator.manual_seed(stream_seed(self.plan.seed, name, step))

    def _on_device(self, batch: Batch) -> Batch:
        names = ("values", "mask", "weight", "offset", "scale")
        moved = {name: getattr(batch, name).to(self._device) for name in names}
        return replace(batch, **moved)

    def _tensor(self, values: IntArray) -> Tensor:
        import torch

        return torch.from_numpy(values).to(self._device)

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device
