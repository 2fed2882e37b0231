"""From columns of the manifest to labels.

In: cases and an expression: a column, or a column compared with a number or a word. Out: a `Label`
with one value a case, None where it is unknown. A column that is no label (one value only, mixed
types, free text) is a `RequestError`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from latentomics.core import Case, RequestError, Target
from latentomics.sources.table import number_of

Kind = Literal["binary", "continuous", "classes"]

MOST_CLASSES = 30  # more different words are names or free text
_COMPARISON = re.compile(r"(?P<column>.+?)\s*(?P<sign>>=|<=|==|!=|=|>|<)\s*(?P<limit>.+)")
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_SAME = {"==": True, "=": True, "!=": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One value a case: numbers, or words; ``positive`` is the value that a binary label finds."""

    name: str
    kind: Kind
    values: tuple[float | str | None, ...]
    positive: str | None

    def __str__(self) -> str:
        known = sum(value is not None for value in self.values)
        return f"{self.name} ({self.kind}, known in {known} of {len(self.values)} cases)"

    def is_positive(self, value: float | str | None) -> bool:
        """Say whether a value is the one that a binary label finds."""
        return value is not None and _word(value) == self.positive


def label_of(cases: Sequence[Case], expression: str) -> Label:
    """Read a label from the columns of the manifest.

    Parameters
    ----------
    cases : sequence of Case
        Their targets are the manifest's other columns.
    expression : str
        ``column``, ``column>=2`` (also ``>``, ``<``, ``<=``, ``==``, ``!=``) or ``column==word``.

    Returns
    -------
    Label
        Binary for two values or a comparison, classes for words, else continuous.

    Raises
    ------
    RequestError
        Naming the columns when it is unknown, or the case whose value does not fit.

    Examples
    --------
    >>> from pathlib import Path
    >>> from latentomics.core import FileRef
    >>> cases = [Case(id=str(n), patient=str(n), image=(FileRef(path=Path("i")),),
    ...               targets={"margin": float(n)}) for n in range(4)]
    >>> label_of(cases, "margin>=2").values
    (0.0, 0.0, 1.0, 1.0)
    """
    expression = expression.strip()
    if any(expression in case.targets for case in cases):
        return _plain(cases, expression)
    parts = _COMPARISON.fullmatch(expression)
    column = expression if parts is None else parts["column"].strip()
    if not any(column in case.targets for case in cases):
        names = ", ".join(sorted({name for case in cases for name in case.targets}))
        raise RequestError(
            f"there is no column {column!r}",
            f"label {expression!r}",
            f"name one of: {names or '(the manifest has no columns for labels)'}",
        )
    if parts is None:
        return _plain(cases, column)
    return _compared(cases, column, parts["sign"], parts["limit"].strip().strip("'\""))


def _plain(cases: Sequence[Case], column: str) -> Label:
    values = [case.targets.get(column) for case in cases]
    known = sorted({value for value in values if value is not None}, key=str)
    numbers = sorted(value for value in known if isinstance(value, float))
    if len(known) < 2:
        raise _no_label(column, f"has one value only ({', '.join(map(_word, known)) or 'none'})")
    if 0 < len(numbers) < len(known):
        raise _mixed(cases, column)
    if len(known) == 2:
        positive = _word(numbers[-1] if numbers else known[-1])
        return Label(name=column, kind="binary", values=tuple(values), positive=positive)
    if numbers:
        return Label(name=column, kind="continuous", values=tuple(values), positive=None)
    if len(known) > MOST_CLASSES:
        raise _no_label(column, f"has {len(known)} different words")
    return Label(name=column, kind="classes", values=tuple(values), positive=None)


def _compared(cases: Sequence[Case], column: str, sign: str, limit: str) -> Label:
    name = f"{column}{sign}{limit}"
    number = number_of(limit, comma_decimals=False)
    if sign in _NUMBERS:
        if number is None:
            raise RequestError(
                f"{limit!r} is no number",
                f"label {name!r}",
                "compare with a number, or with ==",
            )
        if any(isinstance(case.targets.get(column), str) for case in cases):
            raise _mixed(cases, column)
        found = [_compare(_NUMBERS[sign], case.targets.get(column), number) for case in cases]
    else:
        wanted = limit if number is None else _word(number)
        found = [_equal(case.targets.get(column), wanted, same=_SAME[sign]) for case in cases]
    if len(set(found) - {None}) < 2:
        raise _no_label(name, "has one value only")
    return Label(name=name, kind="binary", values=tuple(found), positive="1")


def _compare(sign: Callable[[float, float], bool], value: Target, limit: float) -> float | None:
    return float(sign(value, limit)) if isinstance(value, float) else None


def _equal(value: Target, wanted: str, *, same: bool) -> float | None:
    return None if value is None else float((_word(value) == wanted) is same)


def _word(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _mixed(cases: Sequence[Case], column: str) -> RequestError:
    word = next(c for c in cases if isinstance(c.targets.get(column), str))
    return RequestError(
        f"the column mixes numbers and words: {word.targets[column]!r}",
        f"case {word.id}, column {column}",
        "leave unknown values blank, and write the others alike",
    )


def _no_label(name: str, what: str) -> RequestError:
    return RequestError(
        f"the column {what}", f"label {name!r}", "name a column that tells cases apart"
    )
