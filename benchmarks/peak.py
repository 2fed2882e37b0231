"""Share of the measured matmul peak that a step of our own network reaches.

In: a precision. Out: one JSON line: peak of a square product and rate of the step, in GFlop/s.
Operations of the step are counted by torch (forward and backward; the optimiser's are left out).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from latentomics.core import NetworkSpec
from latentomics.models import build_network, centre
from latentomics.training import estimate_step_seconds

BATCH = 16  # what the planner chooses for volumes


def spec_of(size: tuple[int, ...], latent: int) -> NetworkSpec:
    """Return what the planner builds for hippocampus crops."""
    return NetworkSpec(
        kind="convolutional",
        dimension=3,
        size=size,
        channels_in=1,
        channels_out=1,
        latent=latent,
        code="point",
        stem=4,
        widths=(64, 128),
        linear_path=True,
    )


def peak(dtype: torch.dtype, edges: Sequence[int], repeats: int) -> float:
    """Return the best rate of a square product, in Flop/s: over sizes, and over both libraries.

    torch hands a plain product and a convolution of kernel 1 to different libraries, and neither is
    the faster one on every processor.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    best = 0.0
    for edge in edges:
        one, other = (torch.randn(edge, edge, device=device).to(dtype) for _ in range(2))
        for product in (torch.matmul, _by_convolution):
            for _ in range(repeats + 1):
                begin = time.perf_counter()
                product(one, other).view(-1)[0].item()  # waits for the device
                best = max(best, 2 * edge**3 / (time.perf_counter() - begin))
    return best


def _by_convolution(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return torch.conv1d(other[None], one[:, :, None])


def operations(spec: NetworkSpec, batch: int) -> int:
    """Return the floating-point operations of forward and backward."""
    network = build_network(spec, seed=0)
    values = torch.randn(batch, spec.channels_in, *spec.size)
    with FlopCounterMode(display=False) as counter:
        output = network.reconstruct(centre(network.encode(values)))
        (output - values).square().sum().backward()
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), required=True)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    spec, batch, edges, repeats = spec_of((40, 56, 40), 64), BATCH, (1024, 2048, 4096), 5
    if given.smoke:
        spec, batch, edges, repeats = spec_of((8, 8, 8), 8), 2, (128,), 2
    seconds = estimate_step_seconds(spec, batch, given.precision)
    highest = peak(getattr(torch, given.precision), edges, repeats)
    rate = operations(spec, batch) / seconds
    record = {"peak_gflops": highest / 1e9, "step_gflops": rate / 1e9, "seconds": seconds}
    print(json.dumps(record | {"share": rate / highest}))


if __name__ == "__main__":
    main()
