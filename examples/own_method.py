"""A penalty, a method and a network of your own, from Python, without touching the package.

Run it as it is: ``python examples/own_method.py``. It writes a few pictures of disks, learns from
them twice and prints the features. Nothing here is named in a plan file: what such a file names
comes from the package alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas
import torch
from torch import Tensor, nn

from latentomics import LearnedFeatures
from latentomics.core import Code, NetworkSpec, Point, StepView
from latentomics.methods import Method
from latentomics.models import Network
from latentomics.objectives import penalty
from latentomics.planning import Plan

EDGE, CASES = 12, 24


# 1. A penalty: a pure function of one training step, that returns nats per sample, (batch,).
@penalty("log_spread", codes=("point",))
def log_spread(step: StepView) -> Tensor:
    """Sum of log(1 + z^2): a Cauchy prior, kinder to a few large latents than a Gaussian one."""
    assert isinstance(step.code, Point)
    return step.code.z.square().log1p().sum(1)


# 2. A method: a composition of parts by their names, with weights in nats per nat.
def heavy_tailed() -> Method:
    """Return an autoencoder whose code has a heavy-tailed prior."""
    return Method(
        name="heavy-tailed",
        summary="squared error, and a code that may be large in a few latents",
        paper="this file",
        penalties={"log_spread": 0.5},
    )


# 3. A network: ``encode`` gives the code that the plan asks for, ``decode`` the whole sample.
class RingNetwork(Network):
    """Reads a picture by its mean over a few rings around the middle, and draws it from them."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        rings = 2 * spec.latent
        along = [torch.linspace(-1, 1, n) for n in spec.size]
        away = torch.stack(torch.meshgrid(*along, indexing="ij")).norm(dim=0)
        member = nn.functional.one_hot((away / away.max() * (rings - 1)).long(), rings).float()
        member = member.flatten(0, -2)  # (voxels, rings)
        self.register_buffer("mean_over", member / member.sum(0).clamp_min(1))
        self.into_code = nn.Linear(spec.channels_in * rings, spec.latent)
        voxels = spec.channels_out * member.shape[0]
        self.from_code = nn.Sequential(nn.Linear(spec.latent, 64), nn.SiLU(), nn.Linear(64, voxels))

    def encode(self, values: Tensor) -> Code:
        """Return a point code of samples (batch, channels_in, *size)."""
        rings = values.flatten(2) @ self.get_buffer("mean_over")
        return Point(z=self.into_code(rings.flatten(1)).float())

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, *size)."""
        flat: Tensor = self.from_code(code)
        return flat.float().reshape(-1, self.spec.channels_out, *self.spec.size)


def ring_network(plan: Plan) -> Network:
    """Return the network of a plan; its weights are drawn from the plan's seed."""
    return RingNetwork(plan.network.value)


def write_cohort(folder: Path) -> pandas.DataFrame:
    """Write disks of different sizes; a cohort is a table with a row a picture."""
    draw = np.random.default_rng(0)
    away = np.hypot(*(np.indices((EDGE, EDGE)) - EDGE / 2 + 0.5))
    rows = []
    for number in range(CASES):
        disk = 80 * (away < draw.uniform(2, 5))
        path = folder / f"disk{number:02d}.npy"
        np.save(path, (disk + draw.normal(100, 10, disk.shape)).astype(np.float32))
        rows.append({"case": path.stem, "image": str(path), "modality": "XR"})
    return pandas.DataFrame(rows)


def main() -> dict[str, np.ndarray]:
    """Learn with the method, then with the network too; return the features of both."""
    with tempfile.TemporaryDirectory() as folder:
        cohort = write_cohort(Path(folder))
        asked = {"method": heavy_tailed, "latent": 3, "epochs": 4, "workers": 1}
        models = {
            "method": LearnedFeatures(**asked),
            "method and network": LearnedFeatures(**asked, network=ring_network),
        }
        return {name: model.fit_transform(cohort) for name, model in models.items()}


if __name__ == "__main__":
    for name, features in main().items():
        print(f"{name}: {features.shape[0]} cases, {features.shape[1]} latents")
        print(features[:3].round(2))
