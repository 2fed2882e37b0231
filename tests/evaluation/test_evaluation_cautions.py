"""Sentences of the first page that follow the verdict: yes on the one cohort, no on the other."""

import re
from dataclasses import replace

import numpy as np

from latentomics.core import Result
from latentomics.evaluation import Facts, cautions, ks, site_variance, stability, structure


def measured_again(error, features="latent", columns=12):
    draws = np.random.default_rng(0)
    values = draws.normal(size=(30, 1, columns)) + error * draws.normal(size=(30, 4, columns))
    names = [f"{features}_{j}" for j in range(columns)]
    return stability(features, names, values, np.arange(30), target="chained", detail=True)


def test_features_that_repeat_are_said_to_and_others_are_not():
    (good,) = cautions([*measured_again(0.1), *measured_again(0.3, "intensity")])
    assert good.status == "ok"
    assert "In 30 test cases measured again" in good.sentence
    assert "100% of the learned features repeat well" in good.sentence
    assert re.search(r"median ICC 0\.9\d, 0\.9\d to 0\.9\d\)", good.sentence)
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


def test_features_that_were_not_measured_again_are_an_open_point():
    (left_out,) = cautions([], Facts(remeasured=False))
    assert left_out.status == "warn"
    assert "Whether the features repeat is unknown: the plan's effort" in left_out.sentence
    (few,) = cautions([], Facts(remeasured=True))
    assert few.status == "warn"
    assert "fewer than five test cases" in few.sentence


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


def test_a_small_share_of_the_site_is_said_with_what_makes_it_clear():
    share = Result(evaluation="site_variance", features="latent", target="site", low=-0.006,
                   metric="variance_share_mean", value=0.0138, high=0.0426, n=135,
                   settings={"p": 0.018})  # fmt: skip
    shifted = replace(share, evaluation="ks", metric="share_shifted", value=0.0)
    (said,) = cautions([share, shifted])
    assert "explains 1.4% of" in said.sentence
    assert "(-0.6% to 4.3%, p 0.018)" in said.sentence
    (said,) = cautions([share, shifted], Facts(demonstration="one brain"))
    assert "0.018" not in said.sentence


def told(features, value, metric="auroc", **settings):
    low, high = (None, None) if settings else (value - 0.05, value + 0.05)
    return Result(evaluation="confounding", features=features, target="malignant", metric=metric,
                  value=value, low=low, high=high, n=90, settings=settings)  # fmt: skip


FACTS = Facts(labels=("malignant",))


def test_a_label_that_is_the_size_is_said_and_whether_the_features_add():
    size, site = told("size", 0.9), told("site", 0.51)
    (said,) = cautions([size, site, told("latent+known", 0.01, "auroc_minus_known")], FACTS)
    assert said.status == "warn"
    assert "without a look, from size (AUROC 0.900); the features add nothing" in said.sentence
    (said,) = cautions([size, site, told("latent+known", 0.08, "auroc_minus_known")], FACTS)
    assert said.status == "ok"
    assert (
        "the features add to all that is known (difference in AUROC +0.080, +0.030 to +0.130)"
        in said.sentence
    )


def test_a_label_of_noise_hangs_on_nothing():
    (said,) = cautions([told("size", 0.52), told("site", 0.5)], FACTS)
    assert said.status == "ok"
    assert said.sentence == "malignant cannot be told from size or site alone."


def test_prevalence_that_differs_between_sites_is_said_with_its_figures():
    means = {"GE": [0.31], "Philips": [0.62], "Siemens": [0.4]}
    (said,) = cautions([told("site", 0.1, "variance_share", p=0.001, mean_by_site=means)], FACTS)
    assert said.status == "warn"
    assert "31% at GE, 62% at Philips (p 0.001)" in said.sentence
    assert not cautions([told("site", 0.0, "variance_share", p=0.4, mean_by_site=means)], FACTS)


def test_a_demonstration_shows_neither_intervals_nor_p():
    shown = Facts(labels=("malignant",), demonstration="one brain")
    results = [told("size", 0.9), told("latent+known", 0.08, "auroc_minus_known"),
               told("site", 0.1, "variance_share", p=0.001, mean_by_site={})]  # fmt: skip
    (said,) = cautions(results, shown)
    assert "(p" not in said.sentence
    assert "+0.030" not in said.sentence


def test_a_code_that_repeats_itself_is_said_and_one_that_does_not_is_not():
    codes = np.random.default_rng(0).normal(size=(60, 8))
    assert cautions(structure("latent", codes)) == ()
    (said,) = cautions(structure("latent", np.repeat(codes[:, :2], 4, axis=1)))
    assert said.status == "warn"
    assert "Only 2 of 8" in said.sentence
