"""``latentomics plan``: what a run would do with a cohort, and why, as YAML that can be edited.

In: a manifest or a folder. Out: the plan on stdout, or in a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Asked, Source, request_of
from latentomics.cli.talk import Talk


@command(
    "latentomics plan cohort.csv --label malignant > plan.yaml",
    "latentomics plan cohort.csv -o plan.yaml --budget 5m",
)
def plan(
    talk: Talk,
    source: Source,
    asked: Asked,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
) -> int:
    """Say what 'run' would do and why, as YAML to edit and to run."""
    from latentomics import flow
    from latentomics.core import RequestError, write_atomic

    if output is not None and not output.absolute().parent.is_dir():
        raise RequestError("the folder does not exist", str(output), "make it, or write elsewhere")
    made = flow.make_plan(source, request_of(asked), workers=asked.workers, on_event=talk.on_event)
    if output is not None:
        write_atomic(output.absolute(), made.to_yaml())
        talk.remark(f"edit {output}, then: latentomics run {output} -o RUN")
    talk.result(made.to_yaml().rstrip() if output is None else str(output), made)
    return 0
