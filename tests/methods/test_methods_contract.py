"""Contract of every method: what it declares is what it does, on signals, images and volumes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from methods_suite import SIZES, plan_for, run, store_for, usual_size

from latentomics.core import Gaussian, Interrupted
from latentomics.features import encode_store
from latentomics.methods import METHODS, method_of
from latentomics.models import build_network, parameter_counts
from latentomics.objectives import COMPANIONS, LIKELIHOODS, PENALTIES, SCHEDULES
from latentomics.training import Progress
from latentomics.training.fit import make_task
from latentomics.training.task import AutoencoderTask

CASES = [(name, d) for name in METHODS for d in METHODS[name].dimensions]
TRAINED = [name for name in METHODS if not METHODS[name].closed_form]

TABLE = {  # METHODS 28: the codes, and where they are not for signals, images and volumes alike
    "point": "linear autoencoder dense deep denoising invariant wae-mmd",
    "sigmoid": "sparse contractive",
    "map": "local masked",
    "quantised": "vq-vae",
    "capsules": "transforming",
    "gaussian": "probabilistic-pca vae beta-vae capacity-vae annealed-vae beta-tcvae factor-vae "
    "dip-vae info-vae control-vae balanced-vae iwae basis-vae recurrent-vae",
}
FEWER = {"transforming": (2, 3), "recurrent-vae": (1,)}


def test_the_methods_are_those_of_the_table() -> None:
    wanted = {
        name: (code, FEWER.get(name, (1, 2, 3)))
        for code, names in TABLE.items()
        for name in names.split()
    }
    assert {name: (METHODS[name].code, METHODS[name].dimensions) for name in METHODS} == wanted
    assert all(METHODS[name].summary and METHODS[name].paper for name in METHODS)


def test_what_generates_has_a_prior() -> None:
    generating = {name for name in METHODS if METHODS[name].generates}
    assert generating == {*TABLE["gaussian"].split(), "wae-mmd"}


@pytest.mark.parametrize(("name", "dimension"), CASES)
def test_a_method_trains_on_odd_sizes_and_encodes_alike(name: str, dimension: int) -> None:
    plan = plan_for(name, size=SIZES[dimension])
    fitted = run(plan)
    assert fitted.outcome == "finished"
    terms = fitted.history[-1].validation
    assert {"nll", "mse", "total", *METHODS[name].penalties} <= set(terms)
    assert all(np.isfinite(value) for value in terms.values())
    store = store_for(plan)
    encoded = encode_store(fitted.network, plan, store)  # type: ignore[arg-type]
    again = encode_store(fitted.network, plan, store)  # type: ignore[arg-type]
    values, names = encoded.latent.values, encoded.latent.names
    assert np.isfinite(values).all()
    assert len(names) == len(set(names)) == values.shape[1]
    assert values.tobytes() == again.latent.values.tobytes()


@pytest.mark.parametrize(("name", "dimension"), CASES)
def test_a_method_reaches_every_parameter(name: str, dimension: int) -> None:
    plan = plan_for(name, size=SIZES[dimension])
    method = method_of(plan)
    assert parameter_counts(plan.network.value).network > 0  # traced without memory
    network = build_network(plan.network.value, 0)
    task = make_task(plan, method, network, store_for(plan), store_for(plan, 6, 2))
    loss, terms = task.training(3)
    assert len(loss) == 4 * int(method.all_options().get("draws", 1))
    assert all(torch.isfinite(term).all() for term in (loss, *terms.values()))
    loss.mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", TRAINED)
def test_T1_a_method_resumes_exactly(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentomics.training.desk.SHOW_S", 0.0)
    plan = plan_for(name, size=usual_size(name))
    whole = run(plan)

    def stop(progress: Progress) -> None:
        if progress.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        run(plan, tmp_path, on_progress=stop)
    resumed = run(plan, tmp_path, resume=True)
    assert resumed.weights_sha256 == whole.weights_sha256
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert (one.train, one.validation) == (other.train, other.validation)


REMEMBERING = [name for name in METHODS if METHODS[name].companion] + ["vq-vae"]


@pytest.mark.parametrize("name", REMEMBERING)
def test_M3_what_remembers_forgets_a_step_that_ran_out_of_memory(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(name, size=SIZES[2])
    judged, calls = AutoencoderTask._judged, []

    def fail_once(task: AutoencoderTask, *given: object, training: bool) -> object:
        result = judged(task, *given, training=training)  # type: ignore[arg-type]
        calls.extend([1] if training else [])
        if training and len(calls) == 3:
            raise MemoryError
        return result

    monkeypatch.setattr(AutoencoderTask, "_judged", fail_once)
    halved = run(plan)
    assert halved.plan.length.value.halved_at == (2,)
    monkeypatch.setattr(AutoencoderTask, "_judged", judged)
    assert run(halved.plan).weights_sha256 == halved.weights_sha256


@pytest.mark.parametrize("name", list(METHODS))
def test_D2_a_code_does_not_depend_on_neighbours(name: str) -> None:
    plan = plan_for(name, size=usual_size(name))
    network = build_network(plan.network.value, 0)
    store = store_for(plan, 9)
    whole = encode_store(network, plan, store)
    part = encode_store(network, plan, store_for(plan, 3))
    assert part.latent.values.tobytes() == whole.latent.values[:3].tobytes()


@pytest.mark.parametrize("name", list(METHODS))
def test_logged_terms_mean_the_same_in_every_method(name: str) -> None:
    plan = plan_for(name, size=usual_size(name))
    method = method_of(plan)
    network = build_network(plan.network.value, 0)
    held_out = store_for(plan, 6, 2)
    task = make_task(plan, method, network, store_for(plan), held_out)
    with torch.no_grad():
        terms = task.validation()
    batch = held_out.batch(np.arange(6), np.random.default_rng(0))
    with torch.no_grad():
        code = network.encode(batch.values)
    assert ("kl" in terms) == isinstance(code, Gaussian)
    if isinstance(code, Gaussian):
        code = Gaussian(mean=code.mean.detach(), log_var=code.log_var.detach())
        normal = torch.distributions.Normal
        by_latent = torch.distributions.kl_divergence(
            normal(code.mean, (0.5 * code.log_var).exp()), normal(0.0, 1.0)
        ).mean(0)
        assert terms["kl"] == pytest.approx(float(by_latent.sum()), rel=1e-4)
        for number, value in enumerate(by_latent.tolist()):
            assert terms[f"kl_{number:03d}"] == pytest.approx(value, rel=1e-4, abs=1e-6)
        assert terms["kl"] >= 0


@pytest.mark.parametrize("name", list(METHODS))
def test_a_method_is_made_of_parts_that_exist_and_fit(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert method.summary
    assert method.paper
    assert method.likelihood in LIKELIHOODS
    assert method.schedule in SCHEDULES
    assert method.companion is None or COMPANIONS[method.companion].summary
    for penalty in method.penalties:
        assert {method.code, *method.other_codes} <= set(PENALTIES[penalty].codes)
        assert bool(method.second_view) or not PENALTIES[penalty].second_view


def test_listing_methods_does_not_import_torch() -> None:
    code = "import sys, latentomics.methods as m; list(m.METHODS); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
