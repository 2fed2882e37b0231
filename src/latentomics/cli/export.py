"""``latentomics export``: a model as ONNX, which runs without this package.

In: a run folder. Out: a folder with two files, compared with torch before they are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Run, Workers
from latentomics.cli.talk import Talk


@command(
    "latentomics export RUN -o portable", "latentomics export RUN -o portable --cohort new.csv"
)
def export(
    talk: Talk,
    run: Run,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where encoder.onnx and decoder.onnx go."
        ),
    ],
    cohort: Annotated[
        Path | None,
        typer.Option(
            metavar="COHORT",
            help="Cases to compare on, the first eight. Default: the run's own, where they still "
            "lie there.",
        ),
    ] = None,
    workers: Workers = None,
) -> int:
    """Write RUN/model as ONNX: an encoder and a decoder that run without latentomics or torch.

    Both are compared with torch on random inputs and on cases; nothing is written that differs by
    more than 1e-5. Needs the extra: pip install 'latentomics[onnx]'.
    """
    from latentomics import flow

    record = flow.export(run, output, cohort=cohort, workers=workers, on_event=talk.on_event)
    cases = f"{record.cases} cases" if record.cases else "no cases: no cohort is there to read"
    lines = [
        f"encoder   {record.encoder}",
        f"decoder   {record.decoder}",
        f"compared  on random inputs and {cases}",
        f"largest difference from torch {record.difference:.1e}, at most {record.tolerance:g}",
    ]
    talk.result("\n".join(lines), record)
    return 0
