"""A small task for the loop: a line fitted by a network, every draw named by its step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentomics.core import stream_seed
from latentomics.planning import Length
from latentomics.training.records import Optimisation


def make_network(seed: int = 0, width: int = 16) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, width), nn.SiLU(), nn.Linear(width, 1))


class Line:
    """Predict the sum of four numbers; nats of a Gaussian of variance one half."""

    def __init__(self, network: nn.Module, fault_at: int | None = None) -> None:
        self.network = network
        self.fault_at = fault_at
        self.steps: list[int] = []

    def training(
        self, step: int, part: int = 0, parts: int = 1
    ) -> tuple[Tensor, dict[str, Tensor]]:
        self.steps.append(step)
        nll = self._error(stream_seed(0, "line", step))
        kl = nll * float("nan") if step == self.fault_at else torch.full_like(nll, 0.5)
        return (nll + kl)[part::parts], {"nll": nll[part::parts], "kl": kl[part::parts]}

    def validation(self, *parts: int) -> dict[str, float]:
        nll = self._error(stream_seed(0, "validation")).mean().item()
        return {"nll": nll, "total": nll}

    def _error(self, seed: int) -> Tensor:
        values = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        error: Tensor = (self.network(values)[:, 0] - values.sum(1)) ** 2
        return error


def how(**settings: object) -> Optimisation:
    given: dict[str, object] = {
        "learning_rate": 0.01,
        "length": Length(steps=60),
        "epoch_steps": 5,
        "threads": 1,
        "checkpoint_s": 0.0,
        **settings,
    }
    return Optimisation(**given)  # type: ignore[arg-type]
