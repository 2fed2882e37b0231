"""``latentomics encode``: features of new cases from a trained model, ``RUN/model`` alone.

In: a run folder and a cohort. Out: a table; exit 3 when cases were rejected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Run, Workers
from latentomics.cli.rows import Aggregate, Row, aggregate_of
from latentomics.cli.talk import Talk


@command(
    "latentomics encode RUN new.csv -o new.parquet",
    "latentomics encode RUN new.csv -o new.parquet --posterior",
    "latentomics encode RUN lesions.csv -o patients.parquet --per patient --aggregate largest",
)
def encode(
    talk: Talk,
    run: Run,
    source: Annotated[
        Path, typer.Argument(metavar="COHORT", help="A manifest or a folder of new cases.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="TABLE", help="Table to write: .parquet or .csv."),
    ],
    per: Annotated[
        Row | None, typer.Option("--per", help="What a row is. Default: as in the run.")
    ] = None,
    aggregate: Annotated[
        Aggregate | None,
        typer.Option(
            "--aggregate",
            help="With --per patient: mean, largest mask, or code furthest from the training "
            "cases. Default: as in the run.",
        ),
    ] = None,
    posterior: Annotated[
        bool, typer.Option("--posterior", help="Add each latent's posterior variance.")
    ] = False,
    workers: Workers = None,
) -> int:
    """Encode new cases with RUN/model, and flag those unlike the training cohort."""
    from latentomics import flow

    record = flow.encode(
        run,
        source,
        output,
        per=None if per is None else per.value,
        aggregate=aggregate_of(aggregate, per),
        posterior=posterior,
        workers=workers,
        on_event=talk.on_event,
    )
    lines = [
        f"features  {record.table}",
        f"rows      {record.rows}",
        f"flagged   {record.flagged} unlike the training cohort",
        f"rejected  {record.rejected}",
    ]
    talk.result("\n".join(lines), record)
    return record.exit_code
