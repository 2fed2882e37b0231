"""``latentomics run``: a cohort goes in; a feature table, a report and a model come out.

In: a manifest, a folder or an edited plan. Out: the run folder, and a short table on stdout.
"""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Asked, request_of
from latentomics.cli.summary import outlook_document, outlook_text, run_document, run_text
from latentomics.cli.talk import Talk, command_line


class Tracker(StrEnum):
    """Words of ``--track``."""

    MLFLOW = "mlflow"
    TENSORBOARD = "tensorboard"


@command(
    "latentomics run cohort.csv -o RUN --label malignant --site site",
    "latentomics run cohort.csv -o RUN --label 'grade>=2' --folds 5 --budget 20m",
    "latentomics run lesions.csv -o RUN --label response --per patient --aggregate largest",
    "latentomics run plan.yaml -o RUN2",
    "latentomics run cohort.csv -o RUN --dry-run",
    "latentomics run cohort.csv -o RUN --track tensorboard",
)
def run(
    talk: Talk,
    source: Annotated[
        Path,
        typer.Argument(metavar="COHORT|PLAN.yaml", help="A manifest, a folder, or a plan."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder.")],
    asked: Asked,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where RUN stopped.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print plan, memory and time, refuse what the run would refuse, and make nothing. "
            "'plan' makes one to edit, of a cohort alone.",
        ),
    ] = False,
    track: Annotated[
        list[Tracker] | None,
        typer.Option(
            "--track",
            help="Tell a tracker as the run goes, in RUN/tracking. Repeat for both.",
            rich_help_panel="Manner",
        ),
    ] = None,
) -> int:
    """Learn features from a cohort: a table, a report and a model.

    The plan is made from the cohort, and every choice in RUN/plan.yaml can be edited and run again.
    What was done before, by the same request on the same files, is not done again.
    """
    begun = time.monotonic()  # loading what computes takes of the budget too
    from latentomics import flow

    request, workers = request_of(asked), asked.workers
    trackers = tuple(tracker.value for tracker in track or ())
    if dry_run:
        seen = flow.outlook(
            source,
            output,
            request,
            resume=resume,
            workers=workers,
            track=trackers,
            on_event=talk.on_event,
        )
        talk.result(outlook_text(seen), outlook_document(seen))
        return seen.exit_code
    talk.resume_command = command_line("--resume")
    record = flow.run(
        source,
        output,
        request,
        resume=resume,
        workers=workers,
        track=trackers,
        begun=begun,
        on_event=talk.on_event,
    )
    talk.result(run_text(record), run_document(record))
    return record.exit_code
