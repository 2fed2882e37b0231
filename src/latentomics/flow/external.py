"""A finished run judged on another cohort: nothing is fitted there.

In: a run, another cohort and labels that both have. Out: records of evaluation ``external``. The
linear models are fitted on the run's own training and validation cases, and score every case of the
other cohort that was in none of the run's pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from latentomics.core import Case, DoubleArray, IncompleteError, RequestError, Result
from latentomics.evaluation import LabelLike, Part, comparable, numbered, probe
from latentomics.features import FeatureTable, read_table
from latentomics.flow.asked import PLAN
from latentomics.flow.cohorts import new_cohort, own_cohort
from latentomics.flow.encoding import encode
from latentomics.flow.gather import measured_facts
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.question import one_thread
from latentomics.flow.records import OnEvent, ignore
from latentomics.planning import Request, load_plan
from latentomics.sources import Cohort, label_of

COMPARED = {"latent": ("classic", "size"), "latent+size": ("size",), "latent+classic": ("classic",)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Both:
    """The run's fitting cases and those of the other cohort, one after the other."""

    cases: tuple[Case, ...]
    tables: tuple[FeatureTable, FeatureTable]
    fitted: int  # rows that fit
    repeated: int  # cases left out for their pictures are the run's
    same_names: int  # patients of the other cohort that have a name of the run's
    unlike: float  # share of the other cohort's cases unlike the run's


def external(
    run: Path,
    other: Path,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> list[Result]:
    """Apply a run's model and its probes to another cohort.

    Parameters
    ----------
    other : Path
        A manifest or a folder.
    labels : sequence of str, optional
        Columns that both cohorts have; by default the run's own labels.

    Returns
    -------
    list of Result
        Metrics of the probe and its calibration, differences to size and classic radiomics where
        both cohorts have them, and ``unlike_share``, the share of cases unlike the run's cohort.

    Raises
    ------
    RequestError
        When a manifest or a label is wrong, or no label is known.
    IncompleteError
        When no case can be encoded, or all of them are the run's own.
    """
    request = load_plan(run / PLAN).request
    refuse_rows_of_patients(request, str(run))
    names = tuple(labels) or request.labels
    if not names:
        raise RequestError("no label is known", str(run), "name a column of both with --label")
    both = _both(run, other, request, workers, on_event)
    patients = numbered(
        [f"{row < both.fitted} {case.patient}" for row, case in enumerate(both.cases)]
    )
    part = Part(
        train=np.arange(both.fitted),
        test=np.arange(both.fitted, len(both.cases)),
        blocks=_blocks(both),
    )
    pairs = {
        name: tuple(base for base in bases if base in part.blocks)
        for name, bases in COMPARED.items()
        if name in part.blocks
    }
    results = [_unlike(both, len(part.test))]
    for name in names:
        label: LabelLike = label_of(both.cases, name)
        with one_thread():
            results += probe(
                label,
                [part],
                patients,
                seed=request.seed,
                evaluation="external",
                comparisons=pairs,
                calibrated=True,
            )
    notes = {
        "scored": f"every case of {other.name}",
        "on": other.name,
        "fitted_on": "training and validation cases of the run",
        "left_out_as_seen": both.repeated,
        "patients_of_the_same_name": both.same_names,
    }
    return [replace(one, settings={**one.settings, **notes}) for one in results]


def _both(run: Path, other: Path, request: Request, workers: int | None, on_event: OnEvent) -> Both:
    own = read_table(run / "features.parquet")
    with TemporaryDirectory(prefix="latentomics-") as folder:
        path = Path(folder) / "other.parquet"
        encode(run, other, path, workers=workers, on_event=on_event)
        found = read_table(path)
    own_cases = _cases(own_cohort(request), own)
    new_cases = _cases(new_cohort(other, request), found)
    before, _ = measured_facts(own_cases, workers, on_event)
    now, _ = measured_facts(new_cases, workers, on_event)
    seen = {fact.voxel_hash for fact in before.values()}
    fresh = [row for row, case in enumerate(new_cases) if now[case.id].voxel_hash not in seen]
    if not fresh:
        raise IncompleteError(
            "every case of the other cohort is one of the run's own",
            str(other),
            "give a cohort that the run has not seen",
        )
    fits = np.flatnonzero(own.frame["split"].isin(["train", "val"])).tolist()
    known = {case.patient for case in own_cases}
    share = 0.0
    if "likeness" in found.groups:
        share = float(found.values("likeness")[fresh, -1].mean())
    return Both(
        cases=(*(own_cases[row] for row in fits), *(new_cases[row] for row in fresh)),
        tables=(_rows(own, fits), _rows(found, fresh)),
        fitted=len(fits),
        repeated=len(new_cases) - len(fresh),
        same_names=len({new_cases[row].patient for row in fresh} & known),
        unlike=share,
    )


def _cases(cohort: Cohort, table: FeatureTable) -> list[Case]:
    """Return the cases of a table, in its order, with what the manifest says of them."""
    by_id = {case.id: case for case in cohort.cases}
    missing = [name for name in map(str, table.frame["case"]) if name not in by_id]
    if missing:
        raise IncompleteError(
            f"{len(missing)} cases of the run are no longer in its manifest",
            f"{cohort.manifest}: {', '.join(missing[:5])}",
            "bring the manifest back to what it was",
        )
    return [by_id[name] for name in map(str, table.frame["case"])]


def _rows(table: FeatureTable, rows: Sequence[int]) -> FeatureTable:
    return replace(table, frame=table.frame.iloc[list(rows)])


def _blocks(both: Both) -> dict[str, list[DoubleArray]]:
    """Return the sets of features that both tables have."""

    def stacked(group: str) -> DoubleArray:
        names = list(both.tables[0].groups[group])
        parts = [table.frame[names].to_numpy(np.float64) for table in both.tables]
        return np.concatenate(parts)

    shared = set(both.tables[0].groups) & set(both.tables[1].groups)
    latent = stacked("latent")
    blocks: dict[str, list[DoubleArray]] = {"latent": [latent]}
    if "size" in shared and np.isfinite(stacked("size")).all():  # every case has a mask
        size = np.log(stacked("size")[:, -1:])
        blocks |= {"size": [size], "latent+size": [latent, size]}
    if "classic" in shared:
        classic = comparable(stacked("classic"), np.arange(both.fitted))
        blocks |= {"classic": [classic], "latent+classic": [latent, classic]}
    return blocks


def _unlike(both: Both, number: int) -> Result:
    return Result(
        evaluation="external",
        features="latent",
        target=None,
        metric="unlike_share",
        value=both.unlike,
        low=None,
        high=None,
        n=number,
    )
