"""Everything that a resumed run needs to go on as if nothing had happened.

In: a network, its optimiser and the counters of the loop. Out: tensors and plain data for a
checkpoint, and back. Random numbers have no state: they are drawn by name and step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import RequestError
from latentomics.planning import Length
from latentomics.training.checkpoint import FOLDER, Meta, load_checkpoint, save_checkpoint
from latentomics.training.records import EpochRecord, Optimisation, Terms
from latentomics.training.schedule import last_step

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from latentomics.objectives import Companion

FINISHED = "finished"


@dataclass(slots=True, kw_only=True)
class State:
    """The counters of the loop; ``best`` are the weights with the lowest validation total."""

    length: Length
    step: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    gradient_norm: float | None = None  # running mean, for clipping
    best_total: float = math.inf
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[EpochRecord] = field(default_factory=list)
    sums: Terms = field(default_factory=dict)  # of the training terms since the last record
    counted: int = 0
    outcome: str = FINISHED

    @property
    def done(self) -> bool:
        """Whether the last step of the length has been made."""
        return self.step >= last_step(self.length)

    @property
    def validated(self) -> bool:
        """Whether the last record belongs to this step."""
        return bool(self.history) and self.history[-1].step == self.step

    def count(self, terms: Terms) -> None:
        """Add the terms of one step to the means of the record that comes next."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.counted += 1

    def record(
        self, rate: float, epoch_steps: int, validation: Terms, remark: str = ""
    ) -> EpochRecord:
        """Close the record of this step and begin the next."""
        done = EpochRecord(
            epoch=self.step / epoch_steps,
            step=self.step,
            seconds=self.seconds,
            rate=rate,
            train={name: total / self.counted for name, total in self.sums.items()},
            validation=validation,
            remark=remark,
        )
        self.history.append(done)
        self.sums, self.counted = {}, 0
        return done

    def keep_best(self, network: nn.Module, total: float) -> None:
        """Keep a copy of the weights when they are the best so far, or the first."""
        if total < self.best_total or not self.best:
            self.best = {name: value.detach().clone() for name, value in _weights(network).items()}
            self.best_step = self.step
            self.best_total = total if math.isfinite(total) else math.inf


def save_state(
    folder: Path,
    how: Optimisation,
    state: State,
    network: nn.Module,
    optimiser: Optimizer,
    companion: Companion | None = None,
) -> None:
    """Write a checkpoint of everything into the run folder."""
    tensors = {f"weights/{name}": value for name, value in _weights(network).items()}
    tensors |= {f"best/{name}": value for name, value in state.best.items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"moments/{index}/{name}": value for name, value in moments.items()}
    if companion is not None:
        tensors |= {f"companion/{name}": value for name, value in companion.state().items()}
    meta: Meta = {
        name: getattr(state, name)
        for name in ("step", "seconds", "validation_seconds", "gradient_norm", "best_step")
    }
    meta |= {"sums": state.sums, "counted": state.counted, "outcome": state.outcome}
    meta |= {"best_total": state.best_total if math.isfinite(state.best_total) else None}
    meta |= {"identity": how.identity, "length": state.length.model_dump()}
    meta |= {"history": [asdict(record) for record in state.history]}
    save_checkpoint(folder / FOLDER, {k: v.contiguous() for k, v in tensors.items()}, meta)


def load_state(
    folder: Path,
    how: Optimisation,
    network: nn.Module,
    optimiser: Optimizer,
    companion: Companion | None = None,
) -> State | None:
    """Put the newest checkpoint into network, optimiser and companion; None where there is none.

    Raises
    ------
    RequestError
        When the checkpoint belongs to another plan or other cases.
    """
    found = load_checkpoint(folder / FOLDER)
    if found is None:
        return None
    tensors, meta = found
    if meta["identity"] != how.identity or not _continues(meta["length"], how.length):
        raise RequestError(
            "the checkpoint belongs to another plan or to other cases",
            str(folder / FOLDER),
            "resume with the plan it was made with, or start again without --resume",
        )
    network.load_state_dict(_below("weights/", tensors))
    _load_moments(optimiser, _below("moments/", tensors))
    device = _device(network)
    if companion is not None:
        kept = _below("companion/", tensors)
        companion.restore({name: value.to(device) for name, value in kept.items()})
    return _state(meta, {k: v.to(device) for k, v in _below("best/", tensors).items()})


def _state(meta: Mapping[str, object], best: dict[str, Tensor]) -> State:
    plain = dict(meta)
    del plain["identity"]
    plain["length"] = Length.model_validate(plain["length"])
    plain["history"] = [EpochRecord(**line) for line in plain["history"]]  # type: ignore[attr-defined]
    if plain["best_total"] is None:
        plain["best_total"] = math.inf
    return State(best=best, **plain)  # type: ignore[arg-type]


def _continues(kept: object, asked: Length) -> bool:
    """Whether a checkpoint's length is one that the asked length may have become.

    A budget may differ: what is left of one depends on what came before training.
    """
    resolved = Length.model_validate(kept)
    return (
        asked.epochs == resolved.epochs
        and asked.steps in (None, resolved.steps)
        and (asked.budget_s is None) == (resolved.budget_s is None)
    )


def _load_moments(optimiser: Optimizer, moments: Mapping[str, Tensor]) -> None:
    content = optimiser.state_dict()
    content["state"] = {}
    for name, value in moments.items():
        index, moment = name.split("/")
        content["state"].setdefault(int(index), {})[moment] = value
    optimiser.load_state_dict(content)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return dict(network.state_dict())


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    cut = len(prefix)
    return {name[cut:]: value for name, value in tensors.items() if name.startswith(prefix)}
