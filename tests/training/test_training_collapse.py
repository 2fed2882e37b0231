"""A collapsed code is seen while training and warned of once, in words, with the remedy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_plan import MemoryStore, make_plan, make_spec, run_fit

from latentomics.core import Gaussian, NetworkSpec, Point, RequestError
from latentomics.methods import METHODS, method_of
from latentomics.planning import Length, Plan
from latentomics.training import EpochRecord, Progress, fit
from latentomics.training.collapse import LatentWatch, collapse_remark, unfinished_remark

GAUSSIAN = make_spec(code="gaussian")


def record(step: int, active: float, remark: str = "") -> EpochRecord:
    terms = {"active_latents": active, "kl": 0.1}
    return EpochRecord(epoch=1, step=step, seconds=1, rate=1e-3, validation=terms, remark=remark)


def remark(history: list[EpochRecord], name: str = "beta-vae", step: int = 900) -> str:
    return collapse_remark(step, {"active_latents": 1.0, "kl": 0.02}, history, METHODS[name], 64)


def test_KA_2_4_latents_in_use_are_counted_by_the_variance_of_their_means() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(500, 4, generator=generator) * torch.tensor([0.95, 0.87, 0.05, 0.0])
    watch = LatentWatch()
    for part in mean.split(200):
        log_var = torch.tensor([-2.3, -1.4, 0.0, 0.0]).expand_as(part)
        watch.see(Gaussian(mean=part, log_var=log_var))
    terms = watch.terms()
    assert terms["active_latents"] == 2
    assert terms["kl_003"] == pytest.approx(0, abs=1e-9)
    assert terms["kl_001"] == pytest.approx(
        float(0.5 * (0.87**2 + np.exp(-1.4) - 1 + 1.4)), abs=0.1
    )
    points = LatentWatch()
    points.see(Point(z=mean))
    assert points.terms() == {}


def test_a_collapse_is_said_with_its_remedy() -> None:
    words = remark([record(600, 2.0)])
    assert "step 900 1 of 64 latents" in words
    assert "beta * s2 = 2" in words
    assert "likelihood=gaussian-learned" in words
    assert "free_nats" in remark([record(600, 2.0)], "vae")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beta-vae", "lower beta (the KL weighs 4)"),
        ("beta-tcvae", "lower gamma (the KL weighs 1)"),  # its beta is another weight
        ("info-vae", "raise alpha (the KL weighs 1)"),
        ("capacity-vae", "--set capacity (now 25 nats)"),
        ("control-vae", "--set capacity (now 25 nats)"),
        ("vae", "Lower beta (the KL weighs 1)"),
        ("iwae", "lower beta (the KL weighs 1)"),
    ],
)
def test_the_remedy_names_a_setting_that_the_method_has(name: str, words: str) -> None:
    assert words in remark([record(2000, 2.0)], name, 3000)


def test_a_capacity_that_still_grows_is_waited_for() -> None:
    assert remark([record(300, 2.0)], "capacity-vae", 400) == ""
    assert remark([record(1000, 2.0)], "capacity-vae", 1100) != ""


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("vae", 144, "warm_up_steps 500"),
        ("annealed-vae", 200, "warm_up_steps 1,000"),  # full at the end of a cycle, not for good
        ("capacity-vae", 300, "capacity_steps 1,000"),
        ("vae", 500, ""),
        ("vae", 0, ""),
        ("autoencoder", 3, ""),
        ("control-vae", 3, ""),
    ],
)
def test_a_training_that_ends_before_its_weights_have_grown_is_said(
    name: str, step: int, words: str
) -> None:
    said = unfinished_remark(step, METHODS[name])
    assert words in said
    assert bool(said) == bool(words)


def test_it_is_said_once_and_kept_in_the_history() -> None:
    plan = planned(GAUSSIAN, {"beta": 0.01}, method="vae", length=Length(epochs=3))
    said = [entry.remark for entry in run_fit(plan).history]
    assert "Training ended at step" in said[-1]
    assert not any(said[:-1])


@pytest.mark.parametrize(
    ("history", "step"),
    [
        ([], 900),
        ([record(0, 0.0)], 900),  # untrained
        ([record(600, 30.0)], 900),  # not yet lasting
        ([record(600, 2.0, "said")], 900),
        ([record(300, 2.0)], 400),  # the weight still grows
    ],
)
def test_a_collapse_is_not_said_too_early_nor_twice(history: list[EpochRecord], step: int) -> None:
    assert remark(history, step=step) == ""


def planned(spec: NetworkSpec, settings: dict[str, float | str], **values: object) -> Plan:
    plan = make_plan(spec, **values)
    return plan.model_copy(
        update={"request": plan.request.model_copy(update={"settings": settings})}
    )


def test_a_run_that_collapses_says_so_once() -> None:
    settings = {"beta": 1e4, "warm_up_steps": 0.0}
    plan = planned(
        GAUSSIAN, settings, method="beta-vae", learning_rate=0.01, length=Length(epochs=60)
    )
    said: list[str] = []

    def hear(progress: Progress) -> None:
        said.extend([progress.remark] if progress.remark else [])

    fitted = run_fit(plan, on_progress=hear)
    kept = [entry.remark for entry in fitted.history if entry.remark]
    assert said == kept
    assert len(said) == 1
    assert "lower beta (the KL weighs 10000)" in said[0]
    fine = run_fit(
        planned(
            GAUSSIAN, {"beta": 0.01, "warm_up_steps": 50.0}, method="beta-vae",
            length=Length(epochs=60),
        )
    )  # fmt: skip
    assert not any(entry.remark for entry in fine.history)


def test_beta_is_shown_in_both_units() -> None:
    assert METHODS["annealed-vae"].beta_weighs_kl
    assert not METHODS["beta-tcvae"].beta_weighs_kl  # its beta is the total correlation's
    plan = planned(GAUSSIAN, {"beta": 2.0, "warm_up_steps": 0.0}, method="vae")
    terms = run_fit(plan).history[-1].train
    assert terms["beta"] == 2
    assert terms["beta_norm"] == pytest.approx(2 * 3 / 96, rel=1e-6)


@pytest.mark.parametrize(
    ("likelihood", "output"),
    [("bernoulli", "logits"), ("gaussian-per-voxel", "mean and log SD")],
)
@pytest.mark.parametrize("kind", ["convolutional", "dense"])
def test_other_likelihoods_learn_and_give_back_intensities(
    likelihood: str, output: str, kind: str
) -> None:
    spec = replace(GAUSSIAN, output=output, kind=kind)
    plan = planned(
        spec, {"likelihood": likelihood}, method="vae", normalisation="percentile",
        length=Length(epochs=40), learning_rate=0.01,
    )  # fmt: skip
    fitted = run_fit(plan)
    errors = [entry.validation["mse"] for entry in fitted.history]
    assert min(errors) < 0.8 * errors[0]
    with torch.no_grad():
        code = torch.zeros(2, 3)
        images = fitted.network.reconstruct(code)  # type: ignore[operator]
    assert images.shape == (2, 1, 12, 8)
    if likelihood == "bernoulli":
        assert float(images.min()) > 0
        assert float(images.max()) < 1


def test_values_outside_0_and_1_are_refused_before_training() -> None:
    spec = replace(GAUSSIAN, output="logits")
    plan = planned(spec, {"likelihood": "bernoulli"}, method="vae", normalisation="identity")
    store = MemoryStore(20, 1)
    store.values = 300 * store.values
    with pytest.raises(RequestError, match="needs values in"):
        fit(plan, method_of(plan), spec, store, MemoryStore(9, 2))  # type: ignore[arg-type]
