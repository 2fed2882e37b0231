"""Reconstruction, collapse and the verdict on planted failures."""

import numpy as np
import pytest

from latentomics.core import Result
from latentomics.evaluation import Facts, collapse, reconstruction, sample_errors, verdict
from latentomics.evaluation.collapse import participation_ratio


def test_KA_11_1_participation_ratio():
    assert participation_ratio(np.array([10, 4, 1, 0.5, 0.2])) == pytest.approx(2.101543, abs=1e-6)


def test_KA_2_4_active_units_of_a_linear_vae():
    generator = np.random.default_rng(0)
    # section 2's spectrum at sigma2 = 1, beta = 1: two latents with variance 1 - 1 / lambda
    means = generator.normal(size=(4000, 4)) * np.sqrt([0.9, 0.75, 0.0, 0.0])
    kl = np.array([1.1513, 0.6931, 0.0, 0.0])
    found = {r.metric: r.value for r in collapse(means, gaussian=True, kl=kl)}
    assert found["active_latents"] == 2
    assert found["active_share"] == 0.5
    assert found["collapsed_share"] == 0.5
    assert found["kl_nats"] == pytest.approx(1.8444)


def test_a_deterministic_code_has_no_scale_of_its_own():
    codes = np.random.default_rng(0).normal(size=(100, 4)) * 1e-3
    assert {r.metric: r.value for r in collapse(codes, gaussian=False)}["active_share"] == 1
    still = {r.metric: r.value for r in collapse(np.ones((100, 4)), gaussian=False)}
    assert still["active_share"] == 0
    assert still["participation_ratio"] == 0


def test_KA_1_1_masked_error_is_averaged_per_sample_first():
    target = np.zeros((2, 1, 4, 4))
    output = np.ones((2, 1, 4, 4))
    output[1] = 2
    weight = np.zeros((2, 1, 4, 4))
    weight[0, :, 0, 0] = 1
    weight[1] = 1
    np.testing.assert_allclose(sample_errors(target, output, weight), (1, 4))
    output[0, :, 1:] = 77  # outside the mask
    np.testing.assert_allclose(sample_errors(target, output, weight)[0], 1)


def test_reconstruction_records_by_split_with_paired_ratio():
    generator = np.random.default_rng(0)
    base = generator.gamma(4, size=90)
    errors = {"latent": base, "pca": base * 1.1, "mean": base * 5}
    split = ["train"] * 60 + ["test"] * 30
    results = reconstruction(errors, split, np.arange(90), unit="HU")
    test = {(r.features, r.metric): r for r in results if r.settings["split"] == "test"}
    assert test["latent", "mse"].value == pytest.approx(base[60:].mean())
    assert test["latent", "mse"].low < base[60:].mean() < test["latent", "mse"].high
    ratio = test["latent", "mse_ratio_to_pca"]
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1 / 1.1,) * 3)
    assert len(results) == 2 * 5


def record(evaluation, features, metric, value, low=None, high=None, target=None, **settings):
    return Result(
        evaluation=evaluation, features=features, target=target, metric=metric,
        value=value, low=low, high=high, n=50, settings=settings,
    )  # fmt: skip


def good(label="malignant", **changes):
    values = {
        "latent": 0.2,
        "mean": 1.0,
        "pca": 0.25,
        "active": 1.0,
        "auroc": 0.9,
        "low": 0.8,
    } | changes
    return [
        *(
            record("reconstruction", m, "mse", values[m], split="test")
            for m in ("latent", "mean", "pca")
        ),
        record("reconstruction", "latent", "mse", 9.0, split="train"),
        record("collapse", "latent", "active_share", values["active"], latent=16),
        record("probe", "latent+size", "auroc", values["auroc"], values["low"], 0.95, target=label),
        record("probe", "latent+size", "auroc_minus_size", 0.1, 0.05, 0.2, target=label),
        record("site", "latent", "auroc", 0.52, 0.45, 0.6, target="site", p=0.4),
    ]


FACTS = Facts(labels=("malignant",), code_share=0.01)


def statuses(results, facts=FACTS):
    return [s.status for s in verdict(results, [], facts)]


def test_T6_a_good_run_is_called_good():
    assert statuses(good()) == ["ok"] * 5
    first, _, third, fourth, _ = verdict(good(), [], FACTS)
    assert "20.0% less than PCA" in first.sentence
    assert "AUROC 0.900 (0.800 to 0.950)" in third.sentence
    assert "clearly better than size alone (+0.100)" in fourth.sentence


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"latent": 0.995}, 0, "no better than on noise"),
        ({"latent": 0.3}, 0, "20.0% more than PCA"),
        ({"mean": 0.0, "latent": 0.0, "pca": 0.0}, 0, "All pictures are equal"),
        ({"active": 0.05}, 1, "collapsed"),
        ({"auroc": 0.52, "low": 0.4}, 2, "not above chance"),
    ],
)
def test_T6_failures_are_said(changes, place, words):
    found = verdict(good(**changes), [], FACTS)
    assert found[place].status == "fail"
    assert words in found[place].sentence


