"""Curation of columns whose faults are known."""

import numpy as np
import pytest

from latentomics.evaluation import Again, Training, curate_columns, curation_records

N = 60
NAMES = ("good", "constant", "gap", "shaky", "copy", "twin", "scanner")


def training(**changed):
    rng = np.random.default_rng(0)
    good, noise = rng.normal(size=N), rng.normal(size=(3, N))
    sites = np.arange(N) % 2
    values = np.stack(
        [
            good,
            np.full(N, 5.0),
            np.where(np.arange(N) == 3, np.nan, noise[0]),
            noise[1],
            good + 0.05 * noise[0],  # of the three that are alike it lies in the middle
            good + 0.05 * noise[0] + 0.05 * noise[1],
            noise[2] + 3 * sites,
        ],
        axis=1,
    )
    subjects = rng.normal(size=(12, 1))
    again = {name: subjects + 0.05 * rng.normal(size=(12, 4)) for name in NAMES if name != "twin"}
    again["shaky"] = rng.normal(size=(12, 4))
    made = {
        "names": NAMES,
        "groups": ("latent",) * 5 + ("pooled",) * 2,
        "values": values,
        "least_variance": np.zeros(len(NAMES)),
        "sites": tuple("AB"[site] for site in sites),
        "patients": np.arange(N),
        "again": Again(values=again, cases=12),
    }
    return Training(**(made | changed))


def left_out(found):
    return {
        step.name: [found.names[column] for column in np.flatnonzero(step.before & ~step.kept)]
        for step in found.steps
    }


def test_METHODS_26_every_step_takes_the_column_that_was_made_for_it():
    found = curate_columns(training())
    assert left_out(found) == {
        "variance": ["constant", "gap"],
        "stability": ["shaky"],  # twin was not measured again, and is not judged
        "redundancy": ["good", "twin"],
        "shift": ["scanner"],
    }
    assert found.kept == ("copy",)
    redundancy = found.steps[2]
    assert (redundancy.instead[0], redundancy.instead[5]) == ("copy", "copy")


def test_the_limit_of_a_column_is_that_of_shrout_and_fleiss():
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    again = Again(values={"good": np.array(ratings, np.float64)}, cases=6)
    stability = curate_columns(training(again=again)).steps[1]
    assert stability.figure[0] == pytest.approx(0.018787, abs=1e-6)  # KA-26.1
    assert not stability.kept[0]
    assert curate_columns(training(again=again), lowest_icc=0.0).steps[1].kept[0]


def test_a_cohort_without_faults_keeps_every_column():
    rng = np.random.default_rng(1)
    sound = training(values=rng.normal(size=(N, len(NAMES))), again=None)
    found = curate_columns(sound)
    assert found.kept == NAMES
    assert "measured again" in found.steps[1].skipped


def test_latents_of_a_gaussian_code_that_are_not_in_use_go():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(N, len(NAMES))) * np.where(np.arange(len(NAMES)) == 2, 0.05, 1.0)
    unused = training(values=values, least_variance=np.full(len(NAMES), 0.01), again=None)
    assert left_out(curate_columns(unused))["variance"] == ["gap"]


def test_steps_can_be_left_out_and_records_say_so():
    asked = training()
    found = curate_columns(asked, without=("shift", "redundancy"))
    assert found.kept == ("good", "copy", "twin", "scanner")
    records = curation_records(found, asked)
    assert [(one.target, one.value) for one in records] == [
        (None, 7),
        ("variance", 5),
        ("stability", 4),
        ("redundancy", 4),
        ("shift", 4),
    ]
    assert {one.evaluation for one in records} == {"curation"}
    assert records[-1].settings["skipped"] == "it was not asked for"
    assert records[1].settings["by_group"] == {"latent": 3, "pooled": 2}
    assert records[2].settings["by_feature"]["names"] == ["shaky"]


def test_without_two_sites_nothing_is_said_to_differ():
    alone = curate_columns(training(sites=(None,) * N))
    assert "no two sites" in alone.steps[-1].skipped
    assert "scanner" in alone.kept


def test_nothing_left_is_an_empty_table():
    flat = curate_columns(training(values=np.ones((N, len(NAMES))), again=None))
    assert flat.kept == ()
