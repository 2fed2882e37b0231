"""Numbers and words that a part of an objective reads beside its weight.

In: what a part declares, name by name: a number, or the words to choose from, the usual one first.
Out: values that a ``StepView`` carries as ``options``; anything else is refused with a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from latentomics.core import RequestError

Declared = Mapping[str, float | tuple[str, ...]]


def usual_options(declared: Iterable[Declared]) -> dict[str, float | str]:
    """Return the usual value of every option that parts declare.

    Examples
    --------
    >>> usual_options([{"capacity": 25.0}, {"rule": ("average", "lowest")}])
    {'capacity': 25.0, 'rule': 'average'}
    """
    return {
        name: value[0] if isinstance(value, tuple) else value
        for part in declared
        for name, value in part.items()
    }


def checked_option(
    name: str, value: float | str | bool, declared: float | tuple[str, ...]
) -> float | str:
    """Return a value that fits what is declared.

    Raises
    ------
    RequestError
        For a word that is not one of those declared, or no number of 0 or more.
    """
    if not isinstance(declared, tuple):
        return checked_number(name, value)
    if value in declared:
        return str(value)
    raise RequestError(
        f"setting {name} is none of its words", f"{name} = {value}", f"use {' or '.join(declared)}"
    )


def checked_number(name: str, value: float | str | bool) -> float:
    """Return a finite number of 0 or more.

    Raises
    ------
    RequestError
        For anything else.
    """
    if isinstance(value, (bool, str)) or not 0 <= value < math.inf:
        raise RequestError(
            f"setting {name} is not a number of 0 or more", f"{name} = {value!r}", "give a number"
        )
    return float(value)
