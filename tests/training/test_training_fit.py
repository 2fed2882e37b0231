"""Plans and methods through training: every method, the closed form, equal bytes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_plan import MemoryStore, make_plan, make_spec, run_fit

from latentomics.core import Interrupted, RequestError
from latentomics.dataset import Deformation, fit_pca
from latentomics.methods import method_of
from latentomics.planning import Length, Noise
from latentomics.training import Progress, estimate_step_seconds, fit, measure_pace
from latentomics.training.task import AutoencoderTask

GAUSSIAN = Noise(model="gaussian", sigma=10.0, unit="HU")
PLANS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "autoencoder": ({}, {}),
    "denoising": ({}, {"noise": GAUSSIAN}),
    "vae": ({"code": "gaussian"}, {}),
    "beta-vae": ({"code": "gaussian"}, {}),
    "invariant": ({}, {"shift": 1}),
    "local": ({"kind": "local", "code": "map", "widths": (8, 8)}, {"view": "local"}),
}


@pytest.mark.parametrize("method", PLANS)
def test_every_method_learns_and_repeats_its_bytes(method: str) -> None:
    network, values = PLANS[method]
    plan = make_plan(make_spec(**network), method=method, **values)
    first, second = run_fit(plan), run_fit(plan)
    errors = [record.validation["mse"] for record in first.history]
    assert first.outcome == "finished"
    assert errors[-1] < errors[0]
    assert first.weights_sha256 == second.weights_sha256
    assert first.plan.length.value.steps == 4 * (20 if method == "local" else 2)


def test_another_seed_gives_other_weights() -> None:
    spec = make_spec()
    shas = {run_fit(make_plan(spec, seed=seed)).weights_sha256 for seed in (0, 1)}
    assert len(shas) == 2


def test_KA_2_the_linear_method_is_principal_components() -> None:
    store, held_out = MemoryStore(20, 1), MemoryStore(9, 2)
    pca = fit_pca(store.values.flatten(1).numpy(), 3, 0)
    plan = make_plan(make_spec(kind="linear"), method="linear")
    fitted = run_fit(plan, initial=pca)
    flat = held_out.values.flatten(1).numpy()
    error = np.mean((pca.decode(pca.encode(flat)) - flat) ** 2)
    assert fitted.plan.length.value.steps == 0
    assert fitted.history[-1].validation["mse"] == pytest.approx(error, rel=1e-4)
    with pytest.raises(RequestError, match="principal components"):
        run_fit(plan)


def test_a_linear_path_starts_at_principal_components_and_never_ends_worse() -> None:
    store = MemoryStore(20, 1)
    pca = fit_pca(store.values.flatten(1).numpy(), 3, 0)
    linear = run_fit(make_plan(make_spec(kind="linear"), method="linear"), initial=pca)
    plan = make_plan(make_spec(linear_path=True), length=Length(epochs=60))
    fitted = run_fit(plan, initial=pca)
    start, floor = fitted.history[0].validation, linear.history[0].validation
    assert start["mse"] == pytest.approx(floor["mse"], rel=1e-3)
    best = min(record.validation["total"] for record in fitted.history)
    assert best < floor["total"]


@pytest.mark.parametrize("folder_name", ["there"])
def test_T1_interrupted_fit_resumes_to_the_same_bytes(tmp_path: Path, folder_name: str) -> None:
    plan = make_plan(make_spec(), noise=GAUSSIAN, shift=1, symmetries="flips", method="denoising")
    whole = run_fit(plan)

    def ask(progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        run_fit(plan, tmp_path / "here", on_progress=ask)
    (tmp_path / "here").rename(tmp_path / folder_name)
    resumed = run_fit(plan, tmp_path / folder_name, resume=True)
    assert resumed.weights_sha256 == whole.weights_sha256
    lines = (tmp_path / folder_name / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [r.step for r in whole.history]


def test_resume_with_an_edited_plan_is_refused_but_not_over_its_reasons(tmp_path: Path) -> None:
    spec = make_spec()
    first = run_fit(make_plan(spec), tmp_path)
    again = run_fit(make_plan(spec, reason="other words"), tmp_path, resume=True)
    assert again.weights_sha256 == first.weights_sha256
    with pytest.raises(RequestError, match="another plan"):
        run_fit(make_plan(spec, learning_rate=0.001), tmp_path, resume=True)


def test_D1_the_resolved_plan_of_a_timed_run_gives_its_bytes() -> None:
    timed = run_fit(make_plan(make_spec(), length=Length(budget_s=0.8)))
    assert timed.plan.length.value.budget_s == 0.8
    assert timed.plan.length.value.steps is not None
    assert "steps here" in timed.plan.length.reason
    replayed = run_fit(timed.plan)
    assert replayed.weights_sha256 == timed.weights_sha256
    assert replayed.plan.length.value == timed.plan.length.value


def test_validation_is_the_same_at_every_time_and_ignores_moves() -> None:
    def terms(**values: Any) -> dict[str, float]:
        plan = make_plan(make_spec(), **values)
        fitted = run_fit(plan.model_copy(update={"length": make_length(0)}))
        return dict(fitted.history[0].validation)

    def make_length(steps: int) -> Any:
        return make_plan(make_spec(), length=Length(steps=steps)).length

    plain = terms()
    assert plain == terms(shift=2, symmetries="flips")
    assert plain == terms(batch=8)
    noisy = terms(method="denoising", noise=GAUSSIAN)  # what is learned is judged: noise taken off
    assert noisy["mse"] > plain["mse"]
    assert noisy == terms(method="denoising", noise=GAUSSIAN)


def test_an_epoch_sees_every_sample_once() -> None:
    store = MemoryStore(20, 1)
    plan = make_plan(make_spec(), batch=5)
    fit(plan, method_of(plan), make_spec(), store, MemoryStore(4, 2))
    rows = np.concatenate(store.asked[:4])
    assert sorted(rows.tolist()) == list(range(20))
    assert not np.array_equal(rows, np.concatenate(store.asked[4:8]))


def test_the_mask_goes_in_and_out_and_moves_with_the_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[torch.Tensor] = []
    original = AutoencoderTask._view

    def spy(task: AutoencoderTask, batch: Any, values: torch.Tensor, *rest: Any) -> Any:
        seen.append((batch.mask == (values > 0.3).float()).all())
        return original(task, batch, values, *rest)

    monkeypatch.setattr(AutoencoderTask, "_view", spy)
    spec = make_spec(channels_in=2, channels_out=2)
    plan = make_plan(spec, mask_channel=True, shift=2, symmetries="flips", loss_region="mask")
    fitted = run_fit(plan)
    assert all(seen)
    assert fitted.network.decode(torch.zeros(1, 3)).shape == (1, 2, 12, 8)


@pytest.mark.parametrize("method", ["autoencoder", "invariant"])
def test_deformed_training_repeats_its_bytes_and_is_not_the_same_as_without(method: str) -> None:
    bent = Deformation(rotation_degrees=15.0, scaling=0.1, bending=1.0)
    spec = make_spec(channels_in=2, channels_out=2)
    asked = {"method": method, "mask_channel": 2.0, "shift": 1}
    first, again = (run_fit(make_plan(spec, **asked, deformation=bent)) for _ in range(2))
    assert first.weights_sha256 == again.weights_sha256
    assert first.weights_sha256 != run_fit(make_plan(spec, **asked)).weights_sha256


def test_bfloat16_trains_to_about_the_same_error() -> None:
    length = Length(epochs=40)
    errors = [
        run_fit(make_plan(make_spec(), length=length, precision=precision)).history[-1]
        for precision in ("float32", "bfloat16")
    ]
    full, half = (record.validation["mse"] for record in errors)
    assert half == pytest.approx(full, rel=0.3)
    assert half != full


def test_precision_and_threads_are_measured_and_said() -> None:
    pace = measure_pace(make_spec(), 2, 4)
    assert pace.precision in ("float32", "bfloat16")
    assert pace.threads in (1, 2)
    assert "ms in float32 on 2 thread(s)" in pace.reason
    assert 0 < estimate_step_seconds(make_spec(), 2, "float32") < 10
