"""A run killed at any moment, moved, and resumed (T1, T2); a lock whose owner died (T8)."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch
from training_toy import Line, how, make_network

from latentomics.core import RequestError
from latentomics.planning import Length
from latentomics.training import lock_folder, train_network

STEPS = 400
KILLS = 6
# one server has torch imported, and each run is a fork of it: a kill costs no start-up
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["latentomics.training.loop", "torch._dynamo"])


class ToldLine(Line):
    """The toy task, which tells of every step."""

    def __init__(self, network: torch.nn.Module, pipe: Connection) -> None:
        super().__init__(network)
        self.pipe = pipe

    def training(self, step: int, *parts: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        self.pipe.send(step)
        return super().training(step, *parts)


def train_and_tell(folder: Path, pipe: Connection) -> None:
    network = make_network()
    task = ToldLine(network, pipe)
    settings = how(length=Length(steps=STEPS))
    trained = train_network(network, task, settings, folder=folder, resume=True)
    pipe.send(trained.weights_sha256)


def hold_lock(folder: Path, pipe: Connection) -> None:
    with lock_folder(folder):
        pipe.send("held")
        time.sleep(60)


def start(
    work: Callable[[Path, Connection], None], folder: Path
) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=work, args=(folder, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def kill(process: ForkServerProcess) -> None:
    process.kill()
    process.join()


def test_T1_T2_killed_and_moved_and_resumed_gives_the_same_weights(tmp_path: Path) -> None:
    network = make_network()
    whole = train_network(network, Line(network), how(length=Length(steps=STEPS)))
    chance = random.Random(5)
    folder = tmp_path / "0"
    begun = []
    for attempt in range(1, KILLS + 1):
        process, pipe = start(train_and_tell, folder)
        begun.append(pipe.recv())
        for _ in range(chance.randrange(20, 60)):
            pipe.recv()
        time.sleep(chance.uniform(0.0, 0.02))  # into a step, a validation or a checkpoint
        kill(process)
        folder = Path(shutil.move(folder, tmp_path / str(attempt)))
    process, pipe = start(train_and_tell, folder)
    told = pipe.recv()
    while isinstance(told, int):
        begun.append(told)
        told = pipe.recv()
    process.join()
    assert told == whole.weights_sha256
    assert begun[0] == 0 < begun[1] < begun[KILLS] > 60, "nothing was resumed"
    assert not list(folder.glob(".*.part")) + list(folder.glob("checkpoint/.*.part"))


def test_T8_a_folder_has_one_writer_and_a_dead_one_is_no_writer(tmp_path: Path) -> None:
    process, pipe = start(hold_lock, tmp_path)
    assert pipe.recv() == "held"
    with (
        pytest.raises(RequestError, match=f"process {process.pid} on ") as raised,
        lock_folder(tmp_path),
    ):
        pass
    assert raised.value.exit_code == 2
    kill(process)
    with lock_folder(tmp_path):
        pass


def test_T8_a_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_folder(tmp_path):
            pass
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path):
        raise ZeroDivisionError
    with lock_folder(tmp_path):
        assert (tmp_path / ".owner.json").exists()
