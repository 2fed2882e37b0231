"""Words that a shell offers while a command is typed.

In: what was typed so far. Out: words that may follow, with their meaning where it is known. Nothing
heavy is imported: a person waits between two keys.
"""

from __future__ import annotations

import csv
from pathlib import Path

import typer

SEPARATORS = {".csv": ",", ".tsv": "\t"}


def method_names(incomplete: str) -> list[tuple[str, str]]:
    """Return the methods that begin so, with what they do.

    Examples
    --------
    >>> [name for name, _ in method_names("beta")]
    ['beta-tcvae', 'beta-vae']
    """
    from latentomics.methods import METHODS

    return [(name, METHODS[name].summary) for name in METHODS if name.startswith(incomplete)]


def column_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the manifest that was named before, by its first line; else nothing."""
    typed = [context.params.get("source"), *context.args]  # while it is typed, it may be either
    for path in (Path(str(word)) for word in typed if word is not None):
        if path.suffix in SEPARATORS and path.is_file():
            return [name for name in _header(path) if name.startswith(incomplete)]
    return []


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader(file, delimiter=SEPARATORS[path.suffix]), [])
