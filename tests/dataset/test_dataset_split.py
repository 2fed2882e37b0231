"""Splits: patients whole, shares kept, a given split honoured, duplicates taken out of training."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentomics.core import Case, FileRef, RequestError
from latentomics.dataset import drop_duplicates, fold_cases, left_out, split_cases

SHARES = (0.7, 0.15, 0.15)


def case(
    number: int, patient: str | None = None, site: str | None = None, split: str | None = None
):
    return Case(
        id=f"c{number}",
        patient=patient or f"p{number}",
        image=(FileRef(path=Path(f"{number}.nii.gz")),),
        site=site,
        split=split,
    )


def parts_of_patients(cases, split):
    parts = {}
    for c in cases:
        if c.id in split:
            parts.setdefault(c.patient, set()).add(split[c.id])
    return parts


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 12), min_size=20, max_size=80), st.integers(0, 10))
def test_L1_a_patient_is_never_on_both_sides(patients, seed):
    cases = [case(i, f"p{p}", site="AB"[p % 2]) for i, p in enumerate(patients)]
    if len(set(patients)) < 4:
        return
    split = split_cases(cases, shares=SHARES, seed=seed)
    assert set(split) == {c.id for c in cases}
    assert all(len(parts) == 1 for parts in parts_of_patients(cases, split).values())
    assert set(split.values()) == {"train", "val", "test"}
    folds = fold_cases(cases, 3, seed=seed)
    assert all(len(p) == 1 for fold in folds for p in parts_of_patients(cases, fold).values())
    tested = Counter(c for fold in folds for c, part in fold.items() if part == "test")
    assert tested == Counter(c.id for c in cases)


def test_shares_hold_in_every_label_and_site():
    generator = np.random.default_rng(0)
    cases = [case(i, site="AAAB"[i % 4]) for i in range(400)]
    label = (generator.random(400) < 0.15).astype(float)
    score = generator.normal(size=400) + 3 * label
    split = split_cases(cases, labels=[list(label), list(score)], shares=SHARES, seed=3)
    for chosen in (
        label == 1,
        label == 0,
        np.arange(400) % 4 == 3,
        score > np.quantile(score, 2 / 3),
    ):
        counts = Counter(split[f"c{i}"] for i in np.flatnonzero(chosen))
        for part, share in zip(("train", "val", "test"), SHARES, strict=True):
            assert counts[part] == pytest.approx(share * chosen.sum(), abs=2.5)
    assert split != split_cases(cases, labels=[list(label), list(score)], shares=SHARES, seed=4)


def test_the_split_depends_neither_on_order_nor_on_label_values_when_not_given():
    cases = [case(i, f"p{i // 2}") for i in range(60)]
    assert split_cases(cases, shares=SHARES, seed=0) == split_cases(
        cases[::-1], shares=SHARES, seed=0
    )


def test_a_given_split_is_kept_and_validation_taken_out_of_training_by_patient():
    cases = [case(i, f"p{i // 2}", split="test" if i >= 80 else "train") for i in range(100)]
    split = split_cases(cases, shares=SHARES, seed=0)
    assert {c for c, part in split.items() if part == "test"} == {f"c{i}" for i in range(80, 100)}
    counts = Counter(split.values())
    assert counts["val"] == pytest.approx(80 * 0.15 / 0.85, abs=3)
    assert all(len(parts) == 1 for parts in parts_of_patients(cases, split).values())


def test_a_whole_given_split_is_kept_as_it_is():
    stated = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    cases = [case(i, split=part) for i, part in enumerate(stated)]
    split = split_cases(cases, shares=SHARES, seed=0)
    assert [split[c.id] for c in cases] == stated
    assert left_out(cases, split) == []
    more = [*cases, case(99)]
    assert split_cases(more, shares=SHARES, seed=0)["c99"] == "train"


def test_L1_training_cases_of_held_out_patients_are_left_out():
    stated = ["train", "test", "val", "train", "train", "train"]
    patients = ["a", "b", "a", "b", "c", "d"]
    cases = [case(i, p, split=s) for i, (p, s) in enumerate(zip(patients, stated, strict=True))]
    split = split_cases(cases, shares=SHARES, seed=0)
    assert split == {"c2": "val", "c1": "test", "c4": "train", "c5": "train"}
    rows = left_out(cases, split)
    assert [row.case for row in rows] == ["c0", "c3"]
    assert "patient a" in rows[0].reason


def test_I7_training_copies_of_held_out_pictures_are_rejected():
    cases = [case(i) for i in range(6)]
    split = {"c0": "train", "c1": "test", "c2": "train", "c3": "train", "c4": "val", "c5": "test"}
    groups = [("c0", "c1"), ("c2", "c3"), ("c4", "c5")]
    kept, rejected = drop_duplicates(split, groups, cases=cases)
    assert kept == {k: v for k, v in split.items() if k != "c0"}
    assert [(r.case, r.code, r.file) for r in rejected] == [("c0", "duplicate", "0.nii.gz")]
    assert "c1" in rejected[0].reason


def test_too_few_patients_and_wrong_shares_are_refused():
    cases = [case(i, "p") for i in range(9)]
    with pytest.raises(RequestError):
        split_cases(cases, shares=SHARES, seed=0)
    with pytest.raises(RequestError):
        split_cases(cases, shares=(0.5, 0.1, 0.1), seed=0)
    with pytest.raises(RequestError):
        fold_cases(cases, 5, seed=0)
