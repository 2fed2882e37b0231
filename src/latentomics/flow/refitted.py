"""A finished run with everything that it was compared with, fitted again.

In: a run folder whose cohort still lies where it did. Out: a ``Refitted``, the features of all
cases by name as the run had them. Nothing is trained: the network is read, and baselines, which the
seed and the training cases decide, are fitted again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latentomics.core import DoubleArray, IntArray, IntegrityError, RequestError
from latentomics.evaluation import Part, numbered
from latentomics.features import ByCase, Classified, encode_store
from latentomics.flow.asked import PLAN
from latentomics.flow.baselines import baselines, inputs, reduce_pooled, unfitted
from latentomics.flow.evidence import part_of, size_block
from latentomics.flow.fitting import Stores, stores_of
from latentomics.flow.gather import Gathered, gather, prepare_cases, without
from latentomics.flow.measuring import classic_of
from latentomics.flow.model import Model, load_fitted
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.planning import load_plan

LARGEST = 1e-10  # of an axis' variance to the largest: below lies rounding
MOST_AXES = 8000  # cases or values: a square of them takes 512 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refitted:
    """A run as it was when it ended; rows of the features are its cases."""

    folder: Path
    gathered: Gathered
    stores: Stores
    model: Model
    features: Mapping[str, ByCase]
    classic: Classified | None

    @property
    def cases(self) -> tuple[str, ...]:
        """Rows of the features."""
        return self.features["latent"].cases

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.model.plan.seed

    def part(self) -> Part:
        """Return the run's split with its sets of features."""
        return part_of(self, self.gathered.split, size_block(self.gathered))

    def patients(self) -> IntArray:
        """Return the number of each row's patient."""
        return numbered([case.patient for case in self.gathered.cases])


def refit(
    run: Path,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Refitted:
    """Open a finished run, and fit its baselines again.

    Parameters
    ----------
    labels : sequence of str
        In place of the run's own; they may be any columns of its manifest.

    Raises
    ------
    RequestError
        When no finished run lies there, or its cohort is not where it was.
    IntegrityError
        When the cohort is split in another way than the run's was: it has changed.
    """
    if not (run / "cohort.parquet").is_file() or not (run / "model").is_dir():
        raise RequestError(
            "no finished run lies here", str(run), "give the folder of a run that ended"
        )
    plan, model = load_plan(run / PLAN), load_fitted(run / "model")
    refuse_rows_of_patients(plan.request, str(run))
    gathered = gather(plan.request, shares=plan.split.value, workers=workers, on_event=on_event)
    prepared = prepare_cases(gathered.cases, plan, workers=workers, on_event=on_event)
    gathered = without(gathered, prepared.rejected)
    _refuse_another_cohort(run, gathered)
    stores = stores_of(plan, prepared, gathered.cases, gathered.split)
    on_event(Event(stage="encode", done=0, total=1, message="encoding every case"))
    beside = unfitted(plan, stores.every, alone=set(stores.train.cases))
    fixed = baselines(plan, stores.train, stores.every, beside, judged=False)
    encoded = encode_store(model.network, plan, stores.every, regions=beside.regions)
    features = {"latent": encoded.latent, **fixed.features}
    if encoded.pooled is not None and model.pooled_components is not None:
        features["pooled"] = reduce_pooled(encoded.pooled, model.pooled_components)
    classic = classic_of(gathered, plan, workers=workers, on_event=on_event)
    if labels:
        request = gathered.request.model_copy(update={"labels": tuple(labels)})
        gathered = replace(gathered, request=request)
    return Refitted(
        folder=run,
        gathered=gathered,
        stores=stores,
        model=model,
        features=features,
        classic=classic,
    )


def raw_values(stores: Stores) -> tuple[DoubleArray, int] | None:
    """Return all values of every case, and how many they are.

    Where these are more than cases they come on as many axes as there are cases, a rotation that
    loses nothing: distances and inner products are those of the values, and so is every model with
    an L2 penalty. None where a case has several samples, samples differ in size, or cases and
    values are both so many that memory should not hold a square of them.
    """
    every = stores.every
    if len(set(every.cases)) < len(every) or not every.uniform:
        return None
    values = every.channels * every.sample(0).mask.size
    if min(len(every), values) > MOST_AXES:
        return None
    rows = inputs(every, every.channels, 2**62).reshape(len(every), -1)
    if values <= len(rows):
        return rows.astype(np.float64), values
    train = np.isin(np.array(every.cases), np.array(stores.train.cases))
    gram = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], 4096):  # in float64 without a copy of all
        part = rows[:, start : start + 4096].astype(np.float64)
        part -= part[train].mean(axis=0)
        gram += part @ part.T
    variances, axes = np.linalg.eigh(gram)
    kept = variances > LARGEST * variances[-1]
    return axes[:, kept] * np.sqrt(variances[kept]), values


def _refuse_another_cohort(run: Path, gathered: Gathered) -> None:
    import pandas

    written = pandas.read_parquet(run / "cohort.parquet", columns=["case", "split"])
    before = dict(zip(written["case"], written["split"], strict=True))
    now = {case.id: gathered.split[case.id] for case in gathered.cases}
    if before != now:
        changed = sorted(
            name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
        )
        raise IntegrityError(
            f"the cohort has changed since the run: {len(changed)} cases are split in another way, "
            f"the first of them {changed[0]}",
            str(gathered.cohort.manifest),
            "bring the cohort back to what it was, or run again",
        )
