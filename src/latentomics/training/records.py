"""What training takes and gives: settings, progress, epochs and the fitted network.

In: numbers that the plan resolved. Out: frozen records. Times are seconds of wall time, terms are
nats per sample (``mse``: squared error per voxel), rates are learning rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from latentomics.planning import Length, Plan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from latentomics.core import NetworkSpec

Terms = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimisation:
    """How a network is trained, whatever it is: everything that decides the bytes of its weights.

    ``epoch_steps`` is the number of steps of one pass over the training samples, ``identity`` a
    hash of the plan and the cases: a checkpoint of another identity is not continued.
    """

    learning_rate: float
    length: Length
    epoch_steps: int
    precision: str = "float32"
    threads: int | None = None  # None: as they are
    identity: str = ""
    checkpoint_s: float = 15.0  # least time between two checkpoints
    batch: int = 2**20  # samples of a step, at most: it cannot be computed in more parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where training stands, for a display."""

    step: int
    steps: int | None  # None until a run by wall time has resolved it
    fraction: float
    seconds: float
    seconds_left: float | None
    terms: Mapping[str, float]
    remark: str = ""  # said once, when it arises


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One line of history.jsonl: the means since the last line, and the validation pass."""

    epoch: float
    step: int
    seconds: float
    rate: float
    train: Mapping[str, float] = field(default_factory=dict)
    validation: Mapping[str, float] = field(default_factory=dict)
    remark: str = ""  # a warning about this validation, in words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What came of a training run; the network holds its best weights."""

    network: nn.Module
    length: Length  # with steps and decay_steps
    history: tuple[EpochRecord, ...]
    best_step: int
    outcome: str  # "finished" or "stopped: <term> became NaN"
    weights_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A trained network and its resolved plan; running that plan gives the same bytes."""

    network: nn.Module
    spec: NetworkSpec
    plan: Plan
    history: tuple[EpochRecord, ...]
    outcome: str
    weights_sha256: str


class Task(Protocol):
    """What a network is trained for; losses are per sample (batch,), in nats.

    A task may have a ``companion``, whose state goes through the checkpoint, and a ``remark`` of a
    step, its validation terms, the history and whether it is the last: a warning, or nothing.
    """

    def training(
        self, step: int, part: int = 0, parts: int = 1
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the batch that belongs to a step, or of a part, and its terms."""
        ...

    def validation(self, parts: int = 1) -> Terms:
        """Return the mean terms over the validation samples, ``total`` among them; repeatable."""
        ...
