"""The linear VAE and probabilistic PCA (METHODS, section 2)."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from methods_suite import SIZES, plan_for, run, spec_for, store_for
from scipy.stats import multivariate_normal

from latentomics.core import Gaussian, NetworkSpec, StepView
from latentomics.dataset import fit_pca
from latentomics.methods import METHODS, method_named
from latentomics.models import build_network, draw
from latentomics.models.linear import LinearNetwork
from latentomics.objectives import total

SPECTRUM = np.array([10, 4, 1, 0.5, 0.2])
BEST = 7.88931  # KA-2.3: -mean log likelihood of PPCA with 3 components, noise variance .35
DIVERGENCES = (1.6762, 1.2181, 0.5249)


def data(seed: int = 0) -> np.ndarray:
    """400 samples whose covariance (denominator n) has exactly that spectrum."""
    generator = np.random.default_rng(seed)
    white = generator.standard_normal((400, 5))
    left = np.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    axes = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    return left * np.sqrt(400 * SPECTRUM) @ axes


def network_of(latent: int) -> LinearNetwork:
    spec = NetworkSpec(
        kind="linear", dimension=1, size=(5,), channels_in=1, channels_out=1, latent=latent,
        code="gaussian",
    )  # fmt: skip
    network = build_network(spec, 0)
    assert isinstance(network, LinearNetwork)
    return network.double()


def closed_form(latent: int, noise: float, beta: float) -> LinearNetwork:
    """The optimum for a fixed noise variance and weight: PPCA at noise variance beta * noise."""
    pca = fit_pca(data().astype(np.float32), latent, 0)
    network = network_of(latent)
    parts = (torch.from_numpy(part).double() for part in (pca.mean, pca.components, pca.variances))
    network.set_probabilistic(*parts, beta * noise)
    with torch.no_grad():
        network.log_var.clamp_(max=0)  # a latent below the threshold is the prior
        network.log_scale.fill_(0.5 * math.log(noise))
    return network


def bound(network: LinearNetwork, values: torch.Tensor, beta: float) -> tuple[torch.Tensor, ...]:
    """Mean loss and KL by latent; the expectation over draws in closed form.

    Signs of all latents, each with each, have the moments of a normal up to the second.
    """
    code = network.encode(values)
    assert isinstance(code, Gaussian)
    latent = code.mean.shape[1]
    signs = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    losses = []
    for pattern in torch.cat([signs, -signs])[:, :latent].double():
        drawn = draw(code, pattern.expand_as(code.mean))
        view = StepView(
            target=values, weight=torch.ones_like(values), code=code, draw=drawn,
            output=network.path.decode(drawn), log_scale=network.log_scale,
            second=None, domain=None, step=0, cohort_size=400,
        )  # fmt: skip
        losses.append(total(view, "gaussian-learned", ("kl",), {"kl": beta})[0].mean())
    kl = 0.5 * (code.mean.square() + code.log_var.exp() - 1 - code.log_var).mean(0)
    return torch.stack(losses).mean(), kl


@pytest.mark.parametrize(
    ("latent", "noise", "beta", "best", "kl"),
    [
        (3, 0.35, 1.0, -BEST, DIVERGENCES),  # KA-2.3
        (2, 17 / 30, 1.0, -8.08716, None),
        (3, 1.0, 1.0, None, (1.1513, 0.6931, 0.0)),  # KA-2.4
        (3, 1.0, 2.0, None, (0.8047, 0.3466, 0.0)),
    ],
)
def test_KA_2_3_linear_vae_attains_the_likelihood_of_ppca(
    latent: int, noise: float, beta: float, best: float | None, kl: tuple[float, ...] | None
) -> None:
    network = closed_form(latent, noise, beta)
    loss, divergences = bound(network, torch.from_numpy(data())[:, None], beta)
    if best is not None:
        assert float(loss.detach()) == pytest.approx(-best, abs=1e-4)
    if kl is not None:
        assert divergences.tolist() == pytest.approx(kl, abs=2e-4)
    loss.backward()  # an optimum: no direction goes down
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        if name != "log_scale" or best is not None:  # KA-2.4 fixes the noise
            assert float(parameter.grad.abs().max()) < 1e-4, name


@pytest.mark.parametrize(
    ("beta", "active", "squared"), [(1.0, (1.1513, 0.6931), 3.7), (2.0, (0.8047, 0.3466), 5.7)]
)
def test_KA_2_4_latents_below_the_threshold_collapse(
    beta: float, active: tuple[float, float], squared: float
) -> None:
    network = closed_form(4, 1.0, beta)
    loss, kl = bound(network, torch.from_numpy(data())[:, None], beta)
    assert kl.tolist() == pytest.approx((*active, 0, 0), abs=2e-4)
    constant = 2.5 * math.log(2 * math.pi)
    error = 2 * (float(loss.detach()) - constant - beta * float(kl.detach().sum()))
    assert error == pytest.approx(squared, abs=1e-3)  # beta a held latent, all of each other one


@pytest.mark.parametrize(("latent", "noise"), [(3, 0.35), (2, 0.56667)])
def test_KA_2_3_the_closed_form_is_the_density_of_ppca(latent: int, noise: float) -> None:
    values = data()
    pca = fit_pca(values.astype(np.float32), latent, 0)
    assert pca.discarded_variance == pytest.approx(noise, abs=1e-5)
    network = network_of(latent)
    network.set_probabilistic(
        *(torch.from_numpy(part) for part in (pca.mean, pca.components, pca.variances)),
        pca.discarded_variance,
    )
    decoder = network.path.decoder.detach().numpy()
    covariance = decoder @ decoder.T + math.exp(2 * float(network.log_scale.detach())) * np.eye(5)
    density = multivariate_normal(pca.mean.astype(float), covariance).logpdf(values).mean()
    loss = bound(network, torch.from_numpy(values)[:, None], 1.0)[0]
    assert float(loss.detach()) == pytest.approx(-density, abs=1e-5)


def test_KA_2_3_a_trained_linear_vae_comes_to_ppca() -> None:
    network, values = network_of(3), torch.from_numpy(data())[:, None]
    network.path.decoder = torch.nn.Parameter(network.path.decoder.detach().contiguous())
    optimiser = torch.optim.LBFGS(
        network.parameters(), max_iter=120, line_search_fn="strong_wolfe", tolerance_change=1e-9
    )

    def close() -> torch.Tensor:
        optimiser.zero_grad()
        loss = bound(network, values, 1.0)[0]
        loss.backward()
        return loss

    optimiser.step(close)
    loss, divergences = bound(network, values, 1.0)
    assert float(loss.detach()) == pytest.approx(BEST, abs=2e-4)
    assert math.exp(2 * float(network.log_scale.detach())) == pytest.approx(0.35, abs=2e-3)
    found = sorted(divergences.tolist(), reverse=True)
    assert found == pytest.approx(DIVERGENCES, abs=0.01)
    means = network.encode(values).mean.detach().var(0, correction=0)  # type: ignore[union-attr]
    assert sorted(means.tolist()) == pytest.approx(sorted(1 - 0.35 / SPECTRUM[:3]), abs=0.01)


def test_components_that_leave_nothing_out_stay_finite() -> None:
    network = network_of(5)
    pca = fit_pca(data().astype(np.float32), 5, 0)
    network.set_probabilistic(
        *(torch.from_numpy(part) for part in (pca.mean, pca.components, pca.variances)),
        pca.discarded_variance,
    )
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())
    assert METHODS["probabilistic-pca"].closed_form


@pytest.mark.parametrize(("name", "alike"), [("wae-mmd", True), ("autoencoder", False)])
def test_points_that_a_prior_holds_start_with_a_variance_of_1_in_each_latent(
    name: str, alike: bool
) -> None:
    """PCA's own proportions are far from N(0, I), and a slow linear path keeps them (METHODS 8)."""
    spec = replace(spec_for(METHODS[name], SIZES[2]), linear_path=True)
    plan = plan_for(name, size=SIZES[2], network=spec, length={"steps": 0})
    values = store_for(plan, 40).batch(np.arange(40), None).values
    initial = fit_pca(values.flatten(1).numpy(), spec.latent, 0)
    network = run(plan, initial=initial).network
    with torch.inference_mode():
        code = network.encode(values).z  # type: ignore[operator]
    variance = code.var(0, correction=0)
    assert float(variance.mean()) == pytest.approx(1, rel=1e-3)
    assert torch.allclose(variance, torch.ones(spec.latent), rtol=1e-2) == alike


def test_only_the_plain_bound_with_learned_noise_starts_at_probabilistic_pca() -> None:
    whole = [name for name in METHODS if "convolutional" in METHODS[name].kinds]
    gaussian = [name for name in whole if METHODS[name].code == "gaussian"]
    begun = {name for name in gaussian if METHODS[name].linear_start}
    assert begun == {"vae", "annealed-vae", "balanced-vae"}
    assert not method_named("vae", {"likelihood": "gaussian"}).linear_start
    assert not method_named("vae", {"beta": 4.0}).linear_start
    assert method_named("beta-vae", {"beta": 1.0, "likelihood": "gaussian-learned"}).linear_start
    assert METHODS["autoencoder"].linear_start
