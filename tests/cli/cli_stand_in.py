"""A flow that only remembers what it was asked, so that the door is tested alone."""

import dataclasses
import types
from collections.abc import Callable
from pathlib import Path

from latentomics.core import Result


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    labels: tuple[str, ...] = ()
    site: str | None = None
    channels: tuple[str, ...] = ("image",)
    mask_label: int | None = None
    folds: int = 0
    budget_s: float | None = None
    epochs: int | None = None
    memory_bytes: int | None = None
    method: str | None = None
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    workers: int | None = None
    resume: bool = False
    seed: int = 0
    latent: int | None = None
    demonstration: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    stage: str
    done: float
    total: float
    seconds_left: float | None = None
    message: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRecord:
    folder: Path
    table: Path
    report: Path
    results: tuple[Result, ...]
    verdict: tuple[tuple[str, str], ...]
    rejected: int
    exit_code: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncodeRecord:
    table: Path
    rows: int
    flagged: int
    rejected: int
    exit_code: int


def result(**changes: object) -> Result:
    given = {
        "evaluation": "probe",
        "features": "latent",
        "target": "malignant",
        "metric": "auroc",
        "value": 0.927,
        "low": 0.9,
        "high": 0.95,
        "n": 120,
    }
    return Result(**(given | changes))


class Flow(types.ModuleType):
    """Stands in for ``latentomics.flow``; ``raises`` is raised by every call where it is set."""

    RunOptions, Event = RunOptions, Event

    def __init__(self) -> None:
        super().__init__("latentomics.flow")
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = []
        self.raises: BaseException | None = None
        self.rejected = 0
        self.results: tuple[Result, ...] = (result(),)

    def _call(self, name: str, *given: object, on_event: Callable, **options: object) -> None:
        on_event(Event(stage="prepare", done=1, total=2, seconds_left=3.0, message="case c1"))
        self.calls.append((name, given, options))
        if self.raises is not None:
            raise self.raises

    def run(
        self, source: Path, folder: Path, *, request_options: RunOptions, on_event: Callable
    ) -> RunRecord:
        self._call("run", source, folder, request_options=request_options, on_event=on_event)
        return RunRecord(
            folder=folder,
            table=folder / "features.parquet",
            report=folder / "report.html",
            results=self.results,
            verdict=(("ok", "The code is alive."), ("fail", "The label hangs on the site.")),
            rejected=self.rejected,
            exit_code=3 if self.rejected else 0,
        )

    def make_plan(self, source: Path, *, options: RunOptions, on_event: Callable) -> object:
        self._call("make_plan", source, options=options, on_event=on_event)
        return types.SimpleNamespace(
            to_yaml=lambda: "version: 1\n", model_dump=lambda **_: {"version": 1}
        )

    def check(self, source: Path, *, on_event: Callable, **options: object) -> object:
        self._call("check", source, on_event=on_event, **options)
        return types.SimpleNamespace(
            describe=lambda: ["3 cases", "no faults"],
            plain=lambda: {"cases": 3, "mean": float("nan")},
            rejections=("one",) * self.rejected,
        )

    def encode(
        self, run: Path, source: Path, output: Path, *, workers: int | None, on_event: Callable
    ) -> EncodeRecord:
        self._call("encode", run, source, output, workers=workers, on_event=on_event)
        return EncodeRecord(table=output, rows=5, flagged=1, rejected=0, exit_code=0)

    def verify(self, run: Path) -> list[str]:
        self._call("verify", run, on_event=lambda _: None)
        return ["the weights have the recorded hash"]
