"""What is asked of a folder in which something lies already."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from latentomics import flow
from latentomics.core import RequestError
from latentomics.training import lock_folder


def test_T8_a_run_under_way_is_named_by_host_and_process_even_with_its_plan_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "plan.yaml").write_text("version: 1\n")  # what --resume would be offered for
    owner = f"another run writes here: process {os.getpid()} on {socket.gethostname()}"
    for resume in (False, True):
        with lock_folder(tmp_path), pytest.raises(RequestError) as raised:
            flow.run(tmp_path / "cohort.csv", tmp_path, resume=resume)
        assert raised.value.what == owner
        assert "--resume" in raised.value.remedy


def test_T8_an_ended_run_is_offered_to_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("version: 1\n")
    with pytest.raises(RequestError, match="a run lies here already"):
        flow.run(tmp_path / "cohort.csv", tmp_path)


def test_a_run_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "RUN").write_text("not a folder")
    with pytest.raises(RequestError, match="the run folder is a file"):
        flow.run(tmp_path / "cohort.csv", tmp_path / "RUN")
