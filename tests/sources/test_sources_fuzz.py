"""Whatever the bytes of a file, reading it gives an image or the error of its case."""

from __future__ import annotations

from pathlib import Path

import pytest
from sources_fuzz import attack, cases_of, damaged_files, good_image, valid_files

from latentomics.core import map_cases
from latentomics.sources import measure_case

CODES = {
    *("empty", "format", "unreadable", "truncated", "too_large", "pickle", "colour", "dimensions"),
    *("not_finite", "constant", "intensities", "geometry", "mask_empty", "mask_outside", "missing"),
}


def code_of(path: Path, good: Path) -> list[str]:
    found = []
    for case in cases_of(path, good):
        (outcome,) = map_cases(measure_case, [case], workers=1)
        facts, error = outcome.value, outcome.error
        if facts is not None:
            assert all(spacing > 0 for spacing in facts.spacing)
            assert min(facts.size) > 0
        else:
            assert error.kind in CODES
            assert error.what
            assert error.remedy
        found.append("read" if error is None else error.kind)
    return found


def test_every_format_is_read_before_it_is_damaged(tmp_path: Path) -> None:
    good = good_image(tmp_path)
    for name, content in valid_files().items():
        (tmp_path / name).write_bytes(content)
        image, mask = code_of(tmp_path / name, good)
        assert image == "read", name
        assert mask == ("read" if name.startswith(("nii", "nrrd")) else "geometry"), name


def test_I1_damaged_files_of_every_format_cost_their_case_only(tmp_path: Path) -> None:
    good, codes = good_image(tmp_path), set()
    for damaged in damaged_files(120, seed=7):
        (tmp_path / "a.bin").write_bytes(damaged.content)
        codes |= set(code_of(tmp_path / "a.bin", good))
    assert {"read", "unreadable", "truncated"} <= codes


@pytest.mark.slow
def test_I1_thousands_of_damaged_files_crash_nothing(tmp_path: Path) -> None:
    codes, bad = attack(tmp_path, 4000, seed=0)
    assert bad == []
    assert codes.total() == 8000
    assert set(codes) <= CODES | {"read"}
