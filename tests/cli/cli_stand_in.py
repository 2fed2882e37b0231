"""A flow that only remembers what it was asked, so that the door is tested alone."""

import dataclasses
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path

from latentomics.core import Result
from latentomics.planning import Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    stage: str
    done: float
    total: float
    seconds_left: float | None = None
    message: str = ""
    remark: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRecord:
    folder: Path
    table: Path
    report: Path
    results: tuple[Result, ...]
    verdict: tuple[tuple[str, str], ...]
    rejected: int
    exit_code: int
    done_before: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outlook:
    plan: object
    seconds: float
    time: str
    rejected: int
    exit_code: int
    done_before: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncodeRecord:
    table: Path
    rows: int
    flagged: int
    rejected: int
    exit_code: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassicRecord:
    table: Path
    rows: int
    features: int
    settings: str
    rejected: int
    exit_code: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleRecord:
    picture: Path
    count: int
    memorisation: float
    sentence: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurateRecord:
    table: Path
    report: Path
    kept: tuple[str, ...]
    columns: int
    results: tuple[Result, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportRecord:
    encoder: Path
    decoder: Path
    difference: float
    tolerance: float
    cases: int
    random: int


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    evaluation: str
    features: str
    target: str | None
    metric: str
    figures: tuple[Result | None, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    runs: tuple[str, ...]
    rows: tuple[Row, ...]
    paired: tuple[Result, ...]
    remarks: tuple[str, ...]
    reseeded: tuple[Result, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Apart:
    mean: float
    low: float
    high: float
    p: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    method: str
    behind: Apart | None
    chosen_by: float = 0.8
    test: float = 0.7
    test_sd: float | None = None
    without_labels: dict[str, float] = dataclasses.field(default_factory=lambda: {"site": 0.456})
    rank_without_labels: float = 1.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranking:
    labels: tuple[str, ...]
    standings: tuple[Standing, ...]
    agreement: float | None
    sentences: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    folder: Path
    picture: Path
    table: Path
    ranking: Ranking
    left_out: tuple[str, ...]
    exit_code: int


class Flow(types.ModuleType):
    """Stands in for ``latentomics.flow``; ``raises`` is raised by every call where it is set."""

    Event = Event

    def __init__(self) -> None:
        super().__init__("latentomics.flow")
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = []
        self.raises: BaseException | None = None
        self.rejected = 0
        self.results: tuple[Result, ...] = (result(),)
        self.message = "case c1"
        self.chatter = ""  # what a library prints

    def _call(self, name: str, *given: object, on_event: Callable, **options: object) -> None:
        sys.stdout.write(self.chatter)
        on_event(Event(stage="prepare", done=1, total=2, seconds_left=3.0, message=self.message))
        self.calls.append((name, given, options))
        if self.raises is not None:
            raise self.raises

    def run(
        self, source: Path, folder: Path, asked: Request, *, on_event: Callable, **options: object
    ) -> RunRecord:
        self._call("run", source, folder, asked, on_event=on_event, **options)
        return RunRecord(
            folder=folder,
            table=folder / "features.parquet",
            report=folder / "report.html",
            results=self.results,
            verdict=(("ok", "The code is alive."), ("fail", "The label hangs on the site.")),
            rejected=self.rejected,
            exit_code=3 if self.rejected else 0,
        )

    def outlook(
        self, source: Path, folder: Path, asked: Request, *, on_event: Callable, **options: object
    ) -> Outlook:
        self._call("outlook", source, folder, asked, on_event=on_event, **options)
        plan = types.SimpleNamespace(
            to_yaml=lambda: "version: 1\n",
            model_dump=lambda **_: {"version": 1},
            memory=types.SimpleNamespace(reason="about 0.67 GB"),
        )
        return Outlook(
            plan=plan,
            seconds=600.0,
            time="about 600 s in all",
            rejected=self.rejected,
            exit_code=3 if self.rejected else 0,
        )

    def make_plan(
        self, source: Path, asked: Request, *, on_event: Callable, **options: object
    ) -> object:
        self._call("make_plan", source, asked, on_event=on_event, **options)
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
        self, run: Path, source: Path, output: Path, *, on_event: Callable, **options: object
    ) -> EncodeRecord:
        self._call("encode", run, source, output, on_event=on_event, **options)
        return EncodeRecord(table=output, rows=5, flagged=1, rejected=0, exit_code=0)

    def classic(
        self, source: Path, output: Path, *, on_event: Callable, **options: object
    ) -> ClassicRecord:
        self._call("classic", source, output, on_event=on_event, **options)
        return ClassicRecord(
            table=output, rows=5, features=120, settings="3d-merged", rejected=0, exit_code=0
        )

    def report(self, run: Path) -> Path:
        self._call("report", run, on_event=lambda _: None)
        return run / "report.html"

    def posterior(self, run: Path, *, on_event: Callable, **options: object) -> tuple[Result, ...]:
        self._call("posterior", run, on_event=on_event, **options)
        return self.results

    def sample(
        self, run: Path, output: Path, *, on_event: Callable, **options: object
    ) -> SampleRecord:
        self._call("sample", run, output, on_event=on_event, **options)
        return SampleRecord(picture=output, count=2, memorisation=0.9, sentence="No repeats.")

    def export(
        self, run: Path, output: Path, *, cohort: Path | None, on_event: Callable, **options: object
    ) -> ExportRecord:
        self._call("export", run, output, cohort=cohort, on_event=on_event, **options)
        paths = {name: output / f"{name}.onnx" for name in ("encoder", "decoder")}
        return ExportRecord(**paths, difference=3e-7, tolerance=1e-5, cases=8, random=3)

    def ask(
        self, run: Path, only: str, *, on_event: Callable, **options: object
    ) -> tuple[Result, ...]:
        self._call("ask", run, only, on_event=on_event, **options)
        return self.results

    def ask_elsewhere(
        self, run: Path, other: Path, *, on_event: Callable, **options: object
    ) -> tuple[Result, ...]:
        self._call("ask_elsewhere", run, other, on_event=on_event, **options)
        return self.results

    def compare(self, runs: Sequence[Path]) -> Compared:
        self._call("compare", runs, on_event=lambda _: None)
        row = Row(
            evaluation="probe",
            features="latent",
            target="malignant",
            metric="auroc",
            figures=(result(), None),
        )
        changes = {"features": "B", "value": -0.02, "low": -0.05, "high": 0.01}
        difference = result(metric="auroc_minus_A", settings={"p": 0.2}, **changes)
        return Compared(
            runs=("A", "B"),
            rows=(row,),
            paired=(difference,),
            remarks=("C is not paired",),
            reseeded=(
                result(evaluation="udr", features="A", metric="udr", value=0.25,
                       settings={"in_use": 3, "columns": 8}),
            ),
        )  # fmt: skip

    def contest(
        self,
        source: Path,
        folder: Path,
        methods: Sequence[str],
        asked: Request,
        *,
        on_event: Callable,
        **options: object,
    ) -> Contest:
        self._call("contest", source, folder, methods, asked, on_event=on_event, **options)
        behind = Apart(mean=0.01, low=-0.02, high=0.04, p=0.4)
        first = Standing(method=methods[0], behind=None)
        second = Standing(method=methods[1], behind=behind)
        said = ("It is ahead: no more than seeds give.",)
        return Contest(
            folder=folder,
            picture=folder / "m.svg",
            table=folder / "m.csv",
            ranking=Ranking(
                labels=("a",), standings=(first, second), agreement=0.5, sentences=said
            ),
            left_out=("local, seed 0, is left out: too few cases",),
            exit_code=0,
        )

    def curate(self, run: Path, *, on_event: Callable, **options: object) -> CurateRecord:
        self._call("curate", run, on_event=on_event, **options)
        counts = [("variance", 9.0, {}), ("shift", 4.0, {"skipped": "there is one site"})]
        left = [
            result(evaluation="curation", target=step, metric="columns", value=value, settings=how)
            for step, value, how in counts
        ]
        gained = result(metric="auroc_minus_table", features="table curated", value=-0.01)
        return CurateRecord(
            table=run / "features_curated.parquet",
            report=run / "report.html",
            kept=("latent_000", "latent_003", "size_mm3", "pooled_001"),
            columns=10,
            results=(*left, gained),
        )

    def verify(self, run: Path) -> list[str]:
        self._call("verify", run, on_event=lambda _: None)
        return ["the weights have the recorded hash"]
