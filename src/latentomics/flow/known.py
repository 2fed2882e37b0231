"""What is known of each case besides its picture: site, size, age and sex.

In: a gathered cohort. Out: blocks of columns, one row a case, NaN where something is unknown. Age
and sex are found by the names that manifests give them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from latentomics.core import Case, DoubleArray
from latentomics.evaluation import site_columns
from latentomics.flow.gather import Gathered

AGE = ("age", "age_years", "patient_age", "patientage", "age_at_scan")
SEX = ("sex", "gender", "patient_sex", "patientsex")


def known_besides(
    gathered: Gathered, size: DoubleArray | None, label: str
) -> dict[str, DoubleArray]:
    """Return the blocks of what is known, without the column that is the label itself."""
    cases = gathered.cases
    known: dict[str, DoubleArray] = {}
    sites = [case.site for case in cases]
    if len({site for site in sites if site is not None}) > 1:
        unknown = np.array([site is None for site in sites])
        known["site"] = np.where(unknown[:, None], np.nan, site_columns(sites))
    if size is not None:
        known["size"] = size
    age, sex = _column(cases, AGE), _column(cases, SEX)
    if age is not None and not _made_of(label, age):
        known["age"] = _numbers([case.targets.get(age) for case in cases])
    if sex is not None and not _made_of(label, sex):
        known["sex"] = _two_words([case.targets.get(sex) for case in cases])
    return {name: block for name, block in known.items() if np.nanstd(block, axis=0).any()}


def _column(cases: Sequence[Case], names: Sequence[str]) -> str | None:
    """Return the first column of these names, in any case, that the manifest has."""
    found = {name.lower(): name for case in cases[:1] for name in case.targets}
    return next((found[name] for name in names if name in found), None)


def _made_of(label: str, column: str) -> bool:
    return re.match(rf"{re.escape(column)}\s*([<>=!]|$)", label) is not None


def _numbers(values: Sequence[object]) -> DoubleArray:
    numbers = [float(v) if isinstance(v, (int, float)) else np.nan for v in values]
    return np.array(numbers)[:, None]


def _two_words(values: Sequence[object]) -> DoubleArray:
    """Return words as a column a word but one, NaN where unknown."""
    words = sorted({str(value) for value in values if value is not None})
    columns = [
        [np.nan if value is None else float(str(value) == word) for value in values]
        for word in words[1:] or words
    ]
    return np.array(columns).T.reshape(len(values), -1)
