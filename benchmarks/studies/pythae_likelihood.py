"""pythae's VAE and IWAE of 784-400-40-400-784, trained by its own trainer.

In: binary digits, a rate and a number of epochs. Out: the network in a dress that our importance
sampling reads, so that both sides are judged by one function, and the seconds of its trainer.
"""

from __future__ import annotations

import io
import logging
import tempfile
import time
from contextlib import redirect_stderr

import numpy as np
import torch
from digits import EDGE, Digits
from torch import Tensor, nn

from latentomics.core import Gaussian, NetworkSpec

VALUES = EDGE * EDGE


class Dressed(nn.Module):
    """A network of pythae as importance sampling reads one: logits of pixels, a Gaussian code."""

    def __init__(self, model: nn.Module, spec: NetworkSpec) -> None:
        super().__init__()
        self.model, self.spec = model, spec

    def encode(self, values: Tensor) -> Gaussian:
        found = self.model.encoder(values)
        return Gaussian(mean=found["embedding"], log_var=found["log_covariance"])

    def decode(self, code: Tensor) -> Tensor:
        return self.model.decoder.logits(code).reshape(-1, 1, EDGE, EDGE)


def train(
    method: str,
    digits: Digits,
    spec: NetworkSpec,
    *,
    rate: float,
    epochs: int,
    draws: int,
    seed: int,
) -> tuple[Dressed, dict]:
    """Train, and return the network that was best on validation, as pythae keeps it."""
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.disable(logging.INFO)
    torch.manual_seed(seed)
    model = _model(method, spec, draws)
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, learning_rate=rate, seed=seed, no_cuda=True
        )
        trainer = BaseTrainer(model, _set(digits, "train"), _set(digits, "val"), config)
        wall, core = time.perf_counter(), time.process_time()
        with redirect_stderr(io.StringIO()):  # a bar for each epoch
            trainer.train()
        seconds = {
            "seconds": round(time.perf_counter() - wall, 2),
            "core_seconds": round(time.process_time() - core, 2),
        }
        best = trainer._best_model
    batch = config.per_device_train_batch_size
    steps = epochs * -(-len(digits.values["train"]) // batch)
    return Dressed(best.eval(), spec), seconds | {"epochs": epochs, "steps": steps, "batch": batch}


def _set(digits: Digits, part: str):
    from pythae.data.datasets import BaseDataset

    values = torch.from_numpy(np.ascontiguousarray(digits.values[part][:, None]))
    return BaseDataset(values, torch.zeros(len(values)))


def _model(method: str, spec: NetworkSpec, draws: int) -> nn.Module:
    from pythae.models import IWAE, VAE, IWAEConfig, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    (width,) = spec.widths

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.latent_dim = spec.latent
            self.layers = nn.Sequential(nn.Linear(VALUES, width), nn.ReLU())
            self.embedding = nn.Linear(width, spec.latent)
            self.log_var = nn.Linear(width, spec.latent)

        def forward(self, x: Tensor) -> ModelOutput:
            hidden = self.layers(x.reshape(-1, VALUES))
            return ModelOutput(
                embedding=self.embedding(hidden), log_covariance=self.log_var(hidden)
            )

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Sequential(
                nn.Linear(spec.latent, width), nn.ReLU(), nn.Linear(width, VALUES)
            )

        def forward(self, z: Tensor) -> ModelOutput:
            shape = (-1, 1, EDGE, EDGE)
            return ModelOutput(reconstruction=self.logits(z).sigmoid().reshape(shape))

    shared = {
        "input_dim": (1, EDGE, EDGE), "latent_dim": spec.latent, "reconstruction_loss": "bce",
    }  # fmt: skip
    if method == "iwae":
        return IWAE(IWAEConfig(**shared, number_samples=draws), Encoder(), Decoder())
    return VAE(VAEConfig(**shared), Encoder(), Decoder())
