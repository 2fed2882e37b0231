"""Held-out error against wall time, on a clock that stands still while the error is measured.

In: a network's reconstructions of held-out stores, validation first. Out: points (seconds, error of
each store) with the mean squared error a voxel of normalised crops, and from them the test error of
the weights that were best on validation so far: what a user would hold at that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from peers import DEVICE
from torch import Tensor, nn

from latentomics.dataset import Store

Point = tuple[float, ...]
CHUNK = 16


class Stopwatch:
    """Seconds of a clock since the start, without the pauses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.begin, self.paused = clock, clock(), 0.0

    def __call__(self) -> float:
        return self.clock() - self.begin - self.paused

    def untimed(self, function: Callable[[], float]) -> float:
        """Call a function while the clock stands still."""
        before = self.clock()
        value = function()
        self.paused += self.clock() - before
        return value


class Curve:
    """Collects the points of one run."""

    def __init__(
        self,
        stores: Sequence[Store],
        rebuild: Callable[[Tensor], Tensor],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.stores, self.rebuild = stores, rebuild
        self.watch, self.points = Stopwatch(clock), list[Point]()

    def measure(self, network: nn.Module) -> None:
        """Add a point."""
        seconds = self.watch()

        def errors() -> float:
            found = [error(network, self.rebuild, store) for store in self.stores]
            self.points.append((seconds, *found))
            return found[0]

        self.watch.untimed(errors)

    def held(self) -> list[tuple[float, float]]:
        """Return (seconds, test error) of the best weights by validation so far."""
        best, found = (float("inf"), float("inf")), []
        for seconds, validation, test in self.points:
            best = min(best, (validation, test))
            found.append((seconds, best[1]))
        return found


def error(network: nn.Module, rebuild: Callable[[Tensor], Tensor], store: Store) -> float:
    """Return the mean squared error a voxel over all crops of a store, in float32."""
    training, total = network.training, 0.0
    network.eval()
    with torch.inference_mode(), torch.autocast(DEVICE, enabled=False):
        for start in range(0, len(store), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(store)))
            values = store.batch(rows, None).values.to(DEVICE)
            apart = (rebuild(values).float() - values).square().flatten(1).mean(1)
            total += apart.sum().item()
    network.train(training)
    return total / len(store)


def reached(held: list[tuple[float, float]], target: float) -> float | None:
    """Return the first time at which the held error is at most the target."""
    return next((seconds for seconds, value in held if value <= target), None)
