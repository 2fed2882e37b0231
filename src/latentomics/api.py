"""The Python door: the same functions as the commands, with small records that show themselves.

In a notebook the last line of a cell shows a record as HTML: verdict, table, paths.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics import flow
from latentomics.evaluation import LOWEST_ICC
from latentomics.planning import request_from

if TYPE_CHECKING:
    from pandas import DataFrame

    from latentomics.core import Result
    from latentomics.flow import Compared, CurateRecord, ExportRecord
    from latentomics.planning import Plan

SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run."""

    folder: Path
    report: Path
    table: Path
    verdict: tuple[tuple[str, str], ...]
    results: tuple[Result, ...] = field(repr=False)  # hundreds of them
    rejected: int

    def features(self) -> DataFrame:
        """Return the table of features."""
        from latentomics.features import read_table

        return read_table(self.table).frame

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{html.escape(status)}</b> {html.escape(sentence)}</li>"
            for status, sentence in self.verdict
        )
        table = self.features().head(SHOWN_ROWS).iloc[:, :8].to_html(index=False, border=0)
        return f"<ul>{items}</ul>{table}{_path(self.report)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Cases encoded by a stored model."""

    table: Path
    rows: int
    flagged: int
    rejected: int

    def features(self) -> DataFrame:
        """Return the table of features."""
        from latentomics.features import read_table

        return read_table(self.table).frame

    def _repr_html_(self) -> str:
        words = (
            f"<p>{self.rows} cases, {self.flagged} unlike the training cohort, "
            f"{self.rejected} rejected</p>"
        )
        table = self.features().head(SHOWN_ROWS).iloc[:, :8].to_html(index=False, border=0)
        return f"{words}{table}{_path(self.table)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan that was made and not run; ``plan.to_yaml()`` is what can be edited."""

    plan: Plan

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(choice['value']))}</td>"
            f"<td>{html.escape(str(choice['reason']))}</td></tr>"
            for name, choice in self.plan.model_dump(mode="json").items()
            if isinstance(choice, dict) and "reason" in choice
        )
        return f"<table><tr><th>choice</th><th>value</th><th>reason</th></tr>{rows}</table>"


def run(
    source: str | Path,
    output: str | Path,
    *,
    resume: bool = False,
    workers: int | None = None,
    track: Sequence[str] = (),
    **asked: object,
) -> Run:
    """Learn features from a cohort: a table, a report and a model.

    Parameters
    ----------
    source : path
        A manifest, a folder of images, or an edited plan (``.yaml``).
    output : path
        The run folder.
    resume : bool
        Go on where the folder's run stopped.
    workers : int, optional
        Processes that read cases; all cores by default.
    track : sequence of str
        ``"tensorboard"``, ``"mlflow"``: what is told as the run goes, in ``RUN/tracking``.
    **asked
        What the options of the command ask, by the names of ``latentomics.planning.Request``:
        labels (columns, or comparisons such as ``"grade>=2"``), site (column), channels
        (columns), mask_label, folds, budget_s (wall time of the whole run, about ten minutes by
        default), epochs, memory_bytes, method, latent, settings (a mapping), seed, per (case or
        patient: what a row is), aggregate (mean, largest or deviant).

    Returns
    -------
    Run
        With the verdict, the records of ``results.json`` and the paths.

    Raises
    ------
    RequestError, IncompleteError, Interrupted
        See the command ``latentomics run``.

    Examples
    --------
    >>> latentomics.run("cohort.csv", "RUN", labels=["grade>=2"], folds=5)  # doctest: +SKIP
    """
    record = flow.run(
        Path(source),
        Path(output),
        request_from(asked),
        resume=resume,
        workers=workers,
        track=track,
    )
    return Run(
        folder=record.folder,
        report=record.report,
        table=record.table,
        verdict=record.verdict,
        results=record.results,
        rejected=record.rejected,
    )


def plan(source: str | Path, *, workers: int | None = None, **asked: object) -> Planned:
    """Plan a run without running it, by the words of ``run``; every choice has its reason."""
    made = flow.make_plan(Path(source), request_from(asked), workers=workers)
    return Planned(plan=made)


