"""Settings of methods, and what is refused before training."""

from collections.abc import Mapping

import pytest
from methods_suite import NOISE, plan_for, spec_for

from latentomics.core import RequestError
from latentomics.methods import METHODS, method_of
from latentomics.planning import Noise


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("beta-vae", {"beta": 6.0}, {"kl": 6.0}),
        ("vae", {"beta": 0.5}, {"kl": 0.5}),
        (
            "beta-tcvae",
            {"alpha": 0.0, "beta": 4.0, "gamma": 2.0},  # NLL + a MI + b TC + c dimKL
            {"kl": 2.0, "total_correlation": 2.0, "mutual_information": -2.0},
        ),
        ("annealed-vae", {"beta": 2.0}, {"kl": 2.0, "free_bits": 2.0}),
        ("info-vae", {"alpha": 0.5}, {"kl": 0.5, "mmd": 999.5}),
        ("info-vae", {"lambda": 3.0, "alpha": 1.0}, {"kl": 0.0, "mmd": 3.0}),
        ("dip-vae", {"kind": "II"}, {"kl": 1.0, "off_diagonal": 10.0, "diagonal": 10.0}),
        (
            "dip-vae",
            {"diagonal": 7.0, "kind": "II"},
            {"kl": 1.0, "off_diagonal": 10.0, "diagonal": 7.0},
        ),
        ("wae-mmd", {"lambda": 4.0}, {"mmd": 4.0}),
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
        ("vae", {"settings": {"likelihood": "bernoulli"}}, "robust-z, which leave"),
        (
            "autoencoder",
            {"settings": {"likelihood": "bernoulli"}, "normalisation": "hu-window"},
            "hu-window, which leave",
        ),
        (
            "vae",
            {
                "settings": {"likelihood": "bernoulli"},
                "normalisation": "percentile",
                "network": spec_for(METHODS["vae"], (9, 14, 11)),
            },
            "output is mean",
        ),
        ("balanced-vae", {"settings": {"likelihood": "gaussian"}}, "no setting"),
        ("balanced-vae", {"settings": {"rule": "highest"}}, "none of its words"),
        ("control-vae", {"settings": {"beta": 2.0}}, "no setting 'beta'"),
        ("probabilistic-pca", {"settings": {"beta": 2.0}}, "no setting 'beta'"),
        ("info-vae", {"settings": {"alpha": 2.0}}, "rewards it"),
        ("iwae", {"settings": {"draws": 0.0}}, "draws 0, which is no whole number"),
        ("iwae", {"settings": {"draws": 2.5}}, "draws 2.5, which is no whole number"),
        ("contractive", {"settings": {"probes": 0.5}}, "probes 0.5, which is no whole number"),
        ("control-vae", {"settings": {"smoothing": 1.0}}, "smoothing 1, which forgets nothing"),
        ("control-vae", {"settings": {"beta_min": 2.0}}, "beta_min 2 above beta_max 1"),
        ("wae-mmd", {"settings": {"code": "map"}}, "no setting 'code'"),
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


def test_a_plan_shows_the_weight_of_the_kl_in_both_units() -> None:
    from latentomics.flow.decide import _weighed

    reason = _weighed(plan_for("beta-vae", settings={"beta": 6.0})).method.reason
    assert reason == "test; beta 6, beta_norm 0.0173"  # 6 * 4 latents / (9 * 14 * 11) values
    reason = _weighed(plan_for("annealed-vae", settings={"beta": 3.0})).method.reason
    assert "beta 3, beta_norm" in reason
    for name in ("control-vae", "beta-tcvae", "autoencoder"):  # no such weight, or another beta
        assert "beta_norm" not in _weighed(plan_for(name)).method.reason


def test_KA_9_3_the_usual_rules_are_those_that_hold_with_noise() -> None:
    assert METHODS["balanced-vae"].all_options()["rule"] == "average"
    assert METHODS["beta-tcvae"].all_options()["estimator"] == "stratified"
