"""What the hardware at hand does well: measured, never assumed from its name.

In: the spec of a network and a batch size. Out: a precision, or the seconds of a step. Both time
forward, backward and update on random samples of the plan's own size.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Literal

from latentomics.core import NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.training.records import Terms

Precision = Literal["float32", "bfloat16"]
GAIN = 1.1  # bfloat16 has to be faster by this factor to be worth its rounding
STEPS = 3
SAMPLES = 8  # of a batch at most, to compare precisions: enough to fill the cores


def measure_precision(spec: NetworkSpec, batch: int = SAMPLES) -> tuple[Precision, str]:
    """Return the precision in which training steps are faster here, and the times as its reason."""
    samples = min(batch, SAMPLES)
    full = estimate_step_seconds(spec, samples, "float32")
    half = estimate_step_seconds(spec, samples, "bfloat16")
    value: Precision = "bfloat16" if half * GAIN < full else "float32"
    times = f"{1000 * full:.0f} ms in float32, {1000 * half:.0f} ms in bfloat16"
    return value, f"a step of {samples} samples takes {times} on this machine"


def estimate_step_seconds(spec: NetworkSpec, batch: int, precision: Precision) -> float:
    """Return the median seconds of a training step with ``batch`` samples."""
    import torch

    from latentomics.models import build_network, centre
    from latentomics.planning import Length
    from latentomics.training.loop import make_optimiser, take_step
    from latentomics.training.records import Optimisation
    from latentomics.training.state import State

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_network(spec, seed=0).to(device)
    values = torch.randn(batch, spec.channels_in, *spec.size, device=device)

    class Copy:
        def training(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ARG002
            output = network.decode(centre(network.encode(values)))
            error = (output - values[:, : spec.channels_out]) ** 2
            return error.flatten(1).sum(1), {}

        def validation(self) -> Terms:
            return {}

    length = Length(steps=1)
    how = Optimisation(learning_rate=0.0, length=length, epoch_steps=1, precision=precision)
    optimiser, state, task = make_optimiser(network), State(length=length), Copy()
    seconds = []
    for _ in range(STEPS + 1):
        begin = time.perf_counter()
        take_step(network, optimiser, task, how, state)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return median(seconds[1:])  # the first one also chooses kernels
