"""``latentomics sample``: images from a model's prior, or between two cases.

In: a run folder. Out: a picture, and whether the model repeats its training cases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Run, Workers
from latentomics.cli.talk import Talk


@command(
    "latentomics sample RUN -n 16 -o samples.png",
    "latentomics sample RUN --between case_a case_b -n 8 -o path.png",
)
def sample(
    talk: Talk,
    run: Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PICTURE", help="Picture to write: .png.")
    ],
    count: Annotated[
        int, typer.Option("--number", "-n", min=1, help="Images to draw, or steps of the path.")
    ] = 16,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between", metavar="CASE CASE", help="Join two cases instead of drawing at random."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    workers: Workers = None,
) -> int:
    """Draw images from the model's prior, or join two cases by a path through the code."""
    from latentomics import flow

    record = flow.sample(
        run,
        output,
        count=count,
        between=between,
        seed=seed,
        workers=workers,
        on_event=talk.on_event,
    )
    talk.result(f"picture  {record.picture}\n{record.sentence}", record)
    return 0
