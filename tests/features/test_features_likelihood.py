"""Importance weights of samples under networks whose likelihood is known."""

import numpy as np
import pytest
import torch
from features_store import ball, make_plan, make_store
from torch import nn

from latentomics.core import Gaussian, NetworkSpec, RequestError
from latentomics.dataset import fit_pca
from latentomics.evaluation import importance_nll
from latentomics.features import (
    importance_weights,
    noise_log_sd,
    posterior_variances,
    posteriors,
)
from latentomics.models import build_network

SPECTRUM = np.array([10, 4, 1, 0.5, 0.2])


def samples() -> np.ndarray:
    """400 signals of five values whose covariance has exactly that spectrum."""
    generator = np.random.default_rng(0)
    white = generator.standard_normal((400, 5))
    left = np.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    axes = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    return (left * np.sqrt(400 * SPECTRUM) @ axes).astype(np.float32)


def principal(values: np.ndarray, latent: int):
    """Probabilistic PCA as a network."""
    spec = NetworkSpec(
        kind="linear", dimension=1, size=(5,), channels_in=1, channels_out=1, latent=latent,
        code="gaussian",
    )  # fmt: skip
    network = build_network(spec, 0)
    pca = fit_pca(values, latent, 0)
    parts = (torch.from_numpy(part).float() for part in (pca.mean, pca.components, pca.variances))
    network.set_probabilistic(*parts, float(SPECTRUM[latent:].mean()))
    return network


class Identity(nn.Module):
    """The posterior is the prior, the decoder gives the code: KA-6.3."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.spec = NetworkSpec(
            kind="dense", dimension=1, size=(1,), channels_in=1, channels_out=channels, latent=1,
            code="gaussian",
        )  # fmt: skip
        self.unused = nn.Parameter(torch.zeros(1))

    def encode(self, values: torch.Tensor) -> Gaussian:
        nothing = torch.zeros(len(values), 1)
        return Gaussian(mean=nothing, log_var=nothing)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        return code[:, None].expand(-1, self.spec.channels_out, -1)


@pytest.mark.parametrize(("latent", "wanted"), [(3, 7.88931), (2, 8.08716)])
def test_KA_2_3_the_likelihood_of_principal_components_is_exact(latent: int, wanted: float) -> None:
    values = samples()
    network, store = principal(values, latent), make_store(list(values[:, None]))
    log_sd = noise_log_sd(network, "gaussian-learned", store, 0)
    weighed = importance_weights(network, "gaussian-learned", store, draws=3, seed=0, log_sd=log_sd)
    nll, effective = importance_nll(weighed.log_weights)
    assert nll.mean() == pytest.approx(wanted, abs=1e-4)
    np.testing.assert_allclose(effective, 3, rtol=1e-6)  # the posterior is the true one
    assert weighed.values.tolist() == [5.0] * 400


@pytest.mark.parametrize(("draws", "wanted"), [(5, 2.0761), (50, 1.8855)])
def test_KA_6_3_a_poor_posterior_is_made_up_for_by_draws(draws: int, wanted: float) -> None:
    store = make_store([np.full((1, 1), 1.5)] * 400)
    weighed = importance_weights(Identity(), "gaussian", store, draws=draws, seed=1)
    nll, _ = importance_nll(weighed.log_weights)
    assert nll.mean() == pytest.approx(wanted, abs=4 * nll.std() / 20)


def test_the_mask_that_goes_in_and_out_does_not_count() -> None:
    store = make_store([np.full((1, 1), 1.5)] * 3)
    alone = importance_weights(Identity(), "gaussian", store, draws=4, seed=1)
    beside = importance_weights(Identity(channels=2), "gaussian", store, draws=4, seed=1)
    assert np.array_equal(alone.log_weights, beside.log_weights)


def test_voxels_that_hardly_weigh_do_not_count() -> None:
    masks = [ball((12, 12), 3)] * 2
    spec = NetworkSpec(
        kind="dense", dimension=2, size=(12, 12), channels_in=1, channels_out=1, latent=2,
        code="gaussian", widths=(8,),
    )  # fmt: skip
    values = np.random.default_rng(0).normal(size=(2, 1, 12, 12))
    store = make_store(list(values), masks, loss_region="mask+ring")
    found = importance_weights(build_network(spec, 0), "gaussian", store, draws=2, seed=0)
    counted = float((store.samples.part("near", 0) > 0).sum())
    assert masks[0].sum() < counted < 144
    assert found.values.tolist() == [counted, counted]


def test_D2_a_case_has_its_own_draws() -> None:
    values = samples()[:9, None]
    network = principal(samples(), 2)
    names = [f"c{number}" for number in range(9)]
    whole = importance_weights(
        network, "gaussian", make_store(list(values), cases=names), draws=4, seed=0
    )
    alone = importance_weights(
        network, "gaussian", make_store(list(values[5:6]), cases=names[5:6]), draws=4, seed=0
    )
    assert whole.log_weights[5].tobytes() == alone.log_weights[0].tobytes()


def test_a_noise_level_is_the_error_of_training_samples() -> None:
    store = make_store([np.full((1, 1), 1.5)] * 4000)
    found = noise_log_sd(Identity(), "gaussian-learned", store, 0)
    assert np.exp(2 * found) == pytest.approx(1.5**2 + 1, rel=0.1)  # E (x - z)^2, z ~ N(0, 1)
    assert noise_log_sd(Identity(), "gaussian", store, 0) is None


def test_METHODS_6_a_noise_level_is_never_below_the_smallest_of_training() -> None:
    class Blank(Identity):
        def decode(self, code: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(code), 1, 1)

    for values in (0.0, 1e-5):
        store = make_store([np.full((1, 1), values)] * 3)
        found = noise_log_sd(Blank(), "gaussian-learned", store, 0)
        assert found == pytest.approx(np.log(1e-3))


def test_a_code_without_posterior_is_refused() -> None:
    spec = NetworkSpec(
        kind="dense", dimension=2, size=(12, 12), channels_in=1, channels_out=1, latent=2,
        code="point", widths=(8,),
    )  # fmt: skip
    network, store = build_network(spec, 0), make_store([np.zeros((1, 12, 12))])
    with pytest.raises(RequestError, match="needs a posterior"):
        importance_weights(network, "gaussian", store, draws=2, seed=0)
    with pytest.raises(RequestError, match="no posterior"):
        posterior_variances(network, make_plan(spec), store)


@pytest.mark.parametrize("symmetries", ["none", "flips"])
def test_variances_are_those_of_the_posterior_averaged_over_flips(symmetries: str) -> None:
    spec = NetworkSpec(
        kind="dense", dimension=2, size=(12, 12), channels_in=1, channels_out=1, latent=2,
        code="gaussian", widths=(8,),
    )  # fmt: skip
    network, plan = build_network(spec, 0), make_plan(spec, symmetries=symmetries)
    values = np.random.default_rng(0).normal(size=(3, 1, 12, 12))
    found = posterior_variances(network, plan, make_store(list(values)))
    assert found.names == ("posterior_variance_000", "posterior_variance_001")
    axes = [(), (2,), (3,), (2, 3)] if symmetries == "flips" else [()]
    flipped = [make_store(list(np.flip(values, axis))) for axis in axes]
    wanted = [np.exp(posteriors(network, store, np.arange(3))[1]) for store in flipped]
    np.testing.assert_allclose(found.values, np.mean(wanted, axis=0), rtol=1e-5)