def encode(
    run: str | Path,
    source: str | Path,
    output: str | Path,
    *,
    per: str | None = None,
    aggregate: str | None = None,
    posterior: bool = False,
    workers: int | None = None,
) -> Encoded:
    """Encode new cases with a run's model, and flag those unlike its training cohort.

    ``per`` (case or patient) and ``aggregate`` (mean, largest or deviant) are as in the run by
    default. ``posterior`` adds each latent's posterior variance, where the code is Gaussian.
    """
    record = flow.encode(
        Path(run),
        Path(source),
        Path(output),
        per=per,
        aggregate=aggregate,
        posterior=posterior,
        workers=workers,
    )
    return Encoded(
        table=record.table, rows=record.rows, flagged=record.flagged, rejected=record.rejected
    )


def export(
    run: str | Path,
    output: str | Path,
    *,
    cohort: str | Path | None = None,
    workers: int | None = None,
) -> ExportRecord:
    """Write a run's encoder and decoder as ONNX into a folder, compared with torch.

    See the command ``latentomics export``; needs the extra ``onnx``.
    """
    of_cases = None if cohort is None else Path(cohort)
    return flow.export(Path(run), Path(output), cohort=of_cases, workers=workers)


def posterior(
    run: str | Path,
    *,
    nll: int | None = None,
    variances: bool = False,
    workers: int | None = None,
) -> tuple[Result, ...]:
    """Measure what only a Gaussian code has; the command is ``latentomics evaluate``.

    Parameters
    ----------
    nll : int, optional
        Negative log likelihood of test cases, by so many draws of each code.
    variances : bool
        Add the posterior variance of each latent to the run's feature table.

    Returns
    -------
    tuple of Result
        What was added to ``results.json``.

    Raises
    ------
    RequestError
        When the run's code has no posterior.
    """
    return flow.posterior(Path(run), nll=nll, variances=variances, workers=workers)


def evaluate(
    run: str | Path,
    only: str = "",
    *,
    on: str | Path | None = None,
    labels: Sequence[str] = (),
    workers: int | None = None,
) -> tuple[Result, ...]:
    """Ask one more question of a run: ``only`` one by its name, or how it does ``on`` a cohort.

    Raises
    ------
    RequestError
        With the names that are known.
    """
    if on is not None:
        return flow.ask_elsewhere(Path(run), Path(on), labels=labels, workers=workers)
    return flow.ask(Path(run), only, labels=labels, workers=workers)


def curate(
    run: str | Path,
    *,
    lowest_icc: float = LOWEST_ICC,
    without: Sequence[str] = (),
    workers: int | None = None,
) -> CurateRecord:
    """Write a run's table without columns that do not vary, repeat, add or travel between sites.

    Parameters
    ----------
    lowest_icc : float
        The lower 95 % limit of ICC(A,1) of a column that repeats lies above it.
    without : sequence of str
        Steps to leave out: ``"variance"``, ``"stability"``, ``"redundancy"``, ``"shift"``.

    Returns
    -------
    CurateRecord
        With the path of the curated table and what was added to ``results.json``.
    """
    return flow.curate(Path(run), lowest_icc=lowest_icc, without=without, workers=workers)


def compare(*runs: str | Path) -> Compared:
    """Put finished runs side by side, paired with the first where they have one split."""
    return flow.compare([Path(run) for run in runs])


def sample(
    run: str | Path,
    output: str | Path,
    *,
    count: int = 16,
    between: tuple[str, str] | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> flow.SampleRecord:
    """Draw images from the model's prior, or join two cases, as one picture (``.png``).

    Parameters
    ----------
    count : int
        Images to draw, or steps of the path.
    between : (str, str), optional
        Two cases of the run to join.

    Returns
    -------
    SampleRecord
        The picture, and whether the model repeats its training cases.

    Raises
    ------
    RequestError
        When the method holds its codes to no prior.
    """
    return flow.sample(
        Path(run), Path(output), count=count, between=between, seed=seed, workers=workers
    )


def _path(path: Path) -> str:
    return f"<p><code>{html.escape(str(path))}</code></p>"
