"""Contract of every method: it trains each parameter in one, two and three dimensions."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from latentomics.core import Gaussian, NetworkSpec, RequestError, StepView
from latentomics.methods import METHODS, Method, method_of
from latentomics.models import Network, build_network, centre, draw
from latentomics.objectives import LIKELIHOODS, PENALTIES, SCHEDULES, total
from latentomics.planning import Noise, Plan

SIZES = {"signal": (50,), "image": (13, 18), "volume": (9, 14, 11)}
NOISE = Noise(model="gaussian", sigma=10.0, unit="HU")


def spec_for(method: Method, size: tuple[int, ...]) -> NetworkSpec:
    return NetworkSpec(
        kind=method.kinds[0], dimension=len(size), size=size, channels_in=1, channels_out=1,
        latent=4, code=method.code, widths=(8, 16),
    )  # fmt: skip


def plan_for(name: str, *, size: tuple[int, ...] = (9, 14, 11), **changes: object) -> Plan:
    method = METHODS[name]
    values: dict[str, object] = {
        "dimension": len(size), "view": "local" if method.code == "map" else "pose",
        "spacing": (1.0,), "size": size, "margin": 0.0, "normalisation": "robust-z",
        "window": (0.0, 1.0),
        "method": name, "network": spec_for(method, size), "mask_channel": False,
        "loss_region": "all", "noise": NOISE if method.corruption else None, "shift": 0,
        "symmetries": "none", "pooled": False, "batch": 4, "learning_rate": 1e-3,
        "precision": "float32", "length": {"steps": 10}, "split": (0.6, 0.2, 0.2), "threads": 1,
    } | {key: value for key, value in changes.items() if key != "settings"}  # fmt: skip
    choices = {key: {"value": value, "reason": "test"} for key, value in values.items()}
    request = {"manifest": "m.csv", "settings": changes.get("settings", {})}
    return Plan.model_validate({"request": request, **choices})


def step_view(method: Method, network: Network, values: torch.Tensor, step: int = 3) -> StepView:
    code = network.encode(values)
    noise = torch.randn(centre(code).shape, generator=torch.Generator().manual_seed(1))
    drawn = draw(code, noise)
    second = network.encode(values.flip(-1)) if method.second_view else None
    return StepView(
        target=values, weight=torch.ones_like(values[:, :1]), code=code, draw=drawn,
        output=network.decode(drawn), log_scale=None, second=second, domain=None, step=step,
        cohort_size=9,
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("name", list(METHODS))
def test_a_method_reaches_every_parameter(name: str, size: tuple[int, ...]) -> None:
    method = method_of(plan_for(name, size=size))
    network = build_network(spec_for(method, size), 0)
    values = torch.randn(5, 1, *size, generator=torch.Generator().manual_seed(0))
    view = step_view(method, network, values)
    loss, terms = total(view, method.likelihood, method.penalties, method.weights(view.step))
    assert loss.shape == (5,)
    assert {"nll", "mse", *method.penalties} <= set(terms)
    assert all(torch.isfinite(term).all() for term in (loss, *terms.values()))
    loss.mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", list(METHODS))
def test_a_method_is_made_of_parts_that_exist_and_fit(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert method.summary
    assert method.paper
    assert method.likelihood in LIKELIHOODS
    assert method.schedule in SCHEDULES
    for penalty in method.penalties:
        assert method.code in PENALTIES[penalty].codes
        assert bool(method.second_view) or not PENALTIES[penalty].second_view


def test_the_promised_methods_are_there() -> None:
    assert set(METHODS) == {
        "linear", "local", "autoencoder", "denoising", "vae", "beta-vae", "invariant",
    }  # fmt: skip


def test_listing_methods_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = "import sys, latentomics.methods as m; list(m.METHODS); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("beta-vae", {"beta": 6.0}, {"kl": 6.0}),
        ("vae", {"beta": 0.5}, {"kl": 0.5}),
        ("invariant", {"consistency": 3}, {"consistency": 3.0, "variance_floor": 1.0}),
    ],
)
def test_settings_change_weights(
    name: str, settings: Mapping[str, float], expected: Mapping[str, float]
) -> None:
    method = method_of(plan_for(name, settings=settings))
    assert method.weights(10**9) == expected


def test_warm_up_can_be_set() -> None:
    method = method_of(plan_for("vae", settings={"warm_up_steps": 40.0}))
    assert method.weights(10) == {"kl": 0.25}


def test_a_schedule_can_be_set() -> None:
    method = method_of(plan_for("vae", settings={"schedule": "cyclical", "warm_up_steps": 400.0}))
    assert [method.weights(step)["kl"] for step in (0, 25, 50, 100, 400)] == [0, 0.5, 1, 0, 1]


@pytest.mark.parametrize("name", list(METHODS))
def test_a_name_means_one_thing(name: str) -> None:
    method = METHODS[name]
    meanings = [*method.all_settings(), *method.declared_options(), "warm_up_steps", "schedule"]
    assert len(meanings) == len(set(meanings))
    assert set(method.options) <= set(method.declared_options())
    moved = {penalty for setting in method.settings.values() for penalty in setting.weights}
    assert moved <= set(method.penalties)


def test_noise_in_the_plan_corrupts_any_trained_method() -> None:
    assert method_of(plan_for("denoising")).corruption
    assert not method_of(plan_for("autoencoder")).corruption
    assert method_of(plan_for("autoencoder", noise=NOISE)).corruption


CONVOLUTIONAL = spec_for(METHODS["autoencoder"], (9, 14, 11))


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("autoencoder", {"settings": {"beta": 2.0}}, "no setting 'beta'"),
        ("linear", {"settings": {"likelihood": "gaussian"}}, "no setting"),
        ("vae", {"settings": {"beta": -1.0}}, "0 or more"),
        ("vae", {"settings": {"beta": "much"}}, "0 or more"),
        ("vae", {"settings": {"likelihood": "poisson"}}, "unknown likelihood"),
        ("vae", {"settings": {"likelihood": "bernoulli"}}, "logits"),
        ("vae", {"settings": {"schedule": "cyclic"}}, "did you mean cyclical"),
        ("vae", {"network": CONVOLUTIONAL}, "code point"),
        ("linear", {"network": CONVOLUTIONAL}, "kind convolutional"),
        ("autoencoder", {"network": spec_for(METHODS["linear"], (9, 14, 11))}, "kind linear"),
        ("autoencoder", {"view": "local"}, "differ in size"),
        ("denoising", {"noise": None}, "no noise"),
        ("linear", {"noise": NOISE}, "nothing is trained"),
        (
            "denoising",
            {
                "noise": Noise(model="rician", sigma=1.0, unit="HU"),
                "normalisation": "hu-window",
            },
            "no magnitudes",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    name: str, changes: Mapping[str, object], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        method_of(plan_for(name, **changes))


def test_an_unknown_method_lists_the_known() -> None:
    plan = plan_for("vae").model_copy(update={"method": plan_for("vae").method.model_copy(
        update={"value": "beta-vea"})})  # fmt: skip
    with pytest.raises(RequestError, match="did you mean beta-vae"):
        method_of(plan)


SPECTRUM = np.array([10, 4, 1, 0.5, 0.2])


def linear_vae(latent: int, noise: float, beta: float = 1.0) -> tuple[Network, torch.Tensor]:
    """The analytic optimum of a linear VAE: PPCA (METHODS, section 2), on data of that spectrum."""
    generator = np.random.default_rng(0)
    white = generator.standard_normal((400, 5))
    left = np.linalg.svd(white - white.mean(0), full_matrices=False)[0]
    axes = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    data = torch.from_numpy(left * np.sqrt(400 * SPECTRUM) @ axes).double()
    spec = NetworkSpec(
        kind="linear", dimension=1, size=(5,), channels_in=1, channels_out=1, latent=latent,
        code="gaussian",
    )  # fmt: skip
    network = build_network(spec, 0).double()
    kept = torch.from_numpy(axes[:latent]).double()
    eigenvalues = torch.from_numpy(SPECTRUM[:latent])
    active = (eigenvalues - beta * noise).clamp_min(0)
    with torch.no_grad():
        network.path.decoder.copy_(kept.T * active.sqrt())  # type: ignore[union-attr,operator]
        network.path.encoder.copy_((active.sqrt() / eigenvalues)[:, None] * kept)  # type: ignore[union-attr,operator]
        network.path.mean.copy_(data.mean(0))  # type: ignore[union-attr,operator]
        variance = torch.where(active > 0, beta * noise / eigenvalues, torch.ones(latent))
        network.log_var.copy_(10 * torch.atanh(variance.log() / 10))  # type: ignore[operator,union-attr]
    return network, data[:, None]


@pytest.mark.parametrize(
    ("latent", "noise", "beta", "bound", "kl"),
    [
        (3, 0.35, 1.0, -7.88931, (1.6762, 1.2181, 0.5249)),  # KA-2.3
        (2, 17 / 30, 1.0, -8.08716, None),
        (3, 1.0, 1.0, None, (1.1513, 0.6931, 0.0)),  # KA-2.4
        (3, 1.0, 2.0, None, (0.8047, 0.3466, 0.0)),
    ],
)
def test_KA_2_3_linear_vae_attains_the_likelihood_of_ppca(
    latent: int, noise: float, beta: float, bound: float | None, kl: tuple[float, ...] | None
) -> None:
    network, values = linear_vae(latent, noise, beta)
    code = network.encode(values)
    assert isinstance(code, Gaussian)
    # the expectation over draws in closed form: +-SD in each latent has the moments of a normal
    losses, kls = [], []
    for signs in ((1, 1, 1), (1, -1, 1), (1, 1, -1), (1, -1, -1)):
        for side in (1.0, -1.0):
            pattern = side * torch.tensor(signs[:latent], dtype=torch.float64)
            drawn = draw(code, pattern.expand_as(code.mean))
            output = network.path.decode(drawn)  # type: ignore[union-attr,operator]
            view = StepView(
                target=values, weight=torch.ones_like(values), code=code, draw=drawn,
                output=output, log_scale=torch.tensor(math.log(noise) / 2, dtype=torch.float64),
                second=None, domain=None, step=0, cohort_size=400,
            )  # fmt: skip
            loss, terms = total(view, "gaussian-learned", ("kl",), {"kl": beta})
            losses.append(loss.mean())
            kls.append(terms["kl"].mean())
    mean = torch.stack(losses).mean()
    if bound is not None:
        assert float(mean.detach()) == pytest.approx(-bound, abs=1e-4)
    if kl is not None:
        assert float(torch.stack(kls).mean().detach()) == pytest.approx(sum(kl), abs=2e-4)
    mean.backward()  # an optimum: no direction goes down
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        assert float(parameter.grad.abs().max()) < 1e-4, name
