"""Runs side by side: their figures in one table, and paired where they hold out the same cases.

In: folders of finished runs; no image is read. Out: a ``Compared``: the figures of each run, and
paired differences of what their latents know of the labels that they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, RequestError, Result, Target
from latentomics.evaluation import LabelLike, Part, numbered, probe
from latentomics.features import read_table
from latentomics.flow.asked import PLAN
from latentomics.flow.folder import read_results
from latentomics.flow.gather import Split
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.question import one_thread
from latentomics.flow.reseeded import reseeded
from latentomics.planning import Request, load_plan

if TYPE_CHECKING:
    from pandas import DataFrame

MAIN = ("mse", "mse_ratio_to_pca", "active_share", "auroc", "r2", "icc_median", "mig", "sap",
        "disentanglement", "completeness", "informativeness")  # fmt: skip
SHOWN = ("reconstruction", "collapse", "probe", "label_efficiency", "site", "stability",
         "disentanglement")  # fmt: skip
LEARNED = ("latent", "latent+size", "latent+pooled", "latent+classic")
TARGET = "target_"  # before the name of a label in cohort.parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A label as a run's cohort.parquet holds it; the larger of two values is the positive one."""

    name: str
    kind: str
    values: tuple[Target, ...]
    positive: str | None = None

    @classmethod
    def of(cls, name: str, stored: Sequence[object]) -> Held:
        """Return a label of stored values; what is not a number and no word is unknown."""
        values = tuple(v if isinstance(v, str) else _number(v) for v in stored)
        distinct = set(values) - {None}
        words = any(isinstance(value, str) for value in distinct)
        kind = "binary" if len(distinct) == 2 else "classes" if words else "continuous"
        return cls(name=name, kind=kind, values=values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ended:
    """What a comparison reads of a finished run; rows of the latent are ``cases``."""

    name: str
    results: tuple[Result, ...]
    cases: tuple[str, ...]
    patients: tuple[str, ...]
    split: Split
    labels: tuple[Held, ...]
    latent: DoubleArray
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of every run, None where a run has none."""

    evaluation: str
    features: str
    target: str | None
    metric: str
    figures: tuple[Result | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Runs side by side; ``remarks`` say why runs are not paired."""

    runs: tuple[str, ...]
    rows: tuple[Row, ...]
    paired: tuple[Result, ...]
    remarks: tuple[str, ...]
    reseeded: tuple[Result, ...] = ()


def compare(runs: Sequence[Path], *, seed: int = 0) -> Compared:
    """Compare finished runs; the first one is what the others are compared with.

    Returns
    -------
    Compared
        ``paired`` has records of evaluation ``compare``: for every label of the first run and a
        later one the main metric of each run's latent on the same held-out patients, and their
        difference with its interval and p. Only runs of the very same split are paired.
        ``reseeded`` has UDR for runs that differ in their seed alone.

    Raises
    ------
    RequestError
        When there are fewer than two runs, or one has not ended.
    """
    if len(runs) < 2:
        raise RequestError(
            "a comparison needs two runs",
            f"{len(runs)} given",
            "name two run folders, or a cohort with --sweep latent=2,4,8",
        )
    ended = [read_ended(run, name) for run, name in zip(runs, _names(runs), strict=True)]
    first, paired, remarks = ended[0], [], []
    for other in ended[1:]:
        reason = _unlike(first, other)
        if reason is not None:
            remarks.append(f"{other.name} is not paired with {first.name}: {reason}")
            continue
        paired += _paired(first, other, seed)
    matched, unmatched = reseeded(ended)
    return Compared(
        runs=tuple(run.name for run in ended),
        rows=_rows(ended),
        paired=tuple(paired),
        remarks=(*remarks, *unmatched),
        reseeded=tuple(matched),
    )


def _names(runs: Sequence[Path]) -> list[str]:
    """Return the folders' names, whole paths where two are alike."""
    names = [run.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run) for run in runs]


