"""The loop on a small task: resume, faults, interruption, wall time."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_toy import Line, how, make_network

from latentomics.core import Interrupted, RequestError
from latentomics.planning import Length
from latentomics.training import EpochRecord, Progress, Trained, train_network
from latentomics.training.checkpoint import load_checkpoint


def train(folder: Path | None = None, *, resume: bool = False, **settings: object) -> Trained:
    network = make_network()
    return train_network(network, Line(network), how(**settings), folder=folder, resume=resume)


class FakeClock:
    """Advances by a fixed time at each training step and validation; by nothing else."""

    def __init__(self, step_s: float, validation_s: float) -> None:
        self.now, self.step_s, self.validation_s = 0.0, step_s, validation_s

    def __call__(self) -> float:
        return self.now


class TimedLine(Line):
    def __init__(self, network: torch.nn.Module, clock: FakeClock) -> None:
        super().__init__(network)
        self.clock = clock

    def training(self, step: int, *parts: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        self.clock.now += self.clock.step_s
        return super().training(step, *parts)

    def validation(self, *parts: int) -> dict[str, float]:
        self.clock.now += self.clock.validation_s
        return super().validation()


def train_timed(length: Length, clock: FakeClock) -> Trained:
    network = make_network()
    return train_network(network, TimedLine(network, clock), how(length=length), clock=clock)


def test_training_lowers_the_error_and_keeps_the_best_weights(tmp_path: Path) -> None:
    trained = train(tmp_path)
    totals = [record.validation["total"] for record in trained.history]
    assert trained.outcome == "finished"
    assert totals[-1] < 0.2 * totals[0]
    best = min(trained.history, key=lambda record: record.validation["total"])
    assert trained.best_step == best.step
    assert Line(trained.network).validation()["total"] == best.validation["total"]


def test_history_has_a_line_for_each_validation(tmp_path: Path) -> None:
    trained = train(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [record.step for record in trained.history]
    assert lines[-1]["step"] == 60
    assert lines[1]["epoch"] == 1.0
    assert set(lines[1]["train"]) == {"nll", "kl", "total", "gradient"}


def test_T1_resume_after_any_step_gives_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentomics.training.desk.SHOW_S", 0.0)
    whole = train(length=Length(steps=40, decay_steps=16))
    for asked_after in (1, 7, 24, 39):
        folder = tmp_path / str(asked_after)
        network = make_network()
        task = Line(network)

        def ask(progress: Progress, last: int = asked_after) -> None:
            if last is not None and progress.step >= last:
                os.kill(os.getpid(), signal.SIGINT)

        settings = how(length=Length(steps=40, decay_steps=16))
        with pytest.raises(Interrupted):
            train_network(network, task, settings, folder=folder, on_progress=ask)
        resumed = train(folder, resume=True, length=settings.length)
        assert resumed.weights_sha256 == whole.weights_sha256
        assert [replace(record, seconds=0.0) for record in resumed.history] == [
            replace(record, seconds=0.0) for record in whole.history
        ]


def test_T1_resume_of_a_finished_run_does_nothing(tmp_path: Path) -> None:
    first = train(tmp_path)
    network = make_network(seed=3)
    task = Line(network)
    again = train_network(network, task, how(), folder=tmp_path, resume=True)
    assert again.weights_sha256 == first.weights_sha256
    assert task.steps == []


def test_resume_of_another_plan_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(RequestError, match="another plan"):
        train(tmp_path, resume=True, identity="other")
    with pytest.raises(RequestError, match="another plan"):
        train(tmp_path, resume=True, length=Length(steps=61))
    with pytest.raises(RequestError, match="another plan"):
        train(tmp_path, resume=True, length=Length(budget_s=60))


def test_a_timed_run_goes_on_with_its_own_budget(tmp_path: Path) -> None:
    def run(budget_s: float, last: int | None) -> Trained:
        clock = FakeClock(0.1, 0.05)
        network = make_network()

        def ask(progress: Progress) -> None:
            if last is not None and progress.step >= last:
                os.kill(os.getpid(), signal.SIGINT)

        return train_network(
            network,
            TimedLine(network, clock),
            how(length=Length(budget_s=budget_s)),
            folder=tmp_path,
            resume=last is None,
            on_progress=ask,
            clock=clock,
        )

    with pytest.raises(Interrupted):
        run(20.0, 60)
    resumed = run(15.0, None)
    assert resumed.length.budget_s == 20.0
    assert 0.9 * 20 <= resumed.history[-1].seconds <= 1.02 * 20
    assert train(length=resumed.length).weights_sha256 == resumed.weights_sha256


def test_a_new_run_forgets_the_checkpoints_of_an_old_one(tmp_path: Path) -> None:
    first = train(tmp_path)
    assert train(tmp_path, identity="other").weights_sha256 == first.weights_sha256


def test_T4_nan_stops_with_the_name_of_its_term_and_keeps_the_best(tmp_path: Path) -> None:
    network = make_network()
    trained = train_network(network, Line(network, fault_at=23), how(), folder=tmp_path)
    assert trained.outcome == "stopped: kl became NaN"
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())
    kept = load_checkpoint(tmp_path / "checkpoint")
    assert kept is not None
    assert all(bool(torch.isfinite(value).all()) for value in kept[0].values())
    assert trained.best_step == 20
    healthy = train(length=Length(steps=60, stop=20))
    assert trained.weights_sha256 == healthy.weights_sha256


def test_T5_interrupt_ends_the_step_and_says_how_to_go_on(tmp_path: Path) -> None:
    network = make_network()
    task = Line(network)

    def ask(progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="--resume") as raised:
        train_network(network, task, how(), folder=tmp_path, on_progress=ask)
    assert raised.value.exit_code == 130
    assert task.steps == [0]
    assert (tmp_path / "checkpoint" / "checkpoint.json").exists()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("validation_s", [0.0, 0.3])
def test_T9_a_budget_is_met(validation_s: float) -> None:
    clock = FakeClock(0.1, validation_s)
    trained = train_timed(Length(budget_s=60.0), clock)
    assert 0.9 * 60 <= clock.now <= 1.02 * 60
    assert trained.length.decay_steps is not None
    assert trained.length.decay_steps > 0.25 * (trained.length.steps or 0)


def test_T9_a_machine_that_slows_down_ends_in_time() -> None:
    clock = FakeClock(0.1, 0.0)

    class Slower(TimedLine):
        def training(self, step: int, *parts: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            clock.step_s = 0.1 if clock.now < 45 else 0.5
            return super().training(step, *parts)

    network = make_network()
    settings = how(length=Length(budget_s=60.0))
    trained = train_network(network, Slower(network, clock), settings, clock=clock)
    assert clock.now <= 1.1 * 60
    assert trained.length.stop == trained.history[-1].step
    replayed = train(length=trained.length)
    assert replayed.weights_sha256 == trained.weights_sha256


def test_D1_the_resolved_length_of_a_timed_run_replays_its_bytes() -> None:
    trained = train_timed(Length(budget_s=20.0), FakeClock(0.1, 0.05))
    replayed = train_timed(trained.length, FakeClock(1.0, 0.0))
    assert trained.length.steps is not None
    assert replayed.length == trained.length
    assert replayed.weights_sha256 == trained.weights_sha256
    assert [record.step for record in replayed.history] == [
        record.step for record in trained.history
    ]


def test_D1_a_stalled_run_replays_its_bytes() -> None:
    class Stalled(Line):
        def validation(self, *parts: int) -> dict[str, float]:
            return {"total": 1.0 + len(self.steps)}  # worse with every step

    def stalled(length: Length) -> tuple[Trained, list[int]]:
        network = make_network()
        task = Stalled(network)
        return train_network(network, task, how(length=length)), task.steps

    first, steps = stalled(Length(steps=400))
    assert first.length.decay_steps == 299  # at the first validation after 20 epochs of 5 steps
    assert first.length.stop is not None
    assert len(steps) == first.length.stop < 400
    again, replayed = stalled(first.length)
    assert replayed == steps
    assert again.length == first.length


def test_who_asks_is_told_every_line_of_the_history() -> None:
    network, told = make_network(), list[EpochRecord]()
    trained = train_network(network, Line(network), how(), on_record=told.append)
    assert told == list(trained.history)
    assert len(told) > 1
