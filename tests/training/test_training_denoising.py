"""What a denoising autoencoder learns is the mean of clean samples given the noisy one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentomics.core import NetworkSpec
from latentomics.models import Network, build_network, centre
from latentomics.noise import NOISES
from latentomics.training.augment import corrupt


def dense(size: int, latent: int, widths: tuple[int, ...], activation: str = "silu") -> Network:
    spec = NetworkSpec(
        kind="dense", dimension=1, size=(size,), channels_in=1, channels_out=1, latent=latent,
        code="point", widths=widths, activation=activation,
    )  # fmt: skip
    return build_network(spec, 0)


def descend(network: Network, step_loss, steps: int, rate: float) -> None:
    optimiser = torch.optim.Adam(network.parameters(), rate)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - step / steps)
        optimiser.zero_grad()
        step_loss(step).backward()
        optimiser.step()


def test_KA_5_3_a_denoiser_is_the_posterior_mean_and_its_shift_the_score() -> None:
    """Clean values are 0.5 N(+-2, 0.25), noise has variance 0.5, and y = 0.7 (Tweedie)."""
    network = dense(1, 4, (32,))
    ones = torch.ones(2048, 1)

    def loss(step: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step)
        sign = torch.randn(2048, generator=generator).sign()
        clean = (2 * sign + 0.5 * torch.randn(2048, generator=generator))[:, None, None]
        noisy = corrupt(
            clean, 0 * ones, ones, NOISES["gaussian"], 0.5**0.5, relative=False, generator=generator
        )
        return (network.decode(centre(network.encode(noisy))) - clean).square().mean()

    descend(network, loss, 400, 0.02)
    with torch.no_grad():
        rebuilt = float(network.rebuild(torch.tensor([[[0.7]]])))
    assert rebuilt == pytest.approx(1.504388, abs=0.06)
    near, far = (np.exp(-((0.7 - m) ** 2) / (2 * 0.75)) for m in (2, -2))
    score = -((0.7 - 2) * near + (0.7 + 2) * far) / (near + far) / 0.75
    assert 0.7 + 0.5 * score == pytest.approx(1.504388, abs=1e-6)
    assert (rebuilt - 0.7) / 0.5 == pytest.approx(score, abs=0.12)


def test_KA_4_2_a_linear_deep_autoencoder_loses_the_discarded_eigenvalues() -> None:
    generator = np.random.default_rng(0)
    white = generator.standard_normal((200, 5))
    left = np.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    axes = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    data = left * np.sqrt(200 * np.array([10, 4, 1, 0.5, 0.2])) @ axes + 3
    values = torch.from_numpy(data).float()[:, None]
    network = dense(5, 3, (6, 4), activation="linear")

    def loss(_step: int) -> torch.Tensor:
        return (network.decode(centre(network.encode(values))) - values).square().sum((1, 2)).mean()

    descend(network, loss, 1500, 0.02)
    assert float(loss(0).detach()) == pytest.approx(0.7, abs=0.005)


@pytest.mark.slow
def test_a_denoiser_of_speech_like_signals_halves_the_noise() -> None:
    """Harmonic tones with a slow envelope: one-dimensional, and far from any image."""
    spec = NetworkSpec(
        kind="convolutional", dimension=1, size=(251,), channels_in=1, channels_out=1, latent=16,
        code="point", widths=(16, 32), stem=4,
    )  # fmt: skip
    network = build_network(spec, 0)
    time = torch.arange(251) / 251

    def tones(count: int, seed: int) -> torch.Tensor:
        draw = torch.rand(count, 3, 1, generator=torch.Generator().manual_seed(seed))
        pitch, phase, place = 6 + 4 * draw[:, 0], 6.283 * draw[:, 1], draw[:, 2]
        voice = sum(torch.sin(k * (6.283 * pitch * time + phase)) / k for k in (1, 2, 3))
        envelope = torch.exp(-20 * (time - place).square())
        return (voice * envelope)[:, None]

    def noisy_of(clean: torch.Tensor, seed: int) -> torch.Tensor:
        ones = torch.ones(len(clean), 1)
        generator = torch.Generator().manual_seed(seed)
        return corrupt(
            clean, 0 * ones, ones, NOISES["gaussian"], 0.5, relative=False, generator=generator
        )

    def loss(step: int) -> torch.Tensor:
        clean = tones(64, step)
        rebuilt = network.decode(centre(network.encode(noisy_of(clean, step))))
        return (rebuilt - clean).square().mean()

    descend(network, loss, 600, 5e-3)
    clean = tones(256, 10**6)
    noisy = noisy_of(clean, 10**6)
    with torch.no_grad():
        error = (network.rebuild(noisy) - clean).square().mean()
    assert float(error) < 0.25 * float((noisy - clean).square().mean())