def test_T6_noise_rebuilt_by_a_wide_code_is_no_achievement():
    facts = Facts(labels=("malignant",), code_share=0.25)
    assert verdict(good(latent=0.75, pca=0.75), [], facts)[0].status == "fail"
    assert verdict(good(latent=0.6, pca=0.75), [], facts)[0].status == "ok"


def test_T6_the_mean_of_few_pictures_is_a_poor_rival_by_one_over_n():
    # E|x - mean of n|^2 = s^2 (1 + 1/n) on new noise, where the true mean leaves s^2
    generator, n = np.random.default_rng(0), 4
    new, seen = generator.normal(size=(400, 500)), generator.normal(size=(400, n, 500))
    error = float(((new - seen.mean(axis=1)) ** 2).mean())
    assert error == pytest.approx(1 + 1 / n, rel=0.01)
    # a code of a tenth of the voxels that rebuilds new noise at best leaves nine tenths of it
    left = record("reconstruction", "latent", "mse", 0.9)
    results = [left, record("reconstruction", "mean", "mse", 1 + 1 / n)]
    known = Facts(labels=(), code_share=0.1, training=n)
    many = Facts(labels=(), code_share=0.1, training=1000)
    assert verdict(results, [], known)[0].status == "fail"
    assert verdict(results, [], many)[0].status == "ok"


def test_T4_a_training_that_stopped_is_said_first():
    found = verdict(good(), [{}], Facts(labels=("malignant",), outcome="stopped: kl became NaN"))
    assert found[0].status == "fail"
    assert "kl became NaN" in found[0].sentence


def test_a_label_that_hangs_on_size_or_site_is_a_warning():
    results = [r for r in good() if "minus" not in r.metric]
    results.append(
        record("probe", "latent+size", "auroc_minus_size", 0.01, -0.01, 0.03, target="malignant")
    )
    results.append(record("probe", "site", "auroc", 0.89, 0.8, 0.95, target="malignant"))
    found = verdict(results, [], FACTS)[3]
    assert found.status == "warn"
    assert "size alone (+0.010)" in found.sentence
    assert "the site alone" in found.sentence


def test_features_that_tell_the_site_are_a_warning():
    results = [r for r in good() if r.evaluation != "site"]
    results.append(record("site", "latent", "auroc", 0.8, 0.7, 0.9, target="site", p=0.005))
    results.append(record("mmd", "latent", "mmd2", 0.1, target="A | B", p=0.001))
    found = verdict(results, [], FACTS)[4]
    assert found.status == "warn"
    assert "tell the site: AUROC 0.800" in found.sentence


def test_a_shift_that_no_probe_tells_is_not_called_telling_the_site():
    results = [r for r in good() if r.evaluation != "site"]
    results.append(record("site", "latent", "auroc", 0.31, 0.2, 0.45, target="site", p=0.9))
    results.append(record("mmd", "latent", "mmd2", 0.1, target="A | B", p=0.04))
    found = verdict(results, [], FACTS)[4]
    assert found.status == "warn"
    assert "differ between sites (MMD between sites: p 0.04)" in found.sentence
    assert "tell the site" not in found.sentence
    results += [record("mmd", "latent", "mmd2", 0.1, target=f"A | {x}", p=0.5) for x in "CD"]
    found = verdict(results, [], FACTS)[4]
    assert "(MMD between sites: smallest p of 3 pairs, times 3: 0.12)" in found.sentence


def test_nothing_known_is_a_warning_and_a_demonstration_shows_no_intervals():
    assert statuses([], Facts()) == ["warn"] * 5
    results = [*good(), record("mmd", "latent", "mmd2", 0.1, target="A | B", p=0.5)]
    shown = verdict(results, [], Facts(labels=("malignant",), demonstration="one brain"))
    assert "(0.8" not in shown[2].sentence
    assert " p " not in shown[4].sentence
    assert "p 0.5" in verdict(results, [], FACTS)[4].sentence


