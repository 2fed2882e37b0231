"""The task of an autoencoder: what a plan and a method make of a batch.

In: a network, its feed of samples, a plan and a method. Out: losses in nats per sample, (batch,),
and validation terms. Every draw is named by what it is for and by its step, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from latentomics.core import Capsules, Code, Gaussian, IntArray, Options, StepView
from latentomics.methods import LATER
from latentomics.models import centre, draw, repeated, shifted
from latentomics.objectives import COMPANIONS, PENALTIES, Companion, Weights, beta_norm, total
from latentomics.training.asked import Part, draw_seen, draw_shifts, draw_signs
from latentomics.training.augment import move_batch, second_view
from latentomics.training.collapse import LatentWatch, collapse_remark, unfinished_remark
from latentomics.training.feed import Feed
from latentomics.training.records import EpochRecord, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.dataset import Batch
    from latentomics.methods import Method
    from latentomics.models import Network
    from latentomics.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AutoencoderTask:
    """Gives the loss of any training step, and the validation pass, of a plan."""

    network: Network
    plan: Plan
    method: Method
    feed: Feed
    domains: IntArray | None = None  # (training samples,) site number, -1 unknown
    companion: Companion | None = None  # of the method; its state goes through the checkpoint

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the training samples."""
        return self.feed.epoch_steps

    def training(
        self, step: int, part: int = 0, parts: int = 1
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss (batch,) of a step, or of a part of its batch, and its terms.

        Samples are moved and corrupted anew, alike in however many parts they are computed.
        """
        batch = self.feed.training(step)
        share = self.feed.share("", step, len(batch.values), part, parts)
        view = replace(
            self._view(batch, self.feed.corrupted(batch, step), share),
            step=step,
            cohort_size=len(self.feed.train),
            domain=self._domain(step, share),
            shuffled=self._shuffled(step, part, parts),
        )
        loss, terms, weights = self._judged(view, self.method.weights(step), training=True)
        self.network.observe(
            view.code,
            epoch_ends=(step + 1) % self.epoch_steps == 0 and part == parts - 1,
            generator=share.generator("restart"),
        )
        return loss, terms | self._beta(weights, loss)

    def validation(self, parts: int = 1) -> Terms:
        """Return mean terms over fixed samples, with fixed draws of the noise and of the code."""
        sums: Terms = {}
        watch, samples = LatentWatch(), 0
        weights = self.method.validation_weights()
        for number, batch in self.feed.validation():
            pieces = min(parts, len(batch.values))
            values = self.feed.corrupted(batch, number, "validation ")
            for part in range(pieces):
                share = self.feed.share("validation ", number, len(batch.values), part, pieces)
                view = self._view(batch, values, share)
                watch.see(view.code)
                size = len(share.own(batch.values))
                samples += size
                loss, terms, _ = self._judged(view, weights, training=False)
                for name, term in {**terms, "total": loss}.items():
                    total_of = term.double().sum().item() / view.draws
                    sums[name] = sums.get(name, 0.0) + total_of
        means = {name: value / samples for name, value in sums.items()}
        return means | watch.terms() | self.network.measures()

    def remark(self, step: int, terms: Terms, history: Sequence[EpochRecord], *, last: bool) -> str:
        """Return a warning about a validation, in words; empty where nothing is wrong."""
        latent = self.network.spec.latent
        said = collapse_remark(step, terms, history, self.method, latent)
        return said or (unfinished_remark(step, self.method) if last else "")

    def _view(self, batch: Batch, values: Tensor, share: Part) -> StepView:
        """Return what objectives see of a part of a batch, whose input has these values."""
        options, spec = self.method.all_options(), self.network.spec
        draws = int(options.get("draws", 1))
        mask = share.own(batch.mask)
        given = self._with_mask(share.own(values), mask, spec.channels_in)
        code, hidden = self._partly_seen(given, options, share)
        code = repeated(code, draws)
        drawn = self._draw(code, share, draws)
        target = self._with_mask(batch.values, batch.mask, spec.channels_out)
        weight = batch.weight
        if isinstance(code, Capsules):
            drawn, target, weight = self._transformed(code, target, weight, share)
        target, weight = (share.own(t).repeat_interleave(draws, 0) for t in (target, weight))
        return StepView(
            target=target,
            weight=weight if hidden is None else weight * hidden,
            code=code,
            draw=drawn,
            output=self.network.decode(drawn).float(),
            log_scale=getattr(self.network, "log_scale", None),
            second=self._second(values, batch.mask, share),
            domain=None,
            step=LATER,
            cohort_size=len(self.feed.held_out),
            options=options,
            draws=draws,
            prior=self._prior(drawn, share, draws),
            encode=self.network.encode,
            input=given,
            probes=self._probes(code, options, share),
            basis=self.network.basis,
        )

    def _judged(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[Tensor, dict[str, Tensor], Weights]:
        import torch

        device = view.target.device.type
        with torch.autocast(device, enabled=False):  # sums over voxels and pairs
            if self.companion is not None:
                view, weights = self.companion.attend(view, weights, training=training)
            loss, terms = total(view, self.method.likelihood, self.method.penalties, weights)
        return loss, terms, weights

    def _beta(self, weights: Weights, loss: Tensor) -> dict[str, Tensor]:
        """Return the weight of the KL, as it stands and in Higgins' unit (METHODS, section 1)."""
        import torch

        if not self.method.beta_weighs_kl:
            return {}
        beta = torch.ones_like(loss) * weights["kl"]
        return {"beta": beta, "beta_norm": beta * beta_norm(1.0, self.network.spec)}

    def _partly_seen(
        self, given: Tensor, options: Options, share: Part
    ) -> tuple[Code, Tensor | None]:
        """Return the code, and 1 at the voxels that are hidden from it where the method hides."""
        if not self.method.hides:
            return self.network.encode(given), None
        positions: tuple[int, ...] = self.network.positions  # type: ignore[assignment]
        generator = share.generator("hidden")
        seen = share.own(draw_seen(share.rows, positions, float(options["hidden"]), generator))
        hidden: Tensor = self.network.voxels(1 - seen)  # type: ignore[operator]
        return self.network.encode_seen(given, seen), hidden

    def _transformed(
        self, code: Capsules, target: Tensor, weight: Tensor, share: Part
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is decoded, and the whole batch's target and weight, all shifted alike."""
        import torch

        dimension, reach = self.plan.dimension.value, self.plan.shift.value
        moves, shifts = draw_shifts(share.stream("transform"), share.rows, dimension, reach)
        told = share.own(torch.from_numpy(shifts)).to(target.device)
        return shifted(code, told), move_batch(target, moves), move_batch(weight, moves)

    def _second(self, values: Tensor, mask: Tensor, share: Part) -> Code | None:
        if self.method.second_view is None:
            return None
        spacing = self.plan.spacing.value
        values, mask = second_view(values, mask, spacing, share.stream("second view"))
        return self._encode(share.own(values), share.own(mask))

    def _shuffled(self, step: int, part: int, parts: int) -> Tensor | None:
        """Return draws of another batch, each latent of another sample, for a companion."""
        import torch

        if self.method.companion is None or not COMPANIONS[self.method.companion].shuffled:
            return None
        batch = self.feed.other(step)
        values = self.feed.corrupted(batch, step, "second ")
        share = self.feed.share("second ", step, len(values), part, parts)
        with torch.no_grad():
            code = self._encode(share.own(values), share.own(batch.mask))
        drawn = self._draw(code, share, 1)
        chance = torch.rand(drawn.shape, generator=share.generator("shuffle"), device=drawn.device)
        return drawn.gather(0, chance.argsort(0))

    def _prior(self, drawn: Tensor, share: Part, draws: int) -> Tensor | None:
        if not any("prior" in PENALTIES[name].needs for name in self.method.penalties):
            return None
        return share.normal("prior", drawn, draws)

    def _probes(self, code: Code, options: Options, share: Part) -> Tensor | None:
        if "probes" not in options:
            return None
        shape = (share.rows, max(1, int(options["probes"])), centre(code).shape[1])
        return share.own(draw_signs(shape, share.generator("probes")))

    def _domain(self, step: int, share: Part) -> Tensor | None:
        import torch

        if self.domains is None or "site" not in self.method.uses:
            return None
        return share.own(torch.from_numpy(self.domains[self.feed.rows(step)])).to(share.device)

    def _encode(self, values: Tensor, mask: Tensor) -> Code:
        return self.network.encode(self._with_mask(values, mask, self.network.spec.channels_in))

    def _with_mask(self, values: Tensor, mask: Tensor, channels: int) -> Tensor:
        import torch

        if channels <= values.shape[1]:
            return values
        return torch.cat([values, mask * self.plan.mask_channel.value], dim=1)

    @staticmethod
    def _draw(code: Code, share: Part, draws: int) -> Tensor:
        if not isinstance(code, Gaussian):
            return centre(code)
        return draw(code, share.normal("latent", code.mean, draws))
