"""``latentomics curate``: the columns of a run's table that are worth keeping.

In: a run folder. Out: a curated table with its dictionary beside the run's own, what each step left
out, and probes before and after; they also go into results.json and the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Run, Workers
from latentomics.cli.talk import Talk, columns

if TYPE_CHECKING:
    from latentomics.flow import CurateRecord


@command(
    "latentomics curate RUN",
    "latentomics curate RUN --icc 0.9 --without shift",
)
def curate(
    talk: Talk,
    run: Run,
    icc: Annotated[
        float,
        typer.Option(
            "--icc", help="A column repeats where the lower 95 % limit of ICC(A,1) lies above."
        ),
    ] = 0.75,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="STEP",
            help="Leave out a step: variance, stability, redundancy or shift. Repeat for several.",
        ),
    ] = None,
    workers: Workers = None,
) -> int:
    """Keep columns that vary, repeat, say something of their own and do not know the site.

    Everything is learned on training cases, without a label; probes before and after are of test
    cases.
    """
    from latentomics import flow

    record = flow.curate(
        run,
        lowest_icc=icc,
        without=tuple(without or ()),
        workers=workers,
        on_event=talk.on_event,
    )
    talk.result(_text(record), record)
    return 0


def _text(record: CurateRecord) -> str:
    counted = [one for one in record.results if one.metric == "columns"]
    rows = [
        (one.target or "the whole table", f"{one.value:.0f}", str(one.settings.get("skipped", "")))
        for one in counted
    ]
    parts = [columns(("after", "columns", "not done because"), rows)]
    gained = [one for one in record.results if "_minus_" in one.metric]
    if gained:
        head = ("told", "features", "difference", "value", "95 % interval")
        lines = [
            (
                one.target or "",
                one.features,
                one.metric,
                f"{one.value:+.3f}",
                "" if one.low is None or one.high is None else f"{one.low:+.3f} to {one.high:+.3f}",
            )
            for one in gained
        ]
        parts.append(columns(head, lines))
    parts.append(
        f"features  {record.table}\nkept      {len(record.kept)} of {record.columns} columns\n"
        f"report    {record.report}"
    )
    return "\n\n".join(parts)
