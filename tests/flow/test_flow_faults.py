"""What goes wrong around a run: full disks, folders that refuse, little memory, odd names."""

from __future__ import annotations

import csv
import errno
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from flow_cohort import picture, write_cohort

from latentomics import flow
from latentomics.core import Case, RequestError
from latentomics.features import read_table
from latentomics.flow import gather as gathering
from latentomics.planning import Choice, Request, load_plan
from latentomics.sources import read_cohort
from latentomics.training import lock_folder

EVIL = "../../../evil"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def weights(folder: Path) -> str:
    return str(json.loads((folder / "model" / "model.json").read_text())["weights_sha256"])


def test_T3_a_run_on_a_full_disk_names_the_file_and_goes_on_when_there_is_room(
    finished: flow.RunRecord, tmp_path: Path
) -> None:
    plan, folder = finished.folder / "plan.yaml", tmp_path / "RUN"
    with largest_file(250_000), pytest.raises(OSError) as caught:
        flow.run(plan, folder, workers=1)
    assert caught.value.filename.startswith(str(folder))
    assert not list(folder.rglob("*.part"))
    assert (folder / "cohort.parquet").stat().st_size
    flow.run(plan, folder, resume=True, workers=1)
    assert weights(folder) == weights(finished.folder)


def test_T3_a_run_folder_that_refuses_is_said_before_anything_is_read(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RequestError, match="run folder cannot be written: Permission") as caught:
        flow.run(cohort, tmp_path / "RUN", Request(epochs=1))
    assert caught.value.where == str(tmp_path / "RUN")
    assert caught.value.exit_code == 2


def test_T3_a_cache_that_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(RequestError, match="LATENTOMICS_CACHE"):
        gathering.cache_folder()
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(RequestError, match="cannot be written: Not a directory"):
        gathering.cache_folder()


@pytest.mark.parametrize("command", ["encode", "classic"])
def test_T3_a_table_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def act(output: Path) -> None:
        if command == "classic":
            flow.classic(tmp_path / "absent.csv", output)
        else:
            flow.encode(tmp_path / "absent", tmp_path / "absent.csv", output)

    with pytest.raises(RequestError, match="folder does not exist"):
        act(tmp_path / "none" / "table.csv")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(RequestError, match="folder cannot be written"):
        act(tmp_path / "table.csv")


def test_T8_a_run_folder_in_use_is_refused_with_its_owner(cohort: Path, tmp_path: Path) -> None:
    folder = tmp_path / "RUN"
    with lock_folder(folder):
        before = sorted(folder.iterdir())
        with pytest.raises(RequestError, match=r"process \d+ on ") as caught:
            flow.run(cohort, folder, Request(epochs=1))
        assert sorted(folder.iterdir()) == before
    assert caught.value.exit_code == 2


def test_M1_on_a_machine_with_two_gigabytes_free_half_of_them_are_planned_for(
    cohort: Path, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=2 * 10**9))
    memory = flow.make_plan(cohort, asked, workers=1).memory.value
    assert memory is not None
    assert memory.limit_bytes == 10**9
    assert memory.peak_bytes <= memory.limit_bytes
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=10**8))
    with pytest.raises(RequestError, match=r"may take 0\.05 GB") as caught:
        flow.make_plan(cohort, asked, workers=1)
    assert "--memory" in caught.value.remedy


