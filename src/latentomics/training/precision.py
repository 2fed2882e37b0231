"""What the hardware at hand does well: measured, never assumed from its name.

In: the spec of a network and a batch size. Out: a precision, or the seconds of a step. Both time
forward, backward and update on random samples of the plan's own size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latentomics.core import NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.models import Network
    from latentomics.training.records import Terms

Precision = Literal["float32", "bfloat16"]
GAIN = 1.1  # a faster setting has to be faster by this factor to be worth its rounding
STEPS = 2
SAMPLES = 8  # of a batch at most, to compare settings: enough to fill the cores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copying:
    """The plainest task, to be timed: give the same samples (batch, channels, *size) back."""

    network: Network
    values: Tensor

    def training(
        self,
        step: int,  # noqa: ARG002
        part: int = 0,  # noqa: ARG002
        parts: int = 1,  # noqa: ARG002
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the squared error of each sample, (batch,)."""
        _, output = self.network(self.values)
        error = (output - self.values[:, : output.shape[1]]) ** 2
        return error.flatten(1).sum(1), {}

    def validation(self, parts: int = 1) -> Terms:  # noqa: ARG002
        """Return nothing: no weights are chosen."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The settings in which training steps are fastest here, and the measured times as reason."""

    precision: Precision
    threads: int
    reason: str


def measure_pace(spec: NetworkSpec, threads: int, batch: int = SAMPLES) -> Pace:
    """Time steps in both precisions, with all threads and with one.

    One thread wins where other work keeps a core busy: every step waits for its slowest thread.
    """
    samples = min(batch, SAMPLES)
    found: dict[tuple[Precision, int], float] = {}
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    for count in sorted({threads, 1}, reverse=True):
        for precision in precisions:
            found[precision, count] = estimate_step_seconds(spec, samples, precision, count)
    usual: tuple[Precision, int] = ("float32", threads)
    best = min(found, key=lambda setting: found[setting])
    chosen = best if found[best] * GAIN < found[usual] else usual
    times = ", ".join(
        f"{1000 * seconds:.0f} ms in {precision} on {count} thread(s)"
        for (precision, count), seconds in found.items()
    )
    return Pace(
        precision=chosen[0],
        threads=chosen[1],
        reason=f"a step of {samples} samples takes {times} on this machine",
    )


def estimate_step_seconds(
    spec: NetworkSpec, batch: int, precision: Precision, threads: int | None = None
) -> float:
    """Return the least seconds of a training step with ``batch`` samples."""
    import torch

    from latentomics.models import build_network
    from latentomics.planning import Length
    from latentomics.training.loop import make_optimiser, take_step
    from latentomics.training.records import Optimisation
    from latentomics.training.state import State

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_network(spec, seed=0).to(device)
    values = torch.randn(batch, spec.channels_in, *spec.size, device=device)

    length = Length(steps=1)
    how = Optimisation(learning_rate=0.0, length=length, epoch_steps=1, precision=precision)
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    optimiser, state, task = (
        make_optimiser(network),
        State(length=length),
        Copying(network=network, values=values),
    )
    seconds = []
    for _ in range(STEPS + 1):
        begin = time.perf_counter()
        take_step(network, optimiser, task, how, state)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    torch.set_num_threads(before)
    return min(seconds[1:])  # the first one also chooses kernels
