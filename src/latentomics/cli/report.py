"""``latentomics report``: write the report of a run again from its files.

In: a run folder. Out: ``report.html`` and its pictures.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.options import Run, existing_run
from latentomics.cli.talk import Talk


@command("latentomics report RUN")
def report(talk: Talk, run: Run) -> int:
    """Write RUN/report.html and the model card again, from the files of the run alone."""
    existing_run(run)
    from latentomics import flow

    path = flow.report(run)
    talk.result(f"report    {path}", {"report": path})
    return 0
