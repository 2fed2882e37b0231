"""Trackers get the lines of the history and the figures; what they wrote is read back."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.core import RequestError, Result
from latentomics.flow import tracking
from latentomics.flow.tracking import Tracked
from latentomics.planning import Request
from latentomics.training import EpochRecord


def lacking(name: str) -> bool:
    return not all(importlib.util.find_spec(package) for package in tracking.NEEDED[name])


def installed(name: str) -> pytest.MarkDecorator:
    reason = f"needs pip install 'latentomics[{name}]'"
    return pytest.mark.skipif(lacking(name), reason=reason)


def scalars_of_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def scalars_of_mlflow(folder: Path, name: str, part: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    known = client.get_experiment_by_name("latentomics")
    (run,) = [r for r in client.search_runs([known.experiment_id]) if r.info.run_name == part]
    assert run.info.status == "FINISHED"
    return sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, name))


def test_a_line_of_the_history_becomes_its_terms() -> None:
    record = EpochRecord(
        epoch=1.0, step=7, seconds=2.0, rate=0.002, train={"nll": 3.0}, validation={"total": 4.0}
    )
    told = tracking.of_record(record, 2)
    assert (told.part, told.step) == ("fold_2", 7)
    assert told.scalars == {"train/nll": 3.0, "validation/total": 4.0, "rate": 0.002}


def test_figures_on_held_out_cases_alone_are_told(finished: flow.RunRecord) -> None:
    from latentomics.planning import load_plan

    plan = load_plan(finished.folder / "plan.yaml")
    told = tracking.of_results(finished.results, plan, 3)
    auroc = [
        one.value
        for one in finished.results
        if (one.evaluation, one.features, one.metric) == ("probe", "latent", "auroc")
        and one.settings.get("n_labels") is None
    ]
    assert [told.scalars["probe/latent/large/auroc"]] == auroc
    trained_on = Result(
        evaluation="probe", features="pca", target=None, metric="odd", value=1.0, low=None,
        high=None, n=3, settings={"split": "train"},
    )  # fmt: skip
    assert tracking.of_results([trained_on], plan, 3).scalars == {}
    assert told.words["method"] == "autoencoder"


def test_values_that_are_not_finite_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    told = list[Tracked]()

    @contextmanager
    def notes(_: Path):
        yield told.append

    monkeypatch.setitem(tracking.OPENERS, "notes", notes)
    with tracking.tracking(("notes", "notes"), tmp_path) as track:
        track(Tracked(part="run", step=1, scalars={"a": float("nan"), "b": 1.0}))
    assert [one.scalars for one in told] == [{"b": 1.0}]


def test_nothing_is_made_without_a_tracker(tmp_path: Path) -> None:
    with tracking.tracking((), tmp_path) as track:
        track(Tracked(part="run", step=1, scalars={"a": 1.0}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mlflow", "tensorboard"])
def test_a_tracker_that_is_not_installed_is_refused_before_anything_starts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RequestError) as refused:
        flow.run(tmp_path / "cohort.csv", tmp_path / "RUN", track=[name])
    assert refused.value.remedy == f"pip install 'latentomics[{name}]'"
    assert not (tmp_path / "RUN").exists()


def test_an_unknown_tracker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no tracker 'paper'"):
        flow.run(tmp_path / "cohort.csv", tmp_path / "RUN", track=["paper"])


@installed("tensorboard")
def test_tensorboard_shows_a_run_that_was_killed_and_went_on_once(tmp_path: Path) -> None:
    for steps in ((0, 5, 10), (5, 10, 15)):
        with tracking.tracking(("tensorboard",), tmp_path) as track:
            for step in steps:
                track(Tracked(part="run", step=step, scalars={"train/nll": float(step)}))
    shown = scalars_of_tensorboard(tmp_path / "tracking" / "tensorboard" / "run")
    assert shown["train/nll"] == [(0, 0.0), (5, 5.0), (10, 10.0), (15, 15.0)]


@pytest.mark.slow
@installed("mlflow")
def test_mlflow_keeps_scalars_by_step_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    for steps in ((0, 5), (10,)):
        with tracking.tracking(("mlflow",), tmp_path) as track:
            for step in steps:
                told = {"probe/latent/grade>=2/auroc": float(step)}
                track(Tracked(part="run", step=step, scalars=told))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    kept = scalars_of_mlflow(tmp_path / "tracking", "probe/latent/grade__2/auroc", "run")
    assert kept == [(0, 0.0), (5, 5.0), (10, 10.0)]


def test_S2_mlflow_is_told_to_send_nothing_before_it_is_imported() -> None:
    lines = Path(tracking.__file__).read_text().splitlines()
    silenced = next(n for n, line in enumerate(lines) if "MLFLOW_DISABLE_TELEMETRY" in line)
    assert silenced < next(n for n, line in enumerate(lines) if "from mlflow import" in line)


@pytest.mark.slow
@installed("tensorboard")
@installed("mlflow")
def test_a_run_tells_both_what_its_history_says(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    asked = Request(labels=("large",), epochs=2, latent=4)
    record = flow.run(manifest, tmp_path / "RUN", asked, workers=1, track=["tensorboard", "mlflow"])
    lines = [json.loads(line) for line in (record.folder / "history.jsonl").open()]
    history = [(line["step"], line["validation"]["total"]) for line in lines]
    place = record.folder / "tracking"
    shown = scalars_of_tensorboard(place / "tensorboard" / "run")
    near: Callable = lambda pairs: [(step, pytest.approx(value)) for step, value in pairs]  # noqa: E731
    assert shown["validation/total"] == near(history)
    assert scalars_of_mlflow(place, "validation/total", "run") == near(history)
    assert "probe/latent/large/auroc" in shown
    assert flow.verify(record.folder)  # the trackers' files are not sealed
