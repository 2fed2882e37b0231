"""Sentences of the first page that follow the verdict: yes on the one cohort, no on the other."""

import numpy as np

from latentomics.evaluation import cautions, ks, site_variance, stability


def measured_again(error, features="latent", columns=12):
    draws = np.random.default_rng(0)
    values = draws.normal(size=(30, 1, columns)) + error * draws.normal(size=(30, 4, columns))
    names = [f"{features}_{j}" for j in range(columns)]
    return stability(features, names, values, np.arange(30), target="chained", detail=True)


def test_features_that_repeat_are_said_to_and_others_are_not():
    (good,) = cautions([*measured_again(0.1), *measured_again(0.3, "intensity")])
    assert good.status == "ok"
    assert "100% of the learned features repeat well" in good.sentence
    assert "of pooled intensities" in good.sentence
    (weak,) = cautions(measured_again(0.7))
    assert weak.status == "warn"
    (bad,) = cautions(measured_again(3.0))
    assert bad.status == "fail"
    assert "not about the case" in bad.sentence


def test_a_code_that_never_varies_does_not_repeat():
    found = stability("latent", ["a"], np.ones((20, 3, 1)), np.arange(20), target="chained",
                      detail=True)  # fmt: skip
    (said,) = cautions(found)
    assert said.status == "fail"


def test_nothing_is_said_of_what_was_not_looked_into():
    assert cautions([]) == ()


def sites(shift):
    draws = np.random.default_rng(1)
    where = ["A", "B"] * 30
    features = draws.normal(size=(60, 6)) + shift * (np.arange(60) % 2)[:, None]
    arguments = ([f"latent_{j}" for j in range(6)], features, where, np.arange(60))
    return [*ks("latent", *arguments), *site_variance("latent", *arguments)]


def test_a_shift_between_sites_is_said_and_none_is_not():
    (said,) = cautions(sites(2.0))
    assert said.status == "warn"
    assert "100% of the features differ" in said.sentence
    assert cautions(sites(0.0)) == ()
