"""Several methods with several seeds on one cohort."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from flow_cohort import write_cohort

import latentomics
from latentomics import flow
from latentomics.core import RequestError, Result
from latentomics.flow.comparing import Ended
from latentomics.flow.folder import read_results, write_results
from latentomics.flow.standings import Ranking, _table, ranking_of
from latentomics.planning import Request
from latentomics.report import MethodFigure, draw_methods

SEEDS = (0, 1, 2)


def ended(seed: int) -> Ended:
    cases = tuple(f"c{number}" for number in range(10))
    split = {case: "test" if number % 5 == seed else "train" for number, case in enumerate(cases)}
    return Ended(
        name="",
        results=(),
        cases=cases,
        patients=cases,
        split=split,
        labels=(),
        latent=np.zeros((10, 1)),
        request=Request(seed=seed),
    )


def figure(method: str, seed: int, key: tuple[str, str | None, str], value: float) -> MethodFigure:
    evaluation, target, part = key
    return MethodFigure(
        method=method, seed=seed, evaluation=evaluation, target=target, metric="auroc",
        part=part, value=value, low=None, high=None, n=9,
    )  # fmt: skip


def ranked(scores: dict[str, tuple[list[float], list[float], float]]) -> Ranking:
    """Rank methods by scores of a choice, of test patients, and a median ICC."""
    figures = []
    for method, (choice, test, icc) in scores.items():
        for seed in SEEDS:
            of_choice = ("probe", "ill", "training and validation")
            figures.append(figure(method, seed, of_choice, choice[seed]))
            figures.append(figure(method, seed, ("probe", "ill", "test"), test[seed]))
            figures.append(figure(method, seed, ("stability", "chained", "test"), icc))
    runs = {(method, seed): ended(seed) for method in scores for seed in SEEDS}
    return ranking_of(figures, tuple(scores), SEEDS, runs)


def test_L4_the_winner_is_not_the_one_that_is_best_on_test_patients() -> None:
    lucky, chosen = [0.9, 0.91, 0.92], [0.80, 0.81, 0.82]
    poor = [0.5, 0.5, 0.5]
    found = ranked(
        {"lucky": (chosen, lucky, 0.5), "sound": (lucky, chosen, 0.9), "poor": (poor, poor, 0.7)}
    )
    assert [one.method for one in found.standings] == ["sound", "lucky", "poor"]
    assert found.labels == ("ill",)
    assert found.standings[1].behind.mean == pytest.approx(-0.1)
    assert "no more than seeds give" in found.sentences[1]
    assert found.agreement == pytest.approx(-0.5)  # sound, poor, lucky by stability


def test_a_lead_beyond_the_spread_of_seeds_is_said_and_one_within_it_is_not() -> None:
    worse = [0.60, 0.61, 0.59]
    clear = ranked({"a": ([0.9] * 3, [0.9, 0.91, 0.9], 0.5), "b": ([0.6] * 3, worse, 0.5)})
    assert clear.sentences[1].endswith("(+0.284 to +0.322, 3 seeds): more than seeds give.")
    noisy = ranked({"a": ([0.9] * 3, [0.9, 0.5, 0.7], 0.5), "b": ([0.6] * 3, worse, 0.5)})
    assert noisy.sentences[1].endswith("no more than seeds give.")


def test_a_label_that_some_run_could_not_probe_decides_nothing() -> None:
    figures = [
        figure(method, seed, ("reconstruction", None, part), value)
        for method, value in (("a", 0.5), ("b", 0.4))
        for seed in SEEDS
        for part in ("val", "test")
    ]
    figures.append(figure("a", 0, ("probe", "ill", "test"), 1.0))
    runs = {(method, seed): ended(seed) for method in "ab" for seed in SEEDS}
    found = ranking_of(figures, ("a", "b"), SEEDS, runs)
    assert found.labels == ()
    assert [one.method for one in found.standings] == ["b", "a"]
    assert found.standings[0].without_labels == pytest.approx({"reconstruction": 0.4})
    assert draw_methods(figures).startswith(b"<?xml")


def test_a_value_that_a_run_could_not_give_decides_nothing(tmp_path: Path) -> None:
    results = [
        Result(
            evaluation="stability", features="latent", target="chained", metric="icc_median",
            value=value, low=None, high=None, n=9,
        )
        for value in (0.5, math.nan)
    ]  # fmt: skip
    write_results(tmp_path / "results.json", results)
    read = [one.value for one in read_results(tmp_path / "results.json")]
    assert read[0] == 0.5
    assert math.isnan(read[1])
    key = ("stability", "chained", "test")
    figures = [figure("a", seed, key, value) for seed, value in enumerate(read)]
    assert _table(figures, key, ("a",), (0, 1)) is None


@pytest.mark.slow
def test_methods_and_seeds_are_run_once_and_what_is_done_stays(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    asked = {"labels": ["large"], "epochs": 1, "latent": 4}
    methods, folder = ["linear", "probabilistic-pca"], tmp_path / "contest"
    found = latentomics.compare(
        manifest, methods=methods, seeds=2, output=folder, workers=1, **asked
    )
    names = sorted(run.name for run in found.runs)
    assert names == sorted(f"{method}-seed-{seed}" for method in methods for seed in (0, 1))
    assert {one.method for one in found.ranking.standings} == set(methods)
    assert found.ranking.labels == ("large",)
    with found.table.open() as opened:
        assert len(list(csv.DictReader(opened))) == len(found.figures)
    assert found.picture.read_bytes().startswith(b"<?xml")
    written = {run: (run / "seal.json").stat().st_mtime_ns for run in found.runs}
    shutil.rmtree(found.runs[0])
    again = latentomics.compare(
        manifest, methods=methods, seeds=2, output=folder, workers=1, **asked
    )
    assert again.figures == found.figures  # D1
    changed = [run for run in again.runs if (run / "seal.json").stat().st_mtime_ns != written[run]]
    assert changed == [found.runs[0]]


def test_what_cannot_be_held_says_why(tmp_path: Path) -> None:
    def hold(*methods: str, seeds: int = 3, **asked: object) -> None:
        flow.contest(tmp_path, tmp_path / "C", methods, Request(**asked), seeds=seeds)

    for words, more in (
        (("linear",), {}),
        (("linear", "none-such"), {}),
        (("linear", "vae"), {"folds": 3}),
        (("linear", "vae"), {"method": "vae"}),
        (("linear", "vae"), {"per": "patient"}),
        (("linear", "vae"), {"seeds": 0}),
    ):
        with pytest.raises(RequestError):
            hold(*words, **more)
    assert not (tmp_path / "C").exists()
    with pytest.raises(RequestError, match="either methods or sweep"):
        latentomics.compare("a.csv", methods=["linear", "vae"])
    with pytest.raises(RequestError, match="compared as they are"):
        latentomics.compare("A", "B", latent=4)


@pytest.mark.slow
def test_a_method_that_the_cohort_refuses_is_left_out_and_the_others_stand(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    asked = {"labels": ["large"], "epochs": 1, "latent": 4, "seeds": 1, "workers": 1}
    folder = tmp_path / "contest"
    found = latentomics.compare(
        manifest,
        methods=["recurrent-vae", "linear", "probabilistic-pca"],
        output=folder,
        **asked,
    )
    assert {one.method for one in found.ranking.standings} == {"linear", "probabilistic-pca"}
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith("left out: recurrent-vae-seed-0: ")
    assert found.exit_code == 4
    with pytest.raises(RequestError, match="recurrent-vae"):
        latentomics.compare(manifest, methods=["recurrent-vae", "linear"], output=folder, **asked)
