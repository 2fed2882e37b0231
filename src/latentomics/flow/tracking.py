"""What a run tells TensorBoard or MLflow as it goes, both optional, beside its own history.jsonl.

In: lines of the history and results, as scalars of a step. Out: files in RUN/tracking, by the
tracker's own library; nothing is sent anywhere. Terms in nats per sample, as in the history.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from latentomics.core import RequestError, Result
from latentomics.planning import Plan
from latentomics.training import EpochRecord

FOLDER = "tracking"
WHOLE = "run"
NEEDED = {"mlflow": ("mlflow", "sqlalchemy", "alembic"), "tensorboard": ("tensorboard",)}
LONGEST = 500  # characters of a choice, the most that MLflow takes
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")  # of MLflow's metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """Scalars of one step of a part, the run or a fold; ``words`` are choices of the plan."""

    part: str
    step: int
    scalars: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)


Track = Callable[[Tracked], None]


def of_record(record: EpochRecord, fold: int | None = None) -> Tracked:
    """Return a line of the history: its terms in training and validation, and the rate."""
    sides = {"train": record.train, "validation": record.validation}
    scalars = {f"{side}/{name}": value for side in sides for name, value in sides[side].items()}
    part = WHOLE if fold is None else f"fold_{fold}"
    return Tracked(part=part, step=record.step, scalars={**scalars, "rate": record.rate})


def of_results(results: Sequence[Result], plan: Plan, step: int) -> Tracked:
    """Return the figures on held-out cases, and the plan's choices in words."""
    named = {
        "/".join(filter(None, (one.evaluation, one.features, one.target, one.metric))): one.value
        for one in results
        if one.settings.get("split", "test") == "test" and one.settings.get("n_labels") is None
    }
    choices = plan.model_dump(mode="json")
    words = {
        name: str(choice["value"])[:LONGEST]
        for name, choice in choices.items()
        if isinstance(choice, dict) and "reason" in choice
    }
    return Tracked(part=WHOLE, step=step, scalars=named, words={**words, "seed": str(plan.seed)})


def refuse_missing(names: Sequence[str]) -> None:
    """Refuse a tracker that is unknown or not installed, before anything is started.

    Raises
    ------
    RequestError
        With the command that installs it.
    """
    for name in names:
        if name not in NEEDED:
            known = ", ".join(NEEDED)
            raise RequestError(f"there is no tracker {name!r}", "--track", f"name one of: {known}")
        if not all(importlib.util.find_spec(package) for package in NEEDED[name]):
            raise RequestError(
                f"{name} is not installed", f"--track {name}", f"pip install 'latentomics[{name}]'"
            )


@contextmanager
def tracking(names: Sequence[str], folder: Path) -> Iterator[Track]:
    """Open the trackers of a run folder, and close them when the run ends, however it ends.

    Values that are not finite are left out: a tracker has no line for them.
    """
    with ExitStack() as stack:
        place = (folder / FOLDER).resolve()
        opened = [stack.enter_context(OPENERS[name](place)) for name in dict.fromkeys(names)]

        def track(told: Tracked) -> None:
            finite = {name: one for name, one in told.scalars.items() if math.isfinite(one)}
            for tell in opened:
                tell(Tracked(part=told.part, step=told.step, scalars=finite, words=told.words))

        yield track


@contextmanager
def _tensorboard(folder: Path) -> Iterator[Track]:
    from torch.utils.tensorboard import SummaryWriter

    writers: dict[str, SummaryWriter] = {}

    def track(told: Tracked) -> None:
        if told.part not in writers:  # from here on a run that goes on stands for the killed one
            place = str(folder / "tensorboard" / told.part)
            writers[told.part] = SummaryWriter(place, purge_step=told.step)
        writer = writers[told.part]
        for name, value in told.scalars.items():
            writer.add_scalar(name, value, told.step)
        for name, words in told.words.items():
            writer.add_text(f"plan/{name}", words, told.step)
        writer.flush()

    try:
        yield track
    finally:
        for writer in writers.values():
            writer.close()


@contextmanager
def _mlflow(folder: Path) -> Iterator[Track]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when it is imported
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    known = client.get_experiment_by_name("latentomics")
    at = str(folder / "mlflow")
    experiment = known.experiment_id if known else client.create_experiment("latentomics", at)
    runs = {run.info.run_name: run.info.run_id for run in client.search_runs([experiment])}

    def track(told: Tracked) -> None:
        if told.part not in runs:
            made = client.create_run(experiment, run_name=told.part)
            runs[told.part] = made.info.run_id
        now = round(1000 * time.time())
        metrics = [
            Metric(NOT_IN_NAMES.sub("_", name), value, now, told.step)
            for name, value in told.scalars.items()
        ]
        params = [Param(name, words) for name, words in told.words.items()]
        client.log_batch(runs[told.part], metrics=metrics, params=params)

    ended = "FAILED"
    try:
        yield track
        ended = "FINISHED"
    finally:
        for run in runs.values():
            client.set_terminated(run, ended)


OPENERS: dict[str, Callable[[Path], AbstractContextManager[Track]]] = {
    "mlflow": _mlflow,
    "tensorboard": _tensorboard,
}
