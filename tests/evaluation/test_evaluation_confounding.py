"""Whether a label hangs on more than the picture: yes on planted cohorts, no on null ones."""

from dataclasses import dataclass

import numpy as np
import pytest

from latentomics.core import DoubleArray
from latentomics.evaluation import Part, confounding, label_by_site, site_columns


@dataclass(frozen=True)
class Answer:
    values: tuple
    name: str = "malignant"
    kind: str = "binary"
    positive: str | None = None


def cohort(seed=100, n=300):
    draws = np.random.default_rng(seed)
    site = draws.choice(["A", "B"], n)
    size = draws.normal(size=n)
    return draws, site, size


def found(answer, latent, known, n=300):
    rows = np.arange(n)
    part = Part(train=rows[: n // 2], test=rows[n // 2 :], blocks={"latent": [latent]})
    results = confounding(answer, [part], known, rows, draws=300)
    return {(result.features, result.metric): result for result in results}


def known(site, size) -> dict[str, DoubleArray]:
    return {"site": site_columns(site.tolist()), "size": size[:, None]}


def test_a_label_that_is_the_site_is_told_by_it_and_the_latent_adds_nothing():
    draws, site, size = cohort()
    by_set = found(Answer(tuple((site == "B").astype(float))), draws.normal(size=(300, 4)),
                   known(site, size))  # fmt: skip
    assert by_set["site", "auroc"].value == 1
    assert by_set["size", "auroc"].low < 0.5 < by_set["size", "auroc"].high
    assert by_set["latent+known", "auroc_minus_known"].high <= 0


def test_what_the_latent_adds_beyond_all_that_is_known():
    draws, site, size = cohort()
    hidden = draws.normal(size=300)
    label = size + hidden > 0
    by_set = found(Answer(tuple(label.astype(float))), hidden[:, None] + 0.1, known(site, size))
    assert by_set["size", "auroc"].low > 0.6
    assert by_set["latent+known", "auroc_minus_known"].low > 0.05
    assert by_set["latent+known", "auroc"].value > 0.95


def test_a_label_of_noise_hangs_on_nothing():
    draws, site, size = cohort(101)
    label = draws.normal(size=300) > 0
    by_set = found(Answer(tuple(label.astype(float))), draws.normal(size=(300, 4)),
                   known(site, size))  # fmt: skip
    for name in ("site", "size", "known", "latent+known"):
        assert by_set[name, "auroc"].low < 0.5
    (share,) = label_by_site(Answer(tuple(label.astype(float))), site.tolist(), np.arange(300))
    assert share.settings["p"] > 0.05


def test_gaps_are_filled_from_training_rows_and_a_mostly_unknown_one_is_left_out():
    draws, _, size = cohort()
    age, sex = draws.normal(60, 10, 300), draws.normal(size=300)
    age[::7], sex[:200] = np.nan, np.nan
    label = Answer(tuple((np.nan_to_num(age, nan=60) > 60).astype(float)))
    latent = draws.normal(size=(300, 2))
    given = {"age": age[:, None], "sex": sex[:, None], "size": size[:, None]}
    by_set = found(label, latent, given)
    assert by_set["age", "auroc"].value > 0.9
    assert ("sex", "auroc") not in by_set
    assert by_set["age", "auroc"].settings["left_out"] == ["sex"]
    changed = age.copy()
    changed[150:][np.isfinite(age[150:])] = -1e6  # test ages never reach what fills the gaps
    again = found(label, latent, {"age": changed[:, None]})
    assert (
        again["age", "auroc"].settings["penalty_c"] == by_set["age", "auroc"].settings["penalty_c"]
    )


def test_prevalence_by_site_is_a_share_of_variance():
    site = ["A"] * 100 + ["B"] * 100
    label = Answer(tuple([1.0] * 80 + [0.0] * 20 + [1.0] * 20 + [0.0] * 80))
    (share,) = label_by_site(label, site, np.arange(200))
    # between 0.3^2 of a whole variance of 0.25, adjusted for two sites
    assert share.value == pytest.approx(1 - (1 - 0.36) * 199 / 198)
    assert share.settings["mean_by_site"] == {"A": [0.8], "B": [0.2]}
    assert share.settings["p"] == pytest.approx(0.001)


def test_false_alarms_of_prevalence_keep_their_level_with_patients_of_several_images():
    alarms = 0
    for number in range(200):
        draws = np.random.default_rng(number)
        who = np.repeat(np.arange(40), 6)
        label = (draws.normal(size=40) > 0).astype(float)[who]
        site = draws.choice(["A", "B"], 40)
        found = label_by_site(Answer(tuple(label)), site[who].tolist(), who, permutations=99)
        alarms += bool(found) and found[0].settings["p"] <= 0.05
    assert 2 <= alarms <= 18  # 10 expected


def test_one_site_or_nothing_known_gives_no_record():
    label = Answer(tuple([0.0, 1.0] * 50))
    assert label_by_site(label, ["A"] * 100, np.arange(100)) == []
    assert found(label, np.zeros((100, 1)), {}, n=100) == {}
