"""Disks that are full, cohorts that two processes prepare at once, files that go away."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentomics.core import Case, FileRef, Sample
from latentomics.core.files import write_atomic
from latentomics.dataset import Prepared, collect, open_store, prepare_cohort
from latentomics.preprocess import Pipeline

PIPELINE = Pipeline(
    dimension=2, view="whole", spacing_mm=(1.0, 1.0), size=(32, 32), normalisation="identity",
    window=(0.0, 255.0),
)  # fmt: skip


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    values = np.random.default_rng(0).integers(0, 255, (12, 32, 32)).astype("u1")
    made = []
    for number, picture in enumerate(values):
        np.save(tmp_path / f"{number}.npy", picture)
        ref = FileRef(path=tmp_path / f"{number}.npy")
        made.append(Case(id=f"c{number}", patient=f"p{number}", image=(ref,)))
    return made


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=40k", "none", str(folder)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_T3_a_full_disk_is_named_and_what_is_there_is_used_again(
    cases: list[Case], tmp_path: Path, workers: int
) -> None:
    cache = tmp_path / "cache"
    first = prepare_cohort(cases[:3], PIPELINE, cache, workers=1)
    stamps = [entry.path.stat().st_mtime_ns for entry in first.entries]
    with largest_file(2000), pytest.raises(OSError) as caught:
        prepare_cohort(cases, PIPELINE, cache, workers=workers)
    assert caught.value.errno == errno.EFBIG
    assert str(caught.value.filename).startswith(str(cache))
    assert not list(cache.rglob("*.part"))
    whole = prepare_cohort(cases, PIPELINE, cache, workers=1)
    assert whole.case_ids == tuple(case.id for case in cases)
    assert [entry.path.stat().st_mtime_ns for entry in whole.entries[:3]] == stamps


def test_T3_a_disk_that_fills_up(cases: list[Case], small_disk: Path) -> None:
    with pytest.raises(OSError) as caught:
        prepare_cohort(cases, PIPELINE, small_disk / "cache", workers=1)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value.filename).startswith(str(small_disk))
    kept = sorted(small_disk.rglob("*.safetensors"))
    assert kept
    assert prepare_cohort(cases[: len(kept)], PIPELINE, small_disk / "cache").rejected == ()


def test_T3_mapped_samples_on_a_full_disk_are_an_error_and_no_crash(
    cases: list[Case], small_disk: Path, tmp_path: Path
) -> None:
    prepared = prepare_cohort(cases, PIPELINE, tmp_path / "cache", workers=1)
    full = Prepared(
        entries=prepared.entries, rejected=(), pipeline=prepared.pipeline, cache=small_disk
    )
    with pytest.raises(OSError) as caught:  # a map of a file with holes would end in SIGBUS
        open_store(full, full.case_ids, mapped=True)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(small_disk)


def test_T3_a_folder_that_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("before")

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "a name of no interest")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(PermissionError) as caught:
        write_atomic(tmp_path / "a", "after")
    assert caught.value.filename == str(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "before"


def _prepare(cases: list[Case], cache: Path, barrier: object, results: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    results.put(prepare_cohort(cases, PIPELINE, cache, workers=1))  # type: ignore[attr-defined]


def test_T7_two_processes_at_once_end_with_one_cache(cases: list[Case], tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(2), context.Queue()
    cache = tmp_path / "cache"
    started = [
        context.Process(target=_prepare, args=(cases, cache, barrier, results)) for _ in range(2)
    ]
    for process in started:
        process.start()
    first, second = results.get(timeout=60), results.get(timeout=60)
    for process in started:
        process.join()
    assert first == second
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    assert files == sorted(entry.path for entry in first.entries)
    assert len(open_store(first, first.case_ids)) == len(cases)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked")
@pytest.mark.parametrize("packed", [False, True])
def test_I8_a_case_that_goes_wrong_while_it_is_prepared_costs_itself_only(
    cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """Rows of an archive are prepared together, and again alone where one of them goes wrong."""
    if packed:
        pictures = [np.load(case.image[0].path) for case in cases]
        np.savez(tmp_path / "rows.npz", values=np.stack(pictures))
        rows = [FileRef(path=tmp_path / "rows.npz", npz_index=row) for row in range(len(cases))]
        cases = [replace(case, image=(row,)) for case, row in zip(cases, rows, strict=True)]
    usual = collect.prepare

    def prepare(pipeline: Pipeline, *given: Any) -> tuple[Sample, ...]:
        if given[-1] == "c2":
            os.kill(os.getpid(), signal.SIGKILL)
        if given[-1] == "c5":
            time.sleep(60)
        if given[-1] == "c7":
            bytearray(2**33)
        return usual(pipeline, *given)

    monkeypatch.setattr(collect, "prepare", prepare)
    prepared = prepare_cohort(
        cases, PIPELINE, tmp_path / "cache", workers=2, timeout_s=3.0, memory_bytes=2**30
    )
    found = {r.case: r.code for r in prepared.rejected}
    assert found == {"c2": "crashed", "c5": "timeout", "c7": "too_large"}
    assert prepared.case_ids == tuple(case.id for case in cases if case.id not in found)
    assert len(open_store(prepared, prepared.case_ids)) == len(cases) - 3


def test_T3_a_file_that_goes_away_costs_its_case(cases: list[Case], tmp_path: Path) -> None:
    cases[4].image[0].path.unlink()
    prepared = prepare_cohort(cases, PIPELINE, tmp_path / "cache", workers=1)
    assert [(r.case, r.code) for r in prepared.rejected] == [("c4", "missing")]
    assert len(prepared.entries) == len(cases) - 1
