"""``latentomics evaluate``: more figures of a finished run, measured when they are asked for.

In: a run folder. Out: records in results.json, columns in the feature table, the report again.
"""

from __future__ import annotations

from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Run, Workers
from latentomics.cli.talk import Talk, columns


@command("latentomics evaluate RUN --nll 500", "latentomics evaluate RUN --posterior")
def evaluate(
    talk: Talk,
    run: Run,
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
    """Measure more of a finished run: likelihood of test cases, variances of the posterior."""
    from latentomics import flow

    found = flow.posterior(
        run, nll=nll, variances=posterior, workers=workers, on_event=talk.on_event
    )
    rows = [(one.metric, f"{one.value:.5g}", _span(one.low, one.high)) for one in found]
    lines = [columns(("metric", "value", "95 % interval"), rows)] if rows else []
    lines += [f"features  {run / 'features.parquet'}"] if posterior else []
    talk.result("\n".join([*lines, f"report    {run / 'report.html'}"]), list(found))
    return 0


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.5g} to {high:.5g}"
