"""Sparse, contractive, masked, transforming, quantised and basis methods, and their variants."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from methods_suite import IDS, NOISE, SIZES, VARIANTS, plan_for, run, store_for

from latentomics.core import Capsules, Interrupted, NetworkSpec, Quantised, RequestError
from latentomics.features import encode_store
from latentomics.methods import METHODS, method_named, method_of, setting_names
from latentomics.models import build_network, centre, parameter_counts
from latentomics.planning import Noise, Plan
from latentomics.training import Progress
from latentomics.training.fit import make_task
from latentomics.training.task import AutoencoderTask

DOMAINS = np.array([0, 1, 1, 0, 2, -1, 0, 1, 2, 0])


def task_of(plan: Plan, **settings: object) -> AutoencoderTask:
    network = build_network(plan.network.value, 0)
    stores = store_for(plan), store_for(plan, 6, 2)
    return make_task(plan, method_of(plan), network, *stores, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "settings", "changes"), VARIANTS, ids=IDS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_variant_reaches_every_parameter(
    name: str, settings: dict[str, float | str], changes: dict[str, object], dimension: int
) -> None:
    task = task_of(
        plan_for(name, size=SIZES[dimension], settings=settings, **changes), domains=DOMAINS
    )
    loss, terms = task.training(3)
    assert all(torch.isfinite(term).all() for term in (loss, *terms.values()))
    loss.mean().backward()
    without = [n for n, p in task.network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize(("name", "settings", "changes"), VARIANTS, ids=IDS)
def test_T1_a_variant_resumes_exactly(
    name: str,
    settings: dict[str, float | str],
    changes: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("latentomics.training.desk.SHOW_S", 0.0)
    plan = plan_for(name, size=SIZES[2], settings=settings, **changes)
    whole = run(plan, domains=DOMAINS)

    def stop(progress: Progress) -> None:
        if progress.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        run(plan, tmp_path, on_progress=stop, domains=DOMAINS)
    resumed = run(plan, tmp_path, resume=True, domains=DOMAINS)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.history[-1].train == whole.history[-1].train
    encoded = encode_store(resumed.network, plan, store_for(plan))  # type: ignore[arg-type]
    assert np.isfinite(encoded.latent.values).all()


@pytest.mark.parametrize(
    "name", [name for name in METHODS if "convolutional" in METHODS[name].kinds]
)
def test_a_method_trains_on_another_backbone(name: str) -> None:
    if "dense" in METHODS[name].kinds:
        plan = plan_for(name, size=SIZES[2], kind="dense")
        assert run(plan).outcome == "finished"


class TestMasked:
    def test_KA_13_1_what_is_seen_gets_no_gradient(self) -> None:
        task = task_of(plan_for("masked", size=SIZES[2]))
        outputs, patterns = [], []
        decode, encode_seen = task.network.decode, task.network.encode_seen

        def spy(code: torch.Tensor) -> torch.Tensor:
            outputs.append(decode(code))
            outputs[-1].retain_grad()
            return outputs[-1]

        def see(values: torch.Tensor, seen: torch.Tensor) -> object:
            patterns.append(seen)
            return encode_seen(values, seen)

        task.network.decode, task.network.encode_seen = spy, see  # type: ignore[method-assign,assignment]
        loss, _ = task.training(0)
        loss.sum().backward()
        hidden = task.network.voxels(1 - patterns[0]) > 0  # type: ignore[operator]
        assert not outputs[0].grad[~hidden].any()
        assert outputs[0].grad[hidden].all()
        share = float((patterns[0] == 0).float().mean())
        assert share == pytest.approx(0.75, abs=0.02)

    def test_volumes_hide_more(self) -> None:
        assert method_of(plan_for("masked", size=SIZES[3])).all_options()["hidden"] == 0.85
        assert method_of(plan_for("masked", size=SIZES[2])).all_options()["hidden"] == 0.75
        asked = plan_for("masked", size=SIZES[3], settings={"hidden": 0.5})
        assert method_of(asked).all_options()["hidden"] == 0.5

    def test_every_step_hides_other_blocks_and_validation_the_same(self) -> None:
        task = task_of(plan_for("masked", size=SIZES[2]))
        with torch.no_grad():
            first, again, later = (task.training(step)[0] for step in (0, 0, 2))
            assert torch.equal(first, again)
            assert not torch.equal(first, later)
            assert task.validation() == task.validation()


class TestTransforming:
    def test_KA_13_2_without_a_shift_it_is_a_plain_autoencoder(self) -> None:
        task = task_of(plan_for("transforming", size=SIZES[2], shift=0))
        _, terms = task.training(0)
        batch = task.feed.training(0)
        with torch.no_grad():
            output = task.network.rebuild(batch.values)
        wanted = (output - batch.values).square().flatten(1).mean(1)
        torch.testing.assert_close(terms["mse"], wanted)

    def test_KA_13_2_the_target_is_shifted_as_the_poses_are(self) -> None:
        task = task_of(plan_for("transforming", size=SIZES[2], shift=3))
        codes, drawn = [], []
        encode, decode = task.network.encode, task.network.decode
        task.network.encode = lambda v: codes.append(encode(v)) or codes[-1]  # type: ignore[method-assign,func-returns-value,assignment]
        task.network.decode = lambda c: drawn.append(c) or decode(c)  # type: ignore[method-assign,func-returns-value,assignment]
        batch = task.feed.training(5)
        view = task._view(batch, batch.values, task.feed.share("", 5, 4))
        code = codes[0]
        assert isinstance(code, Capsules)
        count = code.presence.shape[1]
        moved = drawn[0][:, count:].reshape_as(code.pose) - code.pose
        torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-5, rtol=0)
        assert moved.abs().max() > 0.5
        for row, shift in enumerate(moved[:, 0].round().int().tolist()):
            source = batch.values[row, 0]
            target = view.target[row, 0]
            inner = tuple(slice(3, -3) for _ in range(2))
            rolled = source.roll(shift, (0, 1))
            torch.testing.assert_close(target[inner], rolled[inner])


class TestQuantised:
    def test_training_moves_the_entries_and_reports_their_use(self) -> None:
        plan = plan_for("vq-vae", size=SIZES[2], length={"steps": 8})
        fitted = run(plan)
        entries = fitted.network.quantiser.entries  # type: ignore[union-attr]
        start = build_network(plan.network.value, 0).quantiser.entries  # type: ignore[union-attr]
        assert not torch.equal(entries, start)
        last = fitted.history[-1].validation
        assert 1 <= last["perplexity"] <= plan.network.value.codebook
        assert 0 <= last["dead_entries"] < plan.network.value.codebook

    def test_the_code_is_made_of_entries(self) -> None:
        plan = plan_for("vq-vae", size=SIZES[2])
        fitted = run(plan)
        values = store_for(plan).batch(np.arange(3), None).values
        code = fitted.network.encode(values)  # type: ignore[operator]
        assert isinstance(code, Quantised)
        entries = fitted.network.quantiser.entries  # type: ignore[union-attr]
        assert torch.equal(code.z.detach(), entries[code.index].movedim(-1, 1))


def test_KA_4_1_the_deep_autoencoder_has_the_published_size() -> None:
    method = METHODS["deep"]
    assert (method.latent, method.network["widths"]) == (30, (1000, 500, 250))
    spec = NetworkSpec(
        kind="dense", dimension=2, size=(28, 28), channels_in=1, channels_out=1, latent=30,
        code="point", **method.network,  # type: ignore[arg-type]
    )  # fmt: skip
    assert parameter_counts(spec).network == 2_837_314


def test_contractive_codes_move_less_than_without_the_term() -> None:
    """The property that the method claims (METHODS 29), on the training samples."""
    norms = []
    for weight in (0.0, 1.0):
        plan = plan_for(
            "contractive", size=SIZES[2], settings={"contraction": weight}, length={"steps": 40}
        )
        fitted = run(plan)
        norms.append(fitted.history[-1].validation["contraction"])
    assert norms[1] < 0.5 * norms[0]


@pytest.mark.parametrize(
    ("settings", "share"), [({"kind": "kl"}, 0.3), ({"kind": "top-k", "active": 1.0}, 0.26)]
)
def test_sparse_codes_have_few_active_units(settings: dict[str, float | str], share: float) -> None:
    plan = plan_for("sparse", size=SIZES[2], settings=settings, length={"steps": 150})
    fitted = run(plan)
    code = fitted.network.encode(store_for(plan).batch(np.arange(10), None).values)  # type: ignore[operator]
    assert float((centre(code) > 0.25).float().mean()) < share


class TestSettings:
    def test_a_variant_brings_its_parts(self) -> None:
        assert method_named("sparse", {}).penalties == {"sparsity": 0.003}
        assert method_named("sparse", {"kind": "kl", "rho": 0.1}).all_options()["rho"] == 0.1
        top = method_named("sparse", {"kind": "top-k", "active": 5.0})
        assert (top.code, top.penalties, top.network["active"]) == ("top-k", {}, 5)
        assert method_named("sparse", {"kind": "l1", "l1": 0.5}).penalties == {"l1": 0.5}
        strict = method_named("basis-vae", {"kind": "strict"})
        assert strict.penalties == {"kl": 1.0}
        assert strict.network["orthonormal"] is True

    def test_their_names_are_listed(self) -> None:
        assert {"kind", "sparsity", "rho", "noise"} <= set(setting_names(METHODS["sparse"]))
        assert "active" in setting_names(method_named("sparse", {"kind": "top-k"}))
        assert {"hidden"} <= set(setting_names(METHODS["masked"]))
        assert {"codebook", "commitment"} <= set(setting_names(METHODS["vq-vae"]))
        assert "widths" not in setting_names(METHODS["deep"])

    def test_only_what_learns_against_the_site_is_told_it(self) -> None:
        assert [name for name in METHODS if METHODS[name].uses] == []
        for word, uses in (("nothing", ()), ("mmd", ("site",)), ("adversary", ("site",))):
            assert method_named("invariant", {"against_site": word}).uses == uses
        seen = []
        for word in ("nothing", "mmd"):
            plan = plan_for("invariant", size=SIZES[2], settings={"against_site": word})
            task = task_of(plan, domains=DOMAINS)
            seen.append(task._domain(0, task.feed.share("", 0, 4)))
        assert seen[0] is None
        assert seen[1] is not None

    @pytest.mark.parametrize(
        ("name", "changes", "words"),
        [
            ("sparse", {"settings": {"kind": "l2"}}, "use kl or l1 or top-k"),
            ("sparse", {"settings": {"l1": 1.0}}, "no setting 'l1'"),
            ("sparse", {"settings": {"kind": "top-k", "active": 0.5}}, "whole number"),
            ("sparse", {"settings": {"kind": "top-k", "active": True}}, "whole number"),
            ("masked", {"settings": {"hidden": 1.0}}, "hidden 1, which is no share"),
            ("sparse", {"settings": {"rho": 2.0}}, "rho 2, which is no share"),
            ("masked", {"view": "local"}, "differ in size"),
            ("vq-vae", {"settings": {"codebook": "many"}}, "whole number"),
            ("transforming", {"size": SIZES[1]}, "1 dimensions"),
            ("recurrent-vae", {"size": SIZES[2]}, "2 dimensions"),
            ("invariant", {"uses": ("site",)}, "uses site beside pictures"),
            ("denoising", {"settings": {"noise": "masking"}}, "where masking was asked"),
            (
                "denoising",
                {
                    "normalisation": "hu-window",
                    "noise": Noise(model="poisson", sigma=0.01, unit="1 / sqrt(photons)"),
                },
                "before a scanner",
            ),
            (
                "denoising",
                {"noise": Noise(model="coarse", sigma=1.5, unit="probability")},
                "probability 1.5",
            ),
            ("denoising", {"noise": NOISE.model_copy(update={"options": {"b": 1.0}})}, "has b"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_a_sentence(
        self, name: str, changes: dict[str, object], words: str
    ) -> None:
        with pytest.raises(RequestError, match=words):
            method_of(plan_for(name, **{"size": SIZES[2], **changes}))  # type: ignore[arg-type]

    def test_a_network_that_was_edited_away_from_its_method_is_refused(self) -> None:
        plan = plan_for("sparse", size=SIZES[2], settings={"kind": "top-k", "active": 2.0})
        spec = build_spec(plan, active=3)
        with pytest.raises(RequestError, match="active is 3"):
            method_of(plan.model_copy(update={"network": spec}))
        plan = plan_for("sparse", size=SIZES[2], settings={"kind": "l1"})
        with pytest.raises(RequestError, match="unit_columns is False"):
            method_of(plan.model_copy(update={"network": build_spec(plan, unit_columns=False)}))


def build_spec(plan: Plan, **changes: object) -> object:
    return plan.network.model_copy(update={"value": replace(plan.network.value, **changes)})  # type: ignore[arg-type]
