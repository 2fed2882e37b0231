"""Classic features of cohorts: rows, rejections, the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentomics.core import Case, FileRef
from latentomics.features.classic import classic_features, measure_classic
from latentomics.planning import Classic

SETTINGS = Classic(bins=6, aggregation="2d-merged")


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    draw = np.random.default_rng(0)
    made = []
    for number in range(4):
        image, mask = tmp_path / f"i{number}.npy", tmp_path / f"m{number}.npy"
        np.save(image, draw.normal(size=(9, 8)).astype(np.float32))
        np.save(mask, draw.random((9, 8)) < 0.7)
        made.append(
            Case(
                id=f"c{number}",
                patient=f"p{number}",
                image=(FileRef(path=image),),
                mask=FileRef(path=mask),
            )
        )
    return made


def test_rows_are_in_the_order_of_the_cases_and_the_same_alone(cases: list[Case]) -> None:
    together = measure_classic(cases, SETTINGS, 2, workers=1)
    alone = measure_classic(cases[2:3], SETTINGS, 2, workers=2)
    assert together.rejected == ()
    assert together.columns.values.shape == (4, len(classic_features(2)))
    assert together.columns.names[0] == "classic_glcm_joint_maximum"
    assert together.columns.values[2].tobytes() == alone.columns.values[0].tobytes()


def test_I1_a_case_that_cannot_be_measured_costs_itself_only(cases: list[Case]) -> None:
    cases[0] = replace(cases[0], mask=None)
    Path(cases[3].image[0].path).write_bytes(b"")
    found = measure_classic(cases, SETTINGS, 2, workers=1)
    assert (found.rejected[0].case, found.rejected[0].code) == ("c0", "mask_missing")
    assert {one.case for one in found.rejected} == {"c0", "c3"}
    assert np.isnan(found.columns.values[[0, 3]]).all()
    assert np.isfinite(found.columns.values[[1, 2]]).all()


def test_T7_the_cache_gives_the_same_bytes_and_a_damaged_row_is_measured_again(
    cases: list[Case], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = measure_classic(cases, SETTINGS, 2, cache=cache, workers=1)
    kept = sorted(path for path in cache.rglob("*") if path.is_file())
    assert len(kept) == 4
    kept[0].write_bytes(kept[0].read_bytes()[:-1] + b"?")
    kept[1].write_bytes(b"")
    again = measure_classic(cases, SETTINGS, 2, cache=cache, workers=1)
    assert again.columns.values.tobytes() == first.columns.values.tobytes()
    other = measure_classic(
        cases, SETTINGS.model_copy(update={"bins": 5}), 2, cache=cache, workers=1
    )
    assert other.columns.values.tobytes() != first.columns.values.tobytes()


def test_a_changed_file_is_measured_again(cases: list[Case], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = measure_classic(cases[:1], SETTINGS, 2, cache=cache, workers=1)
    np.save(cases[0].image[0].path, np.arange(72, dtype=np.float32).reshape(9, 8))
    after = measure_classic(cases[:1], SETTINGS, 2, cache=cache, workers=1)
    assert (before.columns.values != after.columns.values).any()
