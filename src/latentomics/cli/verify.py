"""``latentomics verify``: say whether a run folder is still what was written.

In: a run folder. Out: a sentence for each thing that was checked; exit 4 when one is not intact.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.options import Run
from latentomics.cli.talk import Talk


@command("latentomics verify RUN")
def verify(talk: Talk, run: Run) -> int:
    """Check that a run folder is whole and unchanged since it was written."""
    from latentomics import flow

    sentences = flow.verify(run)
    talk.result("\n".join([*sentences, "intact"]), {"intact": True, "checked": sentences})
    return 0
