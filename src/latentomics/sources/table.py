"""A table as people save it, row by row.

In: CSV with commas, semicolons or tabs, with or without byte-order mark and Excel's ``sep=`` line,
or parquet. Out: column names, and rows of text with the line each stands on. Anything that does not
read without a guess is a `RequestError` with row and column.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import RequestError

if TYPE_CHECKING:
    from pandas import DataFrame

MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", "#n/a", "-nan"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})*,\d+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: where it stands in the file (the header is row 1), and its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Column names in order, and rows in order; blank rows are gone."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    comma_decimals: bool  # separated by semicolons, so 0,5 is a number


def read_table(path: Path) -> Table:
    """Read a manifest's table.

    Raises
    ------
    RequestError
        The file is no table, or a row does not fit its header.
    """
    if not path.exists():
        raise RequestError("the manifest does not exist", str(path), "correct the path")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _from_parquet(path)
    text = _text(path)
    first, _, rest = text.partition("\n")
    delimiter, skipped = _delimiter(first), 0
    if re.fullmatch(r"sep=.", first.strip()):  # Excel's hint, before the header
        delimiter, text, skipped = first.strip()[-1], rest, 1
    lines = _lines(text, delimiter, skipped, path)
    try:
        _, header = next(lines)
    except StopIteration:
        raise RequestError("the manifest is empty", str(path), "give one row a case") from None
    columns = _columns(header, path)
    rows = tuple(_row(number, cells, columns, path) for number, cells in lines)
    names = tuple(name for name in columns if name)
    return Table(path=path, columns=names, rows=rows, comma_decimals=delimiter == ";")


def table_of_frame(frame: DataFrame, folder: Path) -> Table:
    """Return a table in memory; its paths are relative to the folder."""
    path = folder / "DataFrame"
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    columns = _columns([str(name) for name in frame.columns], path)
    return _of_records(records, columns, path)


def number_of(text: str, *, comma_decimals: bool) -> float | None:
    """Return a cell as a number, None where it is none; Excel's ``1.234,5`` and ``45 %`` are read.

    Examples
    --------
    >>> number_of("0,5", comma_decimals=True), number_of("45 %", comma_decimals=False)
    (0.5, 0.45)
    >>> number_of("0,5", comma_decimals=False) is None
    True
    """
    plain, factor = text.strip(), 1.0
    if plain.endswith("%"):
        plain, factor = plain[:-1].rstrip(), 0.01
    if comma_decimals and (_COMMA_NUMBER.fullmatch(plain) or _THOUSANDS.fullmatch(plain)):
        plain = plain.replace(".", "").replace(",", ".")
    return float(plain) * factor if _NUMBER.fullmatch(plain) else None


def _text(path: Path) -> str:
    """Return the text of a CSV file, refused when it is binary or of another encoding."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # Excel's "Unicode text"
        encoding = "utf-16"
    elif b"\x00" in content[:4096]:
        raise RequestError(
            "the manifest is no text", str(path), "give a CSV, TSV or parquet table, or a folder"
        )
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RequestError(
            f"the manifest is not UTF-8 (byte 0x{content[error.start]:02x})",
            f"{path}, row {line}",
            "save it as 'CSV UTF-8'",
        ) from None


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=bare.count)


def _lines(text: str, delimiter: str, skipped: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    start = skipped + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, [cell.strip() for cell in cells]
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        raise RequestError(
            f"the table does not read: {error}", f"{path}, row {start}", "mend its quotes"
        ) from None


def _columns(header: list[str], path: Path) -> tuple[str, ...]:
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        raise RequestError(
            f"column {twice[0]!r} stands twice", f"{path}, row 1", "rename one of them"
        )
    return tuple(header)


def _row(number: int, cells: list[str], columns: tuple[str, ...], path: Path) -> Row:
    if len(cells) != len(columns):
        raise RequestError(
            f"the row has {len(cells)} cells, the header {len(columns)}",
            f"{path}, row {number}",
            "put cells that hold the separator between double quotes",
        )
    return Row(number=number, cells={c: v for c, v in zip(columns, cells, strict=True) if c})


def _from_parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise RequestError(
            f"the manifest does not read as parquet: {error}", str(path), "write it again"
        ) from None
    columns = _columns([str(name) for name in content.column_names], path)
    return _of_records(content.to_pylist(), columns, path)


def _of_records(
    records: Sequence[Mapping[Hashable, object]], columns: tuple[str, ...], path: Path
) -> Table:
    rows = tuple(
        Row(number=number, cells={str(name): _cell(value) for name, value in record.items()})
        for number, record in enumerate(records, start=2)
    )
    return Table(path=path, columns=columns, rows=rows, comma_decimals=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() else repr(value)
    return str(value).strip()
