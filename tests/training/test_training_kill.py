"""A run killed at any moment, moved elsewhere, and resumed (T1, T2); a lock whose owner died (T8)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_toy import Line, how, make_network

from latentomics.core import RequestError
from latentomics.planning import Length
from latentomics.training import lock_folder, train_network

HERE = Path(__file__).parent
LENGTH_STEPS = 400
RUN = """
import sys
from pathlib import Path
from training_toy import Line, how, make_network
from latentomics.planning import Length
from latentomics.training import train_network
network = make_network()
class Slow(Line):
    def training(self, step):
        print("step", flush=True)
        return super().training(step)
print("begin", flush=True)
trained = train_network(network, Slow(network), how(length=Length(steps=400)),
                        folder=Path(sys.argv[1]), resume=True)
print(trained.weights_sha256)
"""
HOLD = """
import sys, time
from pathlib import Path
from latentomics.training import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in {"begin", "held"}
    return process


def read_lines(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        process.stdout.readline()


def test_T1_T2_killed_and_moved_and_resumed_gives_the_same_weights(tmp_path: Path) -> None:
    network = make_network()
    whole = train_network(network, Line(network), how(length=Length(steps=LENGTH_STEPS)))
    chance = random.Random(5)
    folder = tmp_path / "0"
    folder.mkdir()
    for attempt in range(1, 4):
        process = start(RUN, folder)
        read_lines(process, chance.randrange(20, 90))
        time.sleep(chance.uniform(0.0, 0.01))  # into a step, a validation or a checkpoint
        process.kill()
        process.wait()
        folder = Path(shutil.move(folder, tmp_path / str(attempt)))
    assert list(folder.glob("checkpoint/state-*")), "no kill came after a checkpoint"
    output, _ = start(RUN, folder).communicate()
    assert output.split()[-1] == whole.weights_sha256
    assert output.count("step") < LENGTH_STEPS, "nothing was resumed"


def test_T8_a_folder_has_one_writer_and_a_dead_one_is_no_writer(tmp_path: Path) -> None:
    process = start(HOLD, tmp_path)
    with (
        pytest.raises(RequestError, match=f"process {process.pid} on ") as raised,
        lock_folder(tmp_path),
    ):
        pass
    assert raised.value.exit_code == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
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
