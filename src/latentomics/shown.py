"""Records that show themselves in a notebook: verdict, table, paths.

In: what the flow gives. Out: the same, with the table as a DataFrame and itself as HTML.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

    from latentomics.core import Result
    from latentomics.planning import Plan

SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run."""

    folder: Path
    report: Path
    table: Path
    verdict: tuple[tuple[str, str], ...]
    results: tuple[Result, ...] = field(repr=False)  # hundreds of them
    rejected: int

    def features(self) -> DataFrame:
        """Return the table of features."""
        from latentomics.features import read_table

        return read_table(self.table).frame

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{html.escape(status)}</b> {html.escape(sentence)}</li>"
            for status, sentence in self.verdict
        )
        table = self.features().head(SHOWN_ROWS).iloc[:, :8].to_html(index=False, border=0)
        return f"<ul>{items}</ul>{table}{_path(self.report)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Cases encoded by a stored model."""

    table: Path
    rows: int
    flagged: int
    rejected: int

    def features(self) -> DataFrame:
        """Return the table of features."""
        from latentomics.features import read_table

        return read_table(self.table).frame

    def _repr_html_(self) -> str:
        words = (
            f"<p>{self.rows} cases, {self.flagged} unlike the training cohort, "
            f"{self.rejected} rejected</p>"
        )
        table = self.features().head(SHOWN_ROWS).iloc[:, :8].to_html(index=False, border=0)
        return f"{words}{table}{_path(self.table)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan that was made and not run; ``plan.to_yaml()`` is what can be edited."""

    plan: Plan

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(choice['value']))}</td>"
            f"<td>{html.escape(str(choice['reason']))}</td></tr>"
            for name, choice in self.plan.model_dump(mode="json").items()
            if isinstance(choice, dict) and "reason" in choice
        )
        return f"<table><tr><th>choice</th><th>value</th><th>reason</th></tr>{rows}</table>"


def _path(path: Path) -> str:
    return f"<p><code>{html.escape(str(path))}</code></p>"
