"""An encoder trained on labels: the comparator of what was learned without them (METHODS 29).

In: an encoder with weights of any kind, the samples of a plan and a label of each. Out: the encoder
with a linear head on its code, and what it says of samples, (samples,): log odds of a binary label,
or a quantity in its own unit. The best weights of the validation patients are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, content_hash
from latentomics.models import Headed
from latentomics.training.examples import Examples, Labelled, Source, flips_of
from latentomics.training.loop import train_network
from latentomics.training.records import Optimisation, Progress, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.models import Network
    from latentomics.planning import Length, Plan

SAMPLES = 64  # of the training set that give the code's scale
AT_ONCE = 16  # samples predicted at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taught:
    """A trained encoder with its head; its best weights were found at ``best_step``."""

    headed: Headed
    source: Source
    centre: float
    scale: float
    best_step: int
    steps: int


def teach(
    encoder: Network,
    plan: Plan,
    train: Labelled,
    validation: Labelled,
    *,
    binary: bool,
    length: Length,
    on_progress: Callable[[Progress], None] | None = None,
) -> Taught:
    """Train an encoder and a linear head on a label; the encoder itself is changed.

    Parameters
    ----------
    encoder : Network
        With new weights, or with those of an autoencoder, which are then tuned further.
    plan : Plan
        How samples are moved, batch and learning rate.
    train, validation : Labelled
        Training samples, and those that say when to stop.
    binary : bool
        Cross-entropy of a binary label, else the squared error of a quantity.
    length : Length
        At most; training ends early where half of all steps have brought nothing.
    """
    import torch

    centre, scale = _unit(train.truth, binary=binary)
    source = Source(
        plan=plan,
        train=train,
        held_out=validation,
        channels=encoder.spec.channels_in,
        device=next(encoder.parameters()).device,
    )
    some = source.read(train, np.arange(min(SAMPLES, len(train.store))))
    headed = Headed(encoder, some, centre if binary else 0.0)
    shift = 0.0 if binary else centre
    truths = [torch.from_numpy((part.truth - shift) / scale) for part in (train, validation)]
    trained = train_network(
        headed,
        SupervisedTask(
            headed=headed, source=source, truth=truths[0], held_out=truths[1], binary=binary
        ),
        Optimisation(
            learning_rate=plan.learning_rate.value,
            length=length,
            epoch_steps=source.epoch_steps,
            batch=source.batch,
            threads=plan.threads.value,
            identity=content_hash([list(train.store.cases), train.truth.tolist()]),
        ),
        on_progress=on_progress,
    )
    return Taught(
        headed=headed,
        source=source,
        centre=shift,
        scale=scale,
        best_step=trained.best_step,
        steps=trained.history[-1].step,
    )


def told(taught: Taught, part: Labelled) -> DoubleArray:
    """Return log odds, or quantities in their own unit, of samples (samples,).

    They are averaged over the flips that the plan's symmetries name, as codes are. The truth of the
    samples is not looked at.
    """
    import torch

    headed, source = taught.headed, taught.source
    flips = flips_of(source.plan)
    found = np.zeros(len(part.store))
    headed.eval()
    with torch.inference_mode():
        for start in range(0, len(found), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(found)))
            for axes in flips:
                said = headed(source.read(part, rows, [axes] * len(rows)))
                found[rows] += said.double().cpu().numpy() / len(flips)
    return found * taught.scale + taught.centre


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SupervisedTask:
    """Loss of a step, and the validation pass, of an encoder with a head."""

    headed: Headed
    source: Source
    truth: Tensor  # (training samples,)
    held_out: Tensor
    binary: bool

    def training(
        self, step: int, part: int = 0, parts: int = 1
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss (batch,) of a step, or of a part of its batch."""
        return self._loss(self.source.training(step), self.truth, part, parts), {}

    def validation(self, parts: int = 1) -> Terms:
        """Return the mean loss over the validation samples."""
        total, count = 0.0, 0
        for some in self.source.validation():
            for part in range(min(parts, len(some.rows))):
                loss = self._loss(some, self.held_out, part, parts)
                total, count = total + loss.double().sum().item(), count + len(loss)
        return {"total": total / count}

    def _loss(self, some: Examples, truth: Tensor, part: int, parts: int) -> Tensor:
        from torch.nn import functional

        said = self.headed(some.inputs[part::parts])
        wanted = truth[some.rows[part::parts]].to(said)
        if self.binary:
            return functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
        return functional.mse_loss(said, wanted, reduction="none")


def _unit(truth: DoubleArray, *, binary: bool) -> tuple[float, float]:
    """Return the log odds of a binary label and 1, or mean and SD of a quantity."""
    mean = float(truth.mean())
    if binary:
        return math.log(mean / (1 - mean)), 1.0
    return mean, float(truth.std()) or 1.0
