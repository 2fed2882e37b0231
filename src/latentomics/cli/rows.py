"""What a row of a table is: a case, or a patient with several.

In: words of the command line. Out: the same as the flow takes them.
"""

from __future__ import annotations

from enum import StrEnum


class Row(StrEnum):
    """Words of ``--per``."""

    case = "case"
    patient = "patient"


class Aggregate(StrEnum):
    """Words of ``--aggregate``."""

    mean = "mean"
    largest = "largest"
    deviant = "deviant"


def aggregate_of(asked: Aggregate | None, per: Row | None) -> str | None:
    """Return what becomes of a patient's cases, None where nothing was said.

    Raises
    ------
    RequestError
        When it is said and rows are cases.
    """
    if asked is not None and per is Row.case:
        from latentomics.core import RequestError

        raise RequestError(
            "what becomes of a patient's cases is asked, and rows are cases",
            f"--aggregate {asked.value}",
            "add --per patient",
        )
    return None if asked is None else asked.value
