"""The task of an autoencoder: what a plan and a method make of a batch.

In: a network, stores of samples, a plan and a method. Out: losses in nats per sample, (batch,), and
validation terms. Every draw is named by what it is for and by its step, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latentomics.core import Code, Gaussian, IntArray, StepView, stream, stream_seed
from latentomics.dataset import deform, draw_control_points
from latentomics.methods import LATER
from latentomics.models import centre, draw, repeated
from latentomics.noise import NOISES
from latentomics.objectives import COMPANIONS, PENALTIES, Companion, Weights, beta_norm, total
from latentomics.training.augment import corrupt, draw_moves, move_batch, second_view
from latentomics.training.collapse import LatentWatch, collapse_remark
from latentomics.training.records import EpochRecord, Terms

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


class Piece(NamedTuple):
    """Which part of which batch: its draws are named by prefix and number, whatever the parts."""

    prefix: str
    number: int
    part: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AutoencoderTask:
    """Gives the loss of any training step, and the validation pass, of a plan."""

    network: Network
    plan: Plan
    method: Method
    train: Store
    held_out: Store
    domains: IntArray | None = None  # (training samples,) site number, -1 unknown
    companion: Companion | None = None  # of the method; its state goes through the checkpoint

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
        view = self._view(batch, values, Piece("", step, part, parts))
        view = replace(
            view,
            step=step,
            cohort_size=len(self.train),
            domain=None if self.domains is None else self._tensor(self.domains[rows][part::parts]),
            shuffled=self._shuffled(step, part, parts),
        )
        loss, terms, weights = self._judged(view, self.method.weights(step), training=True)
        return loss, terms | self._beta(weights, loss)

    def validation(self, parts: int = 1) -> Terms:
        """Return mean terms over fixed samples: clean input, fixed draws of the code."""
        rows = self._validation_rows()
        sums: Terms = {}
        watch = LatentWatch()
        weights = self.method.validation_weights()
        for some in np.array_split(rows, -(-len(rows) // self.batch)):
            number, pieces = int(some[0]), min(parts, len(some))
            patches = stream(self.plan.seed, "validation patches", number)
            batch = self._on_device(self.held_out.batch(some, patches))
            for part in range(pieces):
                piece = Piece("validation ", number, part, pieces)
                view = self._view(batch, batch.values[part::pieces], piece)
                watch.see(view.code)
                loss, terms, _ = self._judged(view, weights, training=False)
                for name, term in {**terms, "total": loss}.items():
                    total_of = term.double().sum().item() / view.draws
                    sums[name] = sums.get(name, 0.0) + total_of
        return {name: value / len(rows) for name, value in sums.items()} | watch.terms()

    def remark(self, step: int, terms: Terms, history: Sequence[EpochRecord]) -> str:
        """Return a warning about a validation, in words; empty where nothing is wrong."""
        return collapse_remark(step, terms, history, self.method, self.network.spec.latent)

    def _view(self, whole: Batch, values: Tensor, piece: Piece) -> StepView:
        """Return what objectives see of a piece of a batch, given its values as they go in."""
        batch = whole.part(piece.part, piece.parts)
        options = self.method.all_options()
        draws = int(options.get("draws", 1))
        code = repeated(self._encode(values, batch.mask), draws)
        noise = partial(self._normal, piece, len(whole.values), draws)
        drawn = draw(code, noise("latent", code.mean.shape)) if isinstance(code, Gaussian) else None
        drawn = centre(code) if drawn is None else drawn
        target = self._with_mask(batch.values, batch.mask, self.network.spec.channels_out)
        weight = batch.weight
        if draws > 1:
            target, weight = (t.repeat_interleave(draws, 0) for t in (target, weight))
        return StepView(
            target=target,
            weight=weight,
            code=code,
            draw=drawn,
            output=self.network.decode(drawn).float(),
            log_scale=getattr(self.network, "log_scale", None),
            second=self._second(values, batch.mask, piece),
            domain=None,
            step=LATER,
            cohort_size=len(self.held_out),
            options=options,
            draws=draws,
            prior=noise("prior", drawn.shape) if self._needs("prior") else None,
        )

    def _judged(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[Tensor, dict[str, Tensor], Weights]:
        import torch

        with torch.autocast(self._device.type, enabled=False):  # sums over voxels and pairs
            if self.companion is not None:
                view, weights = self.companion.attend(view, weights, training=training)
            loss, terms = total(view, self.method.likelihood, self.method.penalties, weights)
        return loss, terms, weights

    def _beta(self, weights: Weights, loss: Tensor) -> dict[str, Tensor]:
        """Return the weight of the KL, as it stands and in Higgins' unit (METHODS, section 1)."""
        import torch

        if "kl" not in weights or "beta" in self.method.settings:
            return {}
        beta = torch.ones_like(loss) * weights["kl"]
        return {"beta": beta, "beta_norm": beta * beta_norm(1.0, self.network.spec)}

    def _second(self, values: Tensor, mask: Tensor, piece: Piece) -> Code | None:
        if self.method.second_view is None:
            return None
        name = f"{piece.prefix}second view" + (f" {piece.part}" if piece.part else "")
        generator = stream(self.plan.seed, name, piece.number)
        values, mask = second_view(values, mask, self.plan.spacing.value, generator)
        return self._encode(values, mask)

    def _shuffled(self, step: int, part: int, parts: int) -> Tensor | None:
        """Return draws of another batch, each latent of another sample, for a companion."""
        import torch

        if self.method.companion is None or not COMPANIONS[self.method.companion].shuffled:
            return None
        seed = self.plan.seed
        rows = stream(seed, "second batch", step).integers(0, len(self.train), self.batch)
        rows = rows[part::parts]
        batch = self._on_device(self.train.batch(rows, stream(seed, "second patches", step)))
        with torch.no_grad():
            code = self._encode(batch.values, batch.mask)
        noise = self._normal(Piece("second ", step, 0, 1), len(rows), 1, "latent", code.mean.shape)  # type: ignore[union-attr]
        drawn = draw(code, noise)
        chance = torch.rand(
            drawn.shape, generator=self._generator("shuffle", step), device=drawn.device
        )
        return drawn.gather(0, chance.argsort(0))

    def _needs(self, what: str) -> bool:
        return any(what in PENALTIES[name].needs for name in self.method.penalties)

    def _normal(
        self, piece: Piece, rows: int, draws: int, name: str, shape: tuple[int, ...]
    ) -> Tensor:
        """Return draws for a piece of a batch of so many rows: those that the whole would get."""
        import torch

        generator = self._generator(piece.prefix + name, piece.number)
        whole = torch.randn(rows, draws, *shape[1:], generator=generator, device=self._device)
        return whole[piece.part :: piece.parts].flatten(0, 1)

    def _encode(self, values: Tensor, mask: Tensor) -> Code:
        return self.network.encode(self._with_mask(values, mask, self.network.spec.channels_in))

    def _with_mask(self, values: Tensor, mask: Tensor, channels: int) -> Tensor:
        import torch

        if channels <= values.shape[1]:
            return values
        return torch.cat([values, mask * self.plan.mask_channel.value], dim=1)

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
