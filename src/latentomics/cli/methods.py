"""``latentomics methods``: the names that ``run --method`` takes, in one line each.

In: nothing. Out: name, idea, code and source of every method; as JSON also the names that ``--set``
takes for it.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.talk import Talk, columns


@command("latentomics methods", "latentomics methods --json")
def methods(talk: Talk) -> int:
    """List the methods, what each is for, and where it was published."""
    from latentomics.methods import METHODS, setting_names

    known = [METHODS[name] for name in METHODS]
    talk.result(
        columns(
            ("method", "what it does", "code", "source"),
            [(method.name, method.summary, method.code, method.paper) for method in known],
        ),
        [
            {
                "name": method.name,
                "code": method.code,
                "dimensions": list(method.dimensions),
                "summary": method.summary,
                "paper": method.paper,
                "settings": setting_names(method),
            }
            for method in known
        ],
    )
    return 0
