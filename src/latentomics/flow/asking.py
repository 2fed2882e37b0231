"""Evaluations on demand: what takes longer than a run should, asked of a run that has ended.

In: a run folder, the name of an evaluation and labels. Out: records, which also go into the run's
results.json in place of those of the same evaluation and label; the report is written again. Each
evaluation is one entry of ``ON_DEMAND``, or of ``OF_ALL_LABELS`` where it needs them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from latentomics.core import RequestError, Result
from latentomics.evaluation import LabelLike, label_curve, permutation
from latentomics.flow.disentangling import disentangled
from latentomics.flow.evidence import one_thread, without_intervals
from latentomics.flow.external import external
from latentomics.flow.folder import read_results, write_results
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.flow.refitted import Refitted, raw_values, refit
from latentomics.flow.sealing import renew
from latentomics.flow.supervising import supervised

RESULTS = "results.json"
CURVES = (
    "latent",
    "pca",
    "random",
    "classic",
    "size",
    "latent+classic",
    "latent+pooled",
    "random+pooled",
)


def ask(
    run: Path,
    only: str,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Result, ...]:
    """Answer one more question about a finished run.

    Parameters
    ----------
    only : str
        Name of an evaluation in ``ON_DEMAND`` or ``OF_ALL_LABELS``.
    labels : sequence of str, optional
        Columns of the run's manifest; by default the run's own labels.

    Raises
    ------
    RequestError
        When there is no such evaluation, no label, or no run.
    IntegrityError
        When the cohort has changed since the run.
    """
    names = sorted({*ON_DEMAND, *OF_ALL_LABELS})
    if only not in names:
        raise RequestError(
            f"there is no evaluation {only!r} on demand",
            "--only",
            f"choose one of: {', '.join(names)}",
        )
    opened = refit(run, labels=labels, workers=workers, on_event=on_event)
    if not opened.gathered.request.labels:
        raise RequestError(
            "no label is known", str(run), "name a column of the run's manifest with --label"
        )
    asked = opened.gathered.labels(opened.gathered.cases)
    if only in OF_ALL_LABELS:
        found = OF_ALL_LABELS[only](opened, asked, on_event)
    else:
        found = _each(opened, only, asked, on_event)
    if opened.gathered.request.demonstration:
        found = without_intervals(found)
    if not found:
        raise RequestError(
            "the label cannot be probed: too few patients of a class",
            ", ".join(label.name for label in asked),
            "name a label with two patients or more of each class in training and test cases",
        )
    keep(run, found)
    return tuple(found)


def _each(
    opened: Refitted, only: str, asked: Sequence[LabelLike], on_event: OnEvent
) -> list[Result]:
    found: list[Result] = []
    for number, label in enumerate(asked):
        told = f"{only.replace('_', ' ')} of {label.name}"
        on_event(Event(stage="evidence", done=number, total=len(asked), message=told))
        found += ON_DEMAND[only](opened, label, on_event)
    return found


def ask_elsewhere(
    run: Path,
    other: Path,
    *,
    labels: Sequence[str] = (),
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Result, ...]:
    """Judge a finished run on another cohort, and keep the records with the run.

    Raises
    ------
    RequestError, IncompleteError
        See ``external``.
    """
    found = external(run, other, labels=labels, workers=workers, on_event=on_event)
    keep(run, found)
    return tuple(found)


def keep(run: Path, found: Sequence[Result]) -> None:
    """Write records into a run in place of those of the same evaluation, label and cohort."""
    from latentomics.training import lock_folder

    with lock_folder(run):
        put(run, found)


def put(run: Path, found: Sequence[Result], changed: Sequence[str] = ()) -> None:
    """Do what ``keep`` does in a folder that is locked already; other files have changed too."""

    def key(one: Result) -> tuple[object, ...]:
        return one.evaluation, one.target, one.settings.get("on")

    replaced = {key(one) for one in found}
    kept = [one for one in read_results(run / RESULTS) if key(one) not in replaced]
    write_results(run / RESULTS, [*kept, *found])
    renew(run, (RESULTS, *changed))


def _label_efficiency(opened: Refitted, label: LabelLike, _: OnEvent) -> list[Result]:
    """Measure the code and what it is compared with on nested subsets of labelled patients."""
    part = opened.part()
    sets = {name: blocks for name, blocks in part.blocks.items() if name.split("/")[0] in CURVES}
    values = raw_values(opened.stores)
    if values is not None:
        sets["raw"] = [values[0]]
    with one_thread():
        return label_curve(
            label,
            replace(part, blocks=sets),
            opened.patients(),
            raw_values=None if values is None else values[1],
            seed=opened.seed,
        )


def _permutation(opened: Refitted, label: LabelLike, _: OnEvent) -> list[Result]:
    """See whether the pipeline gives chance where labels are dealt out at random."""
    with one_thread():
        return permutation(label, [opened.part()], opened.patients(), seed=opened.seed)


ON_DEMAND: Mapping[str, Callable[[Refitted, LabelLike, OnEvent], list[Result]]] = {
    "label_efficiency": _label_efficiency,
    "permutation": _permutation,
    "supervised": supervised,
}
OF_ALL_LABELS: Mapping[str, Callable[[Refitted, Sequence[LabelLike], OnEvent], list[Result]]] = {
    "disentanglement": disentangled
}
