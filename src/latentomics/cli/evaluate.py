"""``latentomics evaluate``: ask more of a finished run.

In: a run folder and names of evaluations, or another question. Out: records as a table; they also
go into the run's results.json, columns into its feature table, and the report is written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Labels, Run, Workers
from latentomics.cli.talk import Talk, columns

if TYPE_CHECKING:
    from latentomics.core import Result

LISTED = (  # settings that the table shows
    "p",
    "n_labels",
    "heuristic",
    "permutations",
    "at_chance",
    "rotated_95",
    "beyond_rotations",
)


@command(
    "latentomics evaluate RUN --only stability,mmd",
    "latentomics evaluate RUN --only label_efficiency,supervised --label malignant",
    "latentomics evaluate RUN --only disentanglement --factors diameter_mm,elongation,contrast_hu",
    "latentomics evaluate RUN --only embedding",
    "latentomics evaluate RUN --on other_hospital.csv --label malignant",
    "latentomics evaluate RUN --nll 500",
    "latentomics evaluate RUN --posterior",
)
def evaluate(
    talk: Talk,
    run: Run,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="NAME,...",
            help="What every run answers is made again: reconstruction, collapse, probe, site, "
            "mmd, ks, site_variance, confounding, harmonisation, embedding, structure, stability. "
            "On demand: label_efficiency: curves against the number of labelled patients, and the "
            "labels saved. permutation: does the probe give chance on labels dealt at random? "
            "supervised: the same encoder trained on the label, from scratch and fine-tuned; with "
            "label_efficiency also on few labels. "
            "disentanglement: does one latent stand for one known factor? "
            "embedding: maps by t-SNE and UMAP, and which map keeps neighbours.",
        ),
    ] = None,
    on: Annotated[
        Path | None,
        typer.Option(
            "--on", metavar="COHORT", help="Apply the model and its probes to another cohort."
        ),
    ] = None,
    label: Labels = None,
    factors: Annotated[
        str | None,
        typer.Option(
            "--factors",
            metavar="COLUMN,...",
            help="Known factors for --only disentanglement; by default the run's labels.",
        ),
    ] = None,
    nll: Annotated[
        int | None,
        typer.Option(
            "--nll",
            min=1,
            metavar="DRAWS",
            help="Negative log likelihood of test cases, by so many draws of each code.",
        ),
    ] = None,
    posterior: Annotated[
        bool,
        typer.Option("--posterior", help="Add each latent's posterior variance to the features."),
    ] = False,
    workers: Workers = None,
) -> int:
    """Answer a question that takes longer than a run should, or judge the run on another cohort."""
    from latentomics import flow

    refuse_several(only, on, nll=nll, posterior=posterior)
    labels, told = (*(label or ()), *columns_of(factors, only)), talk.on_event
    if only is not None:
        found = flow.ask(run, only, labels=labels, workers=workers, on_event=told)
    elif on is not None:
        found = flow.ask_elsewhere(run, on, labels=labels, workers=workers, on_event=told)
    else:
        found = flow.posterior(run, nll=nll, variances=posterior, workers=workers, on_event=told)
    lines = [_text(found)] if found else []
    lines += [f"features  {run / 'features.parquet'}"] if posterior else []
    talk.result("\n".join([*lines, f"report    {run / 'report.html'}"]), list(found))
    return 0


def refuse_several(only: str | None, on: Path | None, *, nll: int | None, posterior: bool) -> None:
    """Refuse more questions than one; likelihood and variances go together.

    Raises
    ------
    RequestError
        When several questions are asked at once.
    """
    from latentomics.core import RequestError

    if (only is not None) + (on is not None) + (nll is not None or posterior) > 1:
        raise RequestError(
            "one question at a time",
            "evaluate",
            "give one of --only NAME, --on COHORT, and --nll with --posterior",
        )


def columns_of(factors: str | None, only: str | None) -> tuple[str, ...]:
    """Return the columns that are known factors.

    Raises
    ------
    RequestError
        When another question is asked.

    Examples
    --------
    >>> columns_of("size, shape", "disentanglement")
    ('size', 'shape')
    """
    from latentomics.core import RequestError

    if factors is None:
        return ()
    if "disentanglement" not in (only or "").split(","):
        raise RequestError(
            "factors are for one question",
            "--factors",
            "add --only disentanglement, or use --label",
        )
    return tuple(name.strip() for name in factors.split(",") if name.strip())


def _text(found: Sequence[Result]) -> str:
    several = len({one.evaluation for one in found}) > 1
    rows = [
        (
            *((one.evaluation,) if several else ()),
            one.target or "",
            one.features,
            one.metric,
            f"{one.value:.5g}",
            _span(one.low, one.high),
            ", ".join(
                f"{name} {_short(one.settings[name])}" for name in LISTED if name in one.settings
            ),
        )
        for one in found
    ]
    heads = ("target", "features", "metric", "value", "95 % interval", "settings")
    return columns((*(("evaluation",) if several else ()), *heads), rows)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _span(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    ends = ["" if end is None else f"{end:.5g}" for end in (low, high)]
    return " to ".join(ends)
