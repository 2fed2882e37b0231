"""The cells of a manifest, read as what their column means.

In: a row of a table and a column. Out: text, a whole number or one of some names; None where the
cell is blank or the column absent. A cell that is neither is a `RequestError` with row and
column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from latentomics.core import RequestError, Target
from latentomics.sources.table import MISSING, Row, Table, number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One row of a table, cell by cell."""

    table: Table
    row: Row

    def text(self, column: str) -> str | None:
        """Return a cell as it stands."""
        value = self.row.cells.get(column, "")
        if not value.isprintable():
            raise self.wrong(column, f"{value!r} holds control characters", "remove them")
        return None if value.lower() in MISSING else value

    def whole(self, column: str) -> int | None:
        """Return a cell as a number 0, 1, 2, ..."""
        text = self.text(column)
        if text is None:
            return None
        number = number_of(text, comma_decimals=self.table.comma_decimals)
        if number is None or number < 0 or number != number // 1:
            raise self.wrong(column, f"{text!r} is no whole number", "give 0, 1, 2, ...")
        return int(number)

    def one_of(
        self, column: str, known: Mapping[str, str], spell: Callable[[str], str]
    ) -> str | None:
        """Return the name that a cell stands for."""
        text = self.text(column)
        if text is None:
            return None
        if spell(text) not in known:
            names = ", ".join(dict.fromkeys(known.values()))
            raise self.wrong(column, f"{text!r} is not known", f"give one of {names}")
        return known[spell(text)]

    def target(self, column: str) -> Target:
        """Return a cell as a number where it is one, else as text on one line."""
        text = " ".join(self.row.cells.get(column, "").split())
        if text.lower() in MISSING:
            return None
        number = number_of(text, comma_decimals=self.table.comma_decimals)
        return text if number is None else number

    def wrong(self, column: str, what: str, remedy: str) -> RequestError:
        """Return the error of a cell."""
        return RequestError(
            what, f"{self.table.path}, row {self.row.number}, column {column}", remedy
        )
