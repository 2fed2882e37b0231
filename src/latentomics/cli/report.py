"""``latentomics report``: write the report of a run again from its files.

In: a run folder. Out: ``report.html`` and its pictures.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.options import Run
from latentomics.cli.talk import Talk


@command("latentomics report RUN")
def report(talk: Talk, run: Run) -> int:
    """Write RUN/report.html again, from the files of the run alone."""
    from latentomics.core import RequestError
    from latentomics.report import write_report

    if not (run / "plan.yaml").is_file():
        raise RequestError("no run lies here", str(run), "give the folder that 'run -o' wrote")
    path = write_report(run)
    talk.result(f"report    {path}", {"report": path})
    return 0
