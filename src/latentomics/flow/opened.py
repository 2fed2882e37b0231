"""A finished run opened again, for what is asked of its model alone.

In: a run folder. Out: its model, the cases it was made from, on which side of the split each one
was, and their prepared samples, read through the run's own manifest and the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentomics.core import Case, IncompleteError, RequestError
from latentomics.dataset import Store
from latentomics.flow.asked import PLAN
from latentomics.flow.cohorts import own_cohort
from latentomics.flow.fitting import load
from latentomics.flow.gather import Split, prepare_cases
from latentomics.flow.model import Model, load_fitted
from latentomics.flow.records import OnEvent, ignore
from latentomics.methods import Method, method_of
from latentomics.planning import load_plan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A run's model and method, and the samples of the cases that it was made from."""

    model: Model
    method: Method
    cases: tuple[Case, ...]
    split: Split
    store: Store

    def part(self, name: str) -> Store:
        """Return the samples of training (train), validation (val) or test cases."""
        return self.store.of([case.id for case in self.cases if self.split[case.id] == name])

    @property
    def held_out(self) -> str:
        """The part that nothing was chosen on: test, or validation where there is no test part."""
        return "test" if "test" in self.split.values() else "val"


def load_run(run: Path) -> tuple[Model, Method]:
    """Load the model of a run and the method that made it.

    Raises
    ------
    RequestError
        When no finished run lies there.
    IntegrityError
        When the model is not what was written.
    """
    if not (run / "model").is_dir() or not (run / PLAN).is_file():
        raise RequestError(
            "no finished run lies here", str(run), "give the folder that 'run -o' wrote"
        )
    model = load_fitted(run / "model")
    return model, method_of(model.plan)


def open_run(
    run: Path,
    model: Model,
    method: Method,
    *,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Opened:
    """Read the cases of a run again.

    Raises
    ------
    RequestError
        When the run's manifest is no longer where it was.
    IncompleteError
        When a case of the run is gone, or can no longer be read.
    """
    import pandas

    table = pandas.read_parquet(run / "cohort.parquet", columns=["case", "split"])
    split = dict(zip(table["case"], table["split"], strict=True))
    request = load_plan(run / PLAN).request
    cohort = own_cohort(request)
    cases = tuple(case for case in cohort.cases if case.id in split)
    prepared = prepare_cases(cases, model.plan, workers=workers, on_event=on_event)
    missing = sorted(split.keys() - {case.id for case in cases})
    missing += [rejection.case for rejection in prepared.rejected]
    if missing:
        raise IncompleteError(
            f"{len(missing)} cases of the run cannot be read any more",
            f"{request.manifest}: {', '.join(missing[:5])}",
            "put their files back where the manifest says",
        )
    store = load(model.plan, prepared, [case.id for case in cases])
    return Opened(model=model, method=method, cases=cases, split=split, store=store)
