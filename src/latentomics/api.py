"""The Python door: the same functions as the commands, with small records that show themselves.

In a notebook the last line of a cell shows a record as HTML: verdict, table, paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics import flow
from latentomics.core import RequestError
from latentomics.evaluation import LOWEST_ICC
from latentomics.planning import request_from
from latentomics.shown import Encoded, Planned, Run

if TYPE_CHECKING:
    from latentomics.core import Result
    from latentomics.flow import Compared, Contest, CurateRecord, ExportRecord, Swept


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
    """Ask more of a run: ``only`` evaluations by name, with commas, or how it does ``on`` a cohort.

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


def compare(
    *sources: str | Path,
    methods: Sequence[str] = (),
    seeds: int = 3,
    sweep: Sequence[int] = (),
    output: str | Path | None = None,
    workers: int | None = None,
    **asked: object,
) -> Compared | Contest | Swept:
    """Put finished runs side by side, or run one cohort with several methods or lengths.

    Parameters
    ----------
    *sources : path
        Finished runs, paired with the first where they have one split; or one cohort.
    methods : sequence of str
        Run the cohort with each, ``seeds`` times.
    sweep : sequence of int
        Run the cohort with a code of each length.
    output : path
        Folder of the cohort's runs; those that are done stay.
    **asked
        Of every run of a cohort, as in ``run``; a budget is that of one.

    Returns
    -------
    Compared, Contest or Swept
        Of runs, of methods, of lengths.

    Examples
    --------
    >>> latentomics.compare(
    ...     "cohort.csv", methods=["linear", "vae"], output="CONTEST", labels=["malignant"]
    ... )  # doctest: +SKIP
    """
    if not methods and not sweep:
        if asked or output is not None:
            raise RequestError(
                "runs that have ended are compared as they are",
                "compare",
                "leave out what is asked, or name one cohort with methods or sweep",
            )
        return flow.compare([Path(source) for source in sources])
    if len(sources) != 1 or output is None or (methods and sweep):
        raise RequestError(
            "one cohort is run with several methods, or with several lengths, into a folder",
            "compare",
            "name one cohort, output, and either methods or sweep",
        )
    source, folder, request = Path(sources[0]), Path(output), request_from(asked)
    if methods:
        return flow.contest(source, folder, methods, request, seeds=seeds, workers=workers)
    return flow.sweep(source, folder, sweep, request, workers=workers)


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
