"""``latentomics methods``: the names that ``run --method`` takes, in one line each.

In: nothing. Out: name, idea and source of every method.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.talk import Talk, columns


@command("latentomics methods", "latentomics methods --json")
def methods(talk: Talk) -> int:
    """List the methods, what each is for, and where it was published."""
    from latentomics.methods import METHODS

    known = [(name, METHODS[name]) for name in METHODS]
    rows = [(name, method.summary, method.paper or "") for name, method in known]
    talk.result(
        columns(("method", "what it does", "source"), rows),
        [{"name": name, "summary": summary, "paper": paper} for name, summary, paper in rows],
    )
    return 0