def test_T6_planted_failures_end_to_end():
    """White noise: PCA of 8 of 64 values leaves 7/8 of the error on new pictures."""
    generator = np.random.default_rng(0)
    train, test = generator.normal(size=(400, 64)), generator.normal(size=(200, 64))
    _, _, axes = np.linalg.svd(train - train.mean(0), full_matrices=False)
    centred = test - train.mean(0)
    left = ((centred - centred @ axes[:8].T @ axes[:8]) ** 2).mean(1)
    errors = {"latent": left, "pca": left, "mean": (centred**2).mean(1)}
    results = reconstruction(errors, ["test"] * 200, np.arange(200))
    assert verdict(results, [], Facts(code_share=8 / 64))[0].status == "fail"


def test_the_verdict_says_what_the_code_adds_to_classic_radiomics():
    def said(low):
        gains = [
            record("probe", "latent+size", "auroc_minus_classic", -0.01, -0.03, 0.01, "malignant"),
            record("probe", "latent+classic", "auroc_minus_classic", 0.02, low, 0.03, "malignant"),
        ]
        richest = record("probe", "latent+size", "auroc", 0.9, 0.8, 0.95, "malignant")
        facts = Facts(labels=("malignant",))
        return verdict([*good(), richest, *gains], [], facts)[3].sentence

    assert "no clear gain over classic radiomics (-0.010)" in said(0.01)
    assert "with classic radiomics, clearly more than with that alone (+0.020)" in said(0.01)
    assert "not clearly more than with that alone" in said(-0.01)


def test_the_verdict_names_the_sets_that_it_compares():
    gains = [
        record("probe", "latent+size", f"auroc_minus_{name}+size", -0.1, -0.2, high, "malignant")
        for name, high in (("random", 0.1), ("intensity", -0.05))
    ]
    facts = Facts(labels=("malignant",), untrained=1)
    sentence = verdict([*good(), *gains], [], facts)[3].sentence
    assert sentence.startswith("malignant from latent+size: ")
    assert "no clear gain over one untrained encoder with size (-0.100)" in sentence
    assert "clearly worse than pooled intensities with size (-0.100)" in sentence


def many(outcomes):
    """Records of labels, each with the interval of its difference to size."""
    results = good()
    for label, (low, high) in outcomes.items():
        gain = (low + high) / 2
        results += [
            record("probe", "latent+size", "auroc", 0.9, 0.8, 0.95, target=label),
            record("probe", "latent+size", "auroc_minus_size", gain, low, high, target=label),
        ]
    return results


def test_with_many_labels_what_the_code_adds_is_one_clause():
    outcomes = {"a": (0.01, 0.03), "b": (-0.03, 0.03), "c": (-0.03, 0.03), "d": (-0.03, -0.01)}
    added = [
        record("probe", "latent+classic", "auroc_minus_classic", (low + high) / 2, low, high, label)
        for label, (low, high) in outcomes.items()
    ]
    facts = Facts(labels=tuple(outcomes))
    sentence = verdict([*many(outcomes), *added], [], facts)[3].sentence
    assert (
        "with classic radiomics than with that alone: clearly more on a (+0.020), clearly less on "
        "d (-0.020), not clearly more on 2 label(s)"
    ) in sentence


def test_a_baseline_that_is_clearly_better_is_called_so():
    results = [one for one in good() if one.metric != "auroc_minus_size"]
    results.append(
        record("probe", "latent+size", "auroc_minus_size", -0.1, -0.2, -0.05, target="malignant")
    )
    fourth = verdict(results, [], FACTS)[3]
    assert fourth.status == "warn"
    assert "clearly worse than size alone (-0.100)" in fourth.sentence


def test_many_labels_are_compared_by_baseline_and_without_intervals():
    outcomes = {"a": (0.1, 0.3), "b": (-0.1, 0.1), "c": (-0.3, -0.1)}
    _, _, third, fourth, _ = verdict(many(outcomes), [], Facts(labels=tuple(outcomes)))
    assert third.sentence == (
        "On held-out patients latent+size tells a with AUROC 0.900, b with AUROC 0.900 and "
        "c with AUROC 0.900."
    )
    assert fourth.sentence == (
        "Against size alone: clearly better on a (+0.200) and clearly worse on c (-0.200)."
    )
    every = dict.fromkeys("abc", (0.1, 0.3))
    assert verdict(many(every), [], Facts(labels=tuple(every)))[3].status == "ok"
    assert "on all 3 labels" in verdict(many(every), [], Facts(labels=tuple(every)))[3].sentence


def test_an_error_far_above_that_of_components_is_said_in_times():
    results = [one for one in good() if (one.evaluation, one.features) != ("reconstruction", "pca")]
    results.append(record("reconstruction", "pca", "mse", 0.004, 0.003, 0.005))
    assert "times what PCA of the same size leaves" in verdict(results, [], FACTS)[0].sentence
