"""What the cases of a table are called.

In: a table. Out: one name a row, unique: the column ``case`` (with ``roi`` where a case has
several), or the file's stem, with its folder where stems repeat. Names that repeat are a
`RequestError`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from latentomics.sources.cells import Cells
from latentomics.sources.table import Table


def identifiers(table: Table, channel: str) -> list[str]:
    """Return the name of each row's case.

    Raises
    ------
    RequestError
        With the row, when a name is missing or stands twice, or a retest has no first test.
    """
    rows = [Cells(table=table, row=row) for row in table.rows]
    if "case" in table.columns:
        names = [_stated(cells) for cells in rows]
    else:
        names = [_stem(cells, channel, folders=0) for cells in rows]
        if len(set(names)) < len(names):
            names = [_stem(cells, channel, folders=1) for cells in rows]
    _require_unique(rows, names)
    known = set(names)
    for cells in rows:
        first = cells.text("retest_of")
        if first is not None and first not in known:
            raise cells.wrong("retest_of", f"there is no case {first!r}", "name a case")
    return names


def _stated(cells: Cells) -> str:
    case, roi = cells.text("case"), cells.text("roi")
    if case is None:
        raise cells.wrong("case", "the case has no name", "name it")
    return case if roi is None else f"{case}_{roi}"


def _stem(cells: Cells, channel: str, folders: int) -> str:
    text = cells.text(channel) or f"row_{cells.row.number}"
    path = PurePosixPath(text.replace("\\", "/"))
    above = [path.parent.name] if folders and path.parent.name else []
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    extra = (cells.text(name) for name in ("npz_key", "npz_index", "roi"))
    return "_".join([*above, stem, *(part for part in extra if part)])


def _require_unique(rows: list[Cells], names: list[str]) -> None:
    first: dict[str, int] = {}
    for cells, name in zip(rows, names, strict=True):
        if name in first:
            raise cells.wrong(
                "case",
                f"{name!r} stands in row {first[name]} too",
                "give every case a name of its own, or tell several regions apart in a column roi",
            )
        first[name] = cells.row.number
