"""Rows of cases become rows of patients: means, one chosen row, and no order of rows matters."""

from __future__ import annotations

import numpy as np
import pytest

from latentomics.features import combined, fit_centre, fit_reference, patients_of

WHO = ("b", "a", "b", "a", "c", "b")
VALUES = np.array([[1, 8], [2, np.nan], [4, 2], [6, np.nan], [7, 5], [1, 2]], np.float32)


def test_a_patients_row_is_the_mean_of_its_rows() -> None:
    found = patients_of(WHO)
    assert found.names == ("b", "a", "c")
    np.testing.assert_array_equal(combined(VALUES, found), [[2, 4], [4, np.nan], [7, 5]])
    assert combined(VALUES, found).dtype == np.float32


def test_a_patients_row_is_its_row_with_the_largest_number() -> None:
    found = patients_of(WHO, np.array([3.0, 1.0, 9.0, 5.0, 0.0, 9.0]))
    assert [rows.tolist() for rows in found.rows] == [[2], [3], [4]]  # of equal ones the first
    np.testing.assert_array_equal(combined(VALUES, found), VALUES[[2, 3, 4]])


def test_D2_no_order_of_rows_changes_a_mean_and_one_row_keeps_its_bytes() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(300, 8)).astype(np.float32) * 10.0 ** draw.integers(-6, 6, 8)
    who = [f"p{number}" for number in draw.integers(0, 20, 300)]
    order = draw.permutation(300)
    first, second = patients_of(who), patients_of([who[row] for row in order])
    known = dict(zip(first.names, combined(values, first), strict=True))
    for name, row in zip(second.names, combined(values[order], second), strict=True):
        assert row.tobytes() == known[name].tobytes()
    alone = patients_of([str(row) for row in range(300)])
    assert combined(values, alone).tobytes() == values.tobytes()


def test_KA_15_the_centre_is_that_of_the_reference_and_its_distance_mahalanobis() -> None:
    draw = np.random.default_rng(1)
    training = draw.normal(size=(4000, 2)) @ np.array([[2.0, 0.0], [1.2, 1.6]])
    centre = fit_centre(training)
    inverse = np.linalg.inv(np.array([[5.44, 1.92], [1.92, 2.56]]))
    away = np.array([[2.0, 1.0], [-1.0, 3.0], [0.0, 0.0]])
    expected = np.sqrt(np.einsum("ni,ij,nj->n", away, inverse, away))
    np.testing.assert_allclose(centre.distance(away + training.mean(0)), expected, rtol=0.03)
    reference = fit_reference(training, training[:50], np.ones(50))
    assert reference is not None
    assert reference.distance(away).tobytes() == centre.distance(away).tobytes()
    assert fit_reference(training, training[:2], np.ones(2)) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_known_stays_unknown(dtype: type) -> None:
    found = combined(np.full((2, 1), np.nan, dtype), patients_of(["a", "a"]))
    assert np.isnan(found).all()
