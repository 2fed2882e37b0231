"""What a family of classic features is: their names, units, codes, and the function behind them.

In: a family's table of features and its function of a region. Out: an entry of ``FAMILIES``.
Nothing else lists families: a file's presence in this package is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from latentomics.core import Registry
from latentomics.features.classic.region import Region

Measure = Callable[[Region], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column: its name with the family's before it, and what others call it.

    ``unit`` speaks of ``I`` for the intensity's unit; ``ibsi`` is the code of the Image Biomarker
    Standardisation Initiative and ``pyradiomics`` the name there, empty where there is none.
    """

    name: str
    unit: str
    ibsi: str
    pyradiomics: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Features that one function measures, on images of these dimensions."""

    features: tuple[Feature, ...]
    measure: Measure
    dimensions: tuple[int, ...]


FAMILIES: Registry[Family] = Registry("family of classic features")


def family(
    name: str, title: str, table: str, *, pyradiomics: str, dimensions: tuple[int, ...] = (2, 3)
) -> Callable[[Measure], Measure]:
    """Return a decorator that enters a function and its features under a family's name.

    Parameters
    ----------
    title : str
        What the family is called in words.
    table : str
        One feature a line: name, unit (``-`` for none), code (``-``), PyRadiomics' name (``-``).
    pyradiomics : str
        Its class of features there; a name with an underscore brings its own.
    """

    def feature(line: str) -> Feature:
        short, *others = line.split()
        unit, ibsi, theirs = ("" if word == "-" else word.replace("*", " ") for word in others)
        whole = theirs if "_" in theirs or not theirs else f"{pyradiomics}_{theirs}"
        return Feature(
            name=f"{name}_{short}",
            unit=unit,
            ibsi=ibsi,
            pyradiomics=whole,
            meaning=f"{title}: {short.replace('_', ' ')}",
        )

    features = tuple(feature(line) for line in table.strip().splitlines())

    def enter(measure: Measure) -> Measure:
        FAMILIES.register(name)(Family(features=features, measure=measure, dimensions=dimensions))
        return measure

    return enter
