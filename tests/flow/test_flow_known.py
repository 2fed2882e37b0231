"""What is known of cases besides their pictures, as columns of numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from latentomics.core import Case, FileRef
from latentomics.flow.known import known_besides


def gathered(**columns: list[object]) -> SimpleNamespace:
    count = len(next(iter(columns.values())))
    sites = columns.pop("site", [None] * count)
    cases = [
        Case(id=str(row), patient=str(row), image=(FileRef(path=None),), site=sites[row],
             targets={name: values[row] for name, values in columns.items()})
        for row in range(count)
    ]  # fmt: skip
    return SimpleNamespace(cases=cases)


def test_columns_are_found_by_the_names_that_manifests_give_them() -> None:
    cohort = gathered(Age=[60.0, None, 70.0], GENDER=["F", "M", None], site=["a", "b", None])
    known = known_besides(cohort, np.array([[1.0], [2.0], [3.0]]), "grade")
    assert list(known) == ["site", "size", "age", "sex"]
    np.testing.assert_array_equal(known["age"][:, 0], [60, np.nan, 70])
    np.testing.assert_array_equal(known["sex"][:, 0], [0, 1, np.nan])
    assert np.isnan(known["site"][2]).all()


def test_the_label_itself_is_not_told_by_itself() -> None:
    cohort = gathered(age=[60.0, 50.0], sex=["F", "M"], site=["a", "b"])
    assert set(known_besides(cohort, None, "age>=55")) == {"site", "sex"}
    assert set(known_besides(cohort, None, "sex")) == {"site", "age"}
    assert set(known_besides(cohort, None, "agegroup")) == {"site", "age", "sex"}


def test_what_does_not_vary_is_not_known() -> None:
    cohort = gathered(age=[60.0, 60.0], site=["a", "a"])
    assert known_besides(cohort, np.ones((2, 1)), "grade") == {}