def test_I3_a_plan_that_reads_the_mask_rejects_cases_without_one(
    finished: flow.RunRecord, cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No case is compared with another: a list of 100,000 would take hours."""

    def compared(self: Case, other: object) -> bool:
        raise AssertionError

    cases = read_cohort(cohort).cases[:6]
    plan = load_plan(finished.folder / "plan.yaml")
    monkeypatch.setattr(Case, "__eq__", compared)
    assert gathering.prepare_cases(cases, plan, workers=1).rejected == ()
    reads_mask = plan.model_copy(update={"mask_channel": Choice(value=1.0, reason="asked")})
    prepared = gathering.prepare_cases(cases, reads_mask, workers=1)
    assert prepared.entries == ()
    assert {(r.case, r.code) for r in prepared.rejected} == {(case.id, "mask") for case in cases}
    assert "mask_channel to 0" in prepared.rejected[0].remedy


def test_I4_a_run_names_values_that_no_scanner_gives_before_training(tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path, cases=40)
    frame = pandas.read_csv(manifest)
    faults = {  # modality, change, code
        "c001": ("XR", lambda v: np.where(v > v.mean(), np.nan, v), "not_finite"),
        "c002": ("XR", lambda v: np.where(v > v.mean(), -np.inf, v), "not_finite"),
        "c003": ("XR", lambda v: v * 0 + 3, "constant"),
        "c004": ("CT", lambda v: np.clip(v, 0, 255).round(), "intensities"),
        "c005": ("CT", lambda v: np.clip(v, 0, 200) + 500, "intensities"),
        "c006": ("PT", lambda v: v - 100, "intensities"),
    }
    for case, (modality, change, _) in faults.items():
        np.save(tmp_path / f"{case}.npy", change(np.load(tmp_path / f"{case}.npy")))
        frame.loc[frame["case"] == case, "modality"] = modality
    frame.to_csv(manifest, index=False)
    said: list[dict[str, str]] = []
    gathered = gathering.gather(
        Request().of(manifest),
        workers=1,
        on_rejected=lambda found: said.append({r.case: r.code for r in found}),
    )
    assert said[-1] == {case: code for case, (_, _, code) in faults.items()}
    assert set(gathered.split).isdisjoint(faults)
    assert all(r.reason and r.remedy for r in gathered.rejected)


@pytest.mark.parametrize("given", [True, False])
def test_I7_the_held_out_copy_of_a_picture_stays(tmp_path: Path, given: bool) -> None:
    manifest = write_cohort(tmp_path, cases=40)
    frame = pandas.read_csv(manifest)
    if given:
        frame["split"] = ["train"] * 28 + ["val"] * 4 + ["test"] * 8
    pairs = [(f"c{n:03d}", f"c{39 - n:03d}") for n in range(4)]
    for one, other in pairs:  # the last pictures again, under the names of the first
        (tmp_path / f"{one}.npy").write_bytes((tmp_path / f"{other}.npy").read_bytes())
    frame.to_csv(manifest, index=False)
    gathered = gathering.gather(Request().of(manifest), workers=1)
    copies = [r for r in gathered.rejected if r.code == "duplicate"]
    assert all("which is held out" in r.reason for r in copies)
    assert {r.case for r in copies}.isdisjoint(gathered.split)
    for one, other in pairs:
        sides = {gathered.split.get(case) for case in (one, other)} - {None}
        assert len(sides) == 1 or "train" not in sides
    if given:
        assert [r.case for r in copies] == [one for one, _ in pairs]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> flow.RunRecord:
    """Run a cohort of odd names and masks without a network."""
    folder = tmp_path_factory.mktemp("odd") / "a" / "b"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    rows = []
    for number in range(24):
        values = picture(draw, bool(number % 2), "disks").astype(np.float32)
        region = np.zeros(values.shape, np.float32)
        region[4:12, 4:12] = 1.0
        if number == 1:  # three voxels
            region[:] = 0
            region[8, 8:11] = 1.0
        if number in (2, 3):  # probabilities
            region *= 0.7
        if number == 4:  # two labels
            region[4:6] = 2.0
        np.save(folder / f"i{number}.npy", values)
        np.save(folder / f"m{number}.npy", region)
        name = f"{EVIL}{number}" if number % 2 else f"<b>{number}"
        rows.append({"case": name, "image": f"i{number}.npy", "mask": f"m{number}.npy"})
    manifest = folder / "cohort.csv"
    with manifest.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing goes over the network")

    asked = Request(epochs=1, latent=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(folder / "cache"))
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        return flow.run(manifest, folder / "RUN", asked, workers=1)


def test_I11_names_of_cases_lead_nowhere(odd: flow.RunRecord) -> None:
    outer = odd.folder.parents[2]
    assert [path.name for path in outer.rglob("*evil*")] == []
    assert sorted(path.name for path in outer.iterdir()) == ["a"]
    assert sum(EVIL in case for case in read_table(odd.table).frame["case"]) == 12


def test_S2_a_run_needs_no_network(odd: flow.RunRecord) -> None:
    assert odd.report.is_file()  # it was made while every connection was refused
    assert odd.exit_code == 0


def test_I3_the_table_says_which_label_or_threshold_was_the_region(
    odd: flow.RunRecord, tmp_path: Path
) -> None:
    words = "label 1 (21 cases); probability >= 0.5 (2 cases); labels 1, 2 (1 cases)"
    assert read_table(odd.table).provenance["mask"] == words
    new = flow.encode(
        odd.folder, odd.folder.parent / "cohort.csv", tmp_path / "new.parquet", workers=1
    )
    assert read_table(new.table).provenance["mask"] == words
    remarks = json.loads((odd.folder / "check.json").read_text())["remarks"]
    assert any("fewer than 8 voxels: 1" in remark for remark in remarks)


def test_S1_no_pickle_and_no_code_from_data() -> None:
    """What could execute what it reads is not called anywhere in the package."""
    source = Path(flow.__file__).parents[1]
    calls = (
        *("import pickle", "allow_pickle=True", "read_pickle(", "to_pickle("),
        *(
            "torch.load(",
            "torch.save(",
            "joblib.load(",
            "yaml.load(",
            "\neval(",
            " eval(",
            " exec(",
        ),
    )
    found = [
        f"{path.name}: {call}"
        for path in source.rglob("*.py")
        for call in calls
        if call in path.read_text()
    ]
    assert found == []
