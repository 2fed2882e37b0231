"""The command ``latentomics``: gathers the commands and starts the one that was asked for.

In: ``sys.argv``. Out: an exit code. 0 done; 1 a defect; 2 a wrong request, nothing was started; 3
done without some cases; 4 stopped before the end or not intact; 130 interrupted, resumable.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from latentomics.cli import (
    check,
    classic,
    compare,
    curate,
    demo,
    encode,
    evaluate,
    export,
    info,
    methods,
    plan,
    report,
    run,
    sample,
    verify,
)
from latentomics.cli.command import app
from latentomics.cli.talk import Talk

ORDER = (
    demo,
    check,
    plan,
    run,
    encode,
    evaluate,
    curate,
    sample,
    compare,
    classic,
    export,
    report,
    verify,
    info,
    methods,
)  # as the help shows them


def _version(asked: bool) -> None:
    if asked:
        from latentomics import __version__

        typer.echo(f"latentomics {__version__}")
        raise typer.Exit


@app.callback(epilog="Example:\n\nlatentomics demo\n\nlatentomics run cohort.csv -o RUN")
def latentomics(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learn features from unlabelled medical images, and show what they are worth."""


def in_order() -> None:
    """Put the commands in the order in which they are used."""
    names = [module.__name__.rpartition(".")[2] for module in ORDER]
    app.registered_commands.sort(key=lambda entry: names.index(entry.name or ""))


def main() -> None:
    """Run the command line."""
    in_order()
    if "--json" not in sys.argv:
        app()
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:  # a wrong option: a script wants a document of it too
        where = " ".join(sys.argv[1:])
        sys.exit(Talk(quiet=True, as_json=True).refused(error.format_message(), where))
