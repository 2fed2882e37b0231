"""The same cohort with codes of several lengths: error and probe against the length (METHODS 29).

In: a cohort, what is asked of it, and the lengths. Out: a folder with one run a length, a picture
and a table of the curve. Beside the error stands that of principal components: on training cases it
is the sum of the eigenvalues that are left out, a voxel.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import (
    IncompleteError,
    Interrupted,
    LatentomicsError,
    RequestError,
    Result,
    write_atomic,
)
from latentomics.flow.asked import PLAN
from latentomics.flow.folder import read_results
from latentomics.flow.job import run
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.flow.sealing import SEAL
from latentomics.planning import Request
from latentomics.report import LengthFigure, draw_lengths

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAIN = ("auroc", "r2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A finished sweep: its folder, the figures in order of length, and the runs."""

    folder: Path
    picture: Path
    figures: tuple[LengthFigure, ...]
    runs: tuple[Path, ...]
    left_out: tuple[str, ...]
    exit_code: int


def sweep(
    source: Path,
    folder: Path,
    lengths: Sequence[int],
    asked: Request | None = None,
    *,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Swept:
    """Run a cohort once a length; what the folder's runs did already, by the same request, stays.

    Parameters
    ----------
    lengths : sequence of int
        Numbers of latents.
    asked : Request, optional
        Of every run; a budget is that of each one.

    Returns
    -------
    Swept
        Figures of held-out cases, but for ``tail``, the error of as many principal components on
        training cases.

    Raises
    ------
    RequestError
        When there are fewer than two lengths.
    LatentomicsError
        Of the first run that came to no end, when fewer than two did.
    """
    if len(set(lengths)) < 2:
        raise RequestError(
            "a sweep needs two lengths of the code", "--sweep", "write --sweep latent=2,4,8,16"
        )
    request = asked or Request()
    places = {length: folder / f"latent-{length}" for length in sorted(set(lengths))}
    requests = {
        place: request.model_copy(update={"latent": length}) for length, place in places.items()
    }
    code, failed = run_each(source, requests, workers=workers, on_event=on_event)
    whole = [length for length, place in places.items() if place not in failed]
    refuse_single(whole, failed)
    figures = [
        one
        for length in whole
        for one in figures_of(length, read_results(places[length] / "results.json"))
    ]
    _, picture = write_figures(folder, "bottleneck", figures, draw_lengths(figures))
    return Swept(
        folder=folder,
        picture=picture,
        figures=tuple(figures),
        runs=tuple(places[length] for length in whole),
        left_out=left_out(failed),
        exit_code=code,
    )


def run_each(
    source: Path,
    requests: Mapping[Path, Request],
    *,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[int, dict[Path, LatentomicsError]]:
    """Run a cohort once a folder; one that was begun goes on, one that was done stays.

    Returns
    -------
    tuple of int and dict
        The exit code of the first run that had another one than 0, else 0, and what stopped the
        runs that came to no end.
    """
    codes: list[int] = []
    failed: dict[Path, LatentomicsError] = {}
    for number, (place, request) in enumerate(requests.items()):
        told = f"run {number + 1} of {len(requests)}: {place.name}"
        on_event(Event(stage="sweep", done=number, total=len(requests), message=told))
        begun, ended = (place / PLAN).is_file(), (place / SEAL).is_file()
        try:
            record = run(
                source,
                place,
                request,
                resume=begun and not ended,
                workers=workers,
                on_event=on_event,
            )
        except Interrupted:
            raise
        except LatentomicsError as error:
            failed[place] = error
            codes.append(IncompleteError.exit_code)
        else:
            codes.append(record.exit_code)
    return next(filter(None, codes), 0), failed


def refuse_single(whole: Sequence[object], failed: Mapping[Path, LatentomicsError]) -> None:
    """Refuse to compare fewer than two, by what stopped the first run."""
    if len(whole) < 2:
        raise next(iter(failed.values()))


def left_out(failed: Mapping[Path, LatentomicsError]) -> tuple[str, ...]:
    """Return a sentence for each run that came to no end."""
    return tuple(f"left out: {place.name}: {error}" for place, error in failed.items())


def write_figures(
    folder: Path,
    name: str,
    figures: Sequence[DataclassInstance],
    drawn: bytes,
) -> tuple[Path, Path]:
    """Write figures as a table and as a picture; return both paths."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(figures[0])])
    writer.writeheader()
    writer.writerows(asdict(figure) for figure in figures)
    table, picture = folder / f"{name}.csv", folder / f"{name}.svg"
    write_atomic(table, text.getvalue())
    write_atomic(picture, drawn)
    return table, picture


def figures_of(length: int, results: Sequence[Result]) -> list[LengthFigure]:
    """Return what a run of one length says: errors, the tail of PCA, and the probes of its code."""
    found = []
    for one in results:
        part = one.settings.get("split", "test")
        name = _name(one, str(part))
        if name is not None:
            found.append(
                LengthFigure(
                    latents=length,
                    figure=name,
                    features=one.features,
                    target=one.target,
                    value=one.value,
                    low=one.low,
                    high=one.high,
                    n=one.n,
                )
            )
    return found


def _name(one: Result, part: str) -> str | None:
    if one.evaluation == "reconstruction" and one.metric == "mse":
        if one.features in ("latent", "pca") and part == "test":
            return "error"
        return "tail" if (one.features, part) == ("pca", "train") else None
    if one.evaluation == "probe" and one.metric in MAIN and one.features in ("latent", "pca"):
        return one.metric
    return None
