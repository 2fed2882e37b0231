"""A plan, a store in memory and a run of ``fit``, small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from latentomics.core import IntArray, NetworkSpec
from latentomics.dataset import Batch
from latentomics.methods import method_of
from latentomics.planning import Choice, Length, Plan, Request
from latentomics.training import Fitted, fit

SIZE = (12, 8)
VALUES: dict[str, Any] = {
    "dimension": 2,
    "view": "whole",
    "spacing": (1.0, 1.0),
    "size": SIZE,
    "margin": 0.0,
    "normalisation": "robust-z",
    "window": (0.0, 1.0),
    "method": "autoencoder",
    "mask_channel": False,
    "loss_region": "all",
    "noise": None,
    "shift": 0,
    "symmetries": "none",
    "pooled": False,
    "batch": 8,
    "learning_rate": 0.003,
    "precision": "float32",
    "length": Length(epochs=4),
    "split": (0.7, 0.15, 0.15),
    "threads": 1,
}


def make_spec(**settings: Any) -> NetworkSpec:
    given: dict[str, Any] = {
        "kind": "convolutional",
        "dimension": 2,
        "size": SIZE,
        "channels_in": 1,
        "channels_out": 1,
        "latent": 3,
        "code": "point",
        "stem": 4,
        "widths": (8,),
    }
    return NetworkSpec(**(given | settings))


def make_plan(spec: NetworkSpec, *, seed: int = 0, reason: str = "test", **values: Any) -> Plan:
    choices = {
        name: Choice(value=value, reason=reason)
        for name, value in (VALUES | {"network": spec} | values).items()
    }
    return Plan.model_validate({"request": Request(manifest="x.csv", seed=seed), **choices})


class MemoryStore:
    """Blobs of three degrees of freedom, with a mask and raw values of 100 * sample + 50."""

    def __init__(self, count: int, seed: int, size: tuple[int, ...] = SIZE) -> None:
        generator = np.random.default_rng(seed)
        axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
        places = generator.uniform(-0.5, 0.5, (count, len(size)))
        squares = sum(
            (axis[None] - places[:, k].reshape(-1, *[1] * len(size))) ** 2
            for k, axis in enumerate(axes)
        )
        values = np.exp(-4 * np.asarray(squares))[:, None].astype(np.float32)
        self.values = torch.from_numpy(values)
        self.mask = (self.values > 0.3).float()
        self.weight = torch.ones_like(self.mask)
        self.cases = tuple(f"{seed}-{number}" for number in range(count))
        self.asked: list[IntArray] = []

    def __len__(self) -> int:
        return len(self.cases)

    def batch(self, rows: IntArray, _generator: np.random.Generator | None) -> Batch:
        self.asked.append(rows)
        level = torch.ones(len(rows), 1)
        return Batch(
            values=self.values[rows],
            mask=self.mask[rows],
            weight=self.weight[rows],
            offset=50 * level,
            scale=100 * level,
            rows=rows,
        )


def run_fit(plan: Plan, folder: Path | None = None, **settings: Any) -> Fitted:
    stores = MemoryStore(20, 1), MemoryStore(9, 2)
    return fit(plan, method_of(plan), plan.network.value, *stores, folder, **settings)