def read_ended(run: Path, name: str) -> Ended:
    """Read a finished run.

    Raises
    ------
    RequestError
        When none lies there, or its rows are patients.
    """
    import pandas

    if not all((run / file).is_file() for file in ("results.json", "cohort.parquet")):
        raise RequestError(
            "no finished run lies here", str(run), "give the folder of a run that ended"
        )
    request = load_plan(run / PLAN).request
    refuse_rows_of_patients(request, str(run))
    table = read_table(run / "features.parquet")
    cases = tuple(map(str, table.frame["case"]))
    cohort = pandas.read_parquet(run / "cohort.parquet").set_index("case").loc[list(cases)]
    return Ended(
        name=name,
        results=read_results(run / "results.json"),
        cases=cases,
        patients=tuple(map(str, table.frame["patient"])),
        split=dict(zip(cases, table.frame["split"], strict=True)),
        labels=held_labels(cohort),
        latent=table.values("latent"),
        request=request,
    )


def held_labels(cohort: DataFrame) -> tuple[Held, ...]:
    """Return the labels of a cohort.parquet, in the order of its rows."""
    return tuple(
        Held.of(column.removeprefix(TARGET), cohort[column].tolist())
        for column in cohort.columns
        if column.startswith(TARGET)
    )


def _number(value: object) -> float | None:
    known = isinstance(value, (int, float)) and value == value
    return float(value) if known else None  # type: ignore[arg-type]


def _unlike(first: Ended, other: Ended) -> str | None:
    """Return why two runs cannot be paired."""
    tested = [
        {case for case, part in run.split.items() if part == "test"} for run in (first, other)
    ]
    if tested[0] != tested[1]:
        return "they hold out other cases"
    if first.split != other.split:
        return "they train on other cases"
    return None


def _paired(first: Ended, other: Ended, seed: int) -> list[Result]:
    """Probe both latents for the labels that both runs have, on the same patients."""
    place = {case: row for row, case in enumerate(other.cases)}
    blocks = {
        first.name: [first.latent],
        other.name: [other.latent[[place[case] for case in first.cases]]],
    }
    side = np.array([first.split[case] for case in first.cases])
    part = Part(
        train=np.flatnonzero((side == "train") | (side == "val")),
        test=np.flatnonzero(side == "test"),
        blocks=blocks,
    )
    shared = {label.name for label in other.labels}
    asked: list[LabelLike] = [label for label in first.labels if label.name in shared]
    results = []
    with one_thread():
        for label in asked:
            results += probe(
                label,
                [part],
                numbered(first.patients),
                seed=seed,
                evaluation="compare",
                comparisons={other.name: (first.name,)},
            )
    return [one for one in results if one.metric.split("_minus_")[0] in ("auroc", "r2")]


def _rows(ended: Sequence[Ended]) -> tuple[Row, ...]:
    found = [_figures(run.results) for run in ended]
    keys = list(dict.fromkeys(key for figures in found for key in figures))
    keys.sort(key=lambda key: SHOWN.index(key[0]))
    return tuple(
        Row(
            evaluation=key[0],
            features=key[1],
            target=key[2],
            metric=key[3],
            figures=tuple(figures.get(key) for figures in found),
        )
        for key in keys
    )


def _figures(results: Sequence[Result]) -> dict[tuple[str, str, str | None, str], Result]:
    """Return the main figures of a run's held-out cases."""
    found: dict[tuple[str, str, str | None, str], Result] = {}
    for one in results:
        held_out = one.settings.get("split", "test") == "test"
        wanted = one.evaluation in SHOWN and one.metric in MAIN
        learned = one.features in LEARNED or (one.metric, one.features) == ("mse", "pca")
        count = one.settings.get("n_labels")
        if held_out and wanted and learned:
            name = one.metric if count is None else f"{one.metric} of {count} labelled"
            found.setdefault((one.evaluation, one.features, one.target, name), one)
    return found
