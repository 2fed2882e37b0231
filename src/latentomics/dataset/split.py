"""Who is trained on, who stops the training, and who is held out: never the same patient twice.

In: cases with patient, site and perhaps a given split, labels, shares. Out: a mapping from case to
``train``, ``val`` or ``test``. Patients are dealt out stratum by stratum (labels and site), each to
the part that is furthest below its share (PROMISES L1, L3, I7).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np

from latentomics.core import Case, DoubleArray, Rejection, RequestError, Target, stream

Part = Literal["train", "val", "test"]
Split = dict[str, Part]
Slot = TypeVar("Slot")
PARTS: tuple[Part, Part, Part] = ("train", "val", "test")
CONTINUOUS_BINS = 3
MOST_CLASSES = 10  # more different numbers than this are cut into bins
VALIDATION_SHARE = 0.15  # of a fold's training patients


def split_cases(
    cases: Sequence[Case],
    *,
    labels: Sequence[Sequence[Target]] | None = None,
    shares: tuple[float, float, float],
    seed: int,
) -> Split:
    """Return the part of each case; all cases of a patient share one.

    Parameters
    ----------
    cases : sequence of Case
        A ``split`` that they state is kept; a missing ``val`` or ``test`` is taken out of ``train``
        by patient. Where a stated split puts a patient on both sides, the held-out cases stay and
        the training cases are left out of the result (see ``left_out``).
    labels : sequence of sequences, optional
        Values in the order of the cases; used for strata only.
    shares : (train, val, test)
        Adding up to one.
    seed : int
        Of the order in which patients are dealt.

    Raises
    ------
    RequestError
        When the shares are not shares, or there are fewer patients than parts.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise RequestError(f"shares {shares} do not add up to 1", "split", "for example .7 .15 .15")
    strata = _strata(cases, labels)
    given = _given(cases)
    stated: set[Part] = {part for part in given.values() if part != "train"}
    dealt = {p: share for p, share in zip(PARTS, shares, strict=True) if p not in stated}
    pool = {p: keys for p, keys in strata.items() if given.get(p, "train") == "train"}
    if stated != {"val", "test"} or any(p not in given for p in pool):
        given |= _deal(pool, _weights(cases), dealt, stream(seed, "split"))
    return {case.id: given[case.patient] for case in cases if not _contradicts(case, given, stated)}


def fold_cases(
    cases: Sequence[Case],
    folds: int,
    *,
    labels: Sequence[Sequence[Target]] | None = None,
    seed: int,
) -> tuple[Split, ...]:
    """Return one split a fold: each patient is in ``test`` once, ``val`` comes out of the rest.

    A split that the cases state is not used.

    Raises
    ------
    RequestError
        When there are fewer patients than folds, or fewer than two folds.
    """
    strata = _strata(cases, labels)
    if folds < 2 or len(strata) < folds + 1:
        raise RequestError(
            f"{folds} folds of {len(strata)} patients",
            "folds",
            "take 2 folds to one below patients",
        )
    weights = _weights(cases)
    even = dict.fromkeys(range(folds), 1 / folds)
    fold_of = _deal(strata, weights, even, stream(seed, "folds"))
    shares: dict[Part, float] = {"train": 1 - VALIDATION_SHARE, "val": VALIDATION_SHARE}
    splits = []
    for fold in range(folds):
        rest = {p: keys for p, keys in strata.items() if fold_of[p] != fold}
        parts = _deal(rest, weights, shares, stream(seed, "folds", "val", fold))
        splits.append({case.id: parts.get(case.patient, "test") for case in cases})
    return tuple(splits)


def left_out(cases: Sequence[Case], split: Mapping[str, Part]) -> list[Rejection]:
    """Return the rows of rejected.csv for training cases of patients that are also held out."""
    return [
        Rejection(
            case=case.id,
            file=str(case.image[0]),
            code="patient_on_both_sides",
            reason=f"the given split has patient {case.patient} in training and held out",
            remedy="none needed: the held-out cases stay; or correct the column split",
        )
        for case in cases
        if case.id not in split
    ]


def drop_duplicates(
    split: Mapping[str, Part],
    groups: Sequence[Sequence[str]],
    *,
    cases: Sequence[Case] = (),
) -> tuple[Split, list[Rejection]]:
    """Take training copies of held-out pictures out of a split (PROMISES I7).

    Parameters
    ----------
    groups : sequence of sequences of case ids
        The cases of a group show the same picture.
    cases : sequence of Case, optional
        To name the files of those rejected.
    """
    kept = dict(split)
    files = {case.id: str(case.image[0]) for case in cases}
    rejected = []
    for group in groups:
        held_out = [c for c in group if kept.get(c) in ("val", "test")]
        for case in group:
            if held_out and kept.get(case) == "train":
                del kept[case]
                rejected.append(_duplicate(case, held_out[0], kept[held_out[0]], files))
    return kept, rejected


def _duplicate(case: str, other: str, part: Part, files: Mapping[str, str]) -> Rejection:
    return Rejection(
        case=case,
        file=files.get(case, ""),
        code="duplicate",
        reason=f"the same picture as case {other}, which is held out ({part})",
        remedy="none needed: the held-out copy stays; or remove one of the two rows",
    )


def _given(cases: Sequence[Case]) -> dict[str, Part]:
    # a patient with cases on both sides counts as held out
    given: dict[str, Part] = {}
    for case in cases:
        part = next((p for p in PARTS if p == case.split), None)
        if part is not None:
            earlier = given.get(case.patient, "train")
            given[case.patient] = max(earlier, part, key=PARTS.index)
    return given


def _contradicts(case: Case, parts: Mapping[str, Part], stated: set[Part]) -> bool:
    # stated to be elsewhere than its patient is held out; what was dealt out contradicts nothing
    part = parts[case.patient]
    return case.split in PARTS and part in stated and case.split != part


def _weights(cases: Sequence[Case]) -> Counter[str]:
    return Counter(case.patient for case in cases)


def _deal(
    strata: Mapping[str, tuple[str, ...]],
    weights: Mapping[str, int],
    shares: Mapping[Slot, float],
    generator: np.random.Generator,
) -> dict[str, Slot]:
    # Each patient goes where its strata, and all patients, are furthest below their shares.
    slots = [slot for slot, share in shares.items() if share > 0]
    wanted = np.array([shares[slot] for slot in slots]) / sum(shares[slot] for slot in slots)
    if len(strata) < len(slots):
        raise RequestError(
            f"{len(strata)} patients cannot be parted into {len(slots)}",
            "split",
            "give more patients, or state the parts in a column split",
        )
    filled: defaultdict[str, DoubleArray] = defaultdict(lambda: np.zeros(len(slots)))
    dealt: dict[str, int] = {}
    patients: list[str] = sorted(strata)
    order: list[int] = generator.permutation(len(patients)).tolist()
    for patient in [patients[i] for i in order]:
        keys, weight = ("", *strata[patient]), weights[patient]
        lacking = sum(wanted * (filled[key].sum() + weight) - filled[key] for key in keys)
        slot = int(np.argmax(lacking))
        dealt[patient] = slot
        for key in keys:
            filled[key][slot] += weight
    for empty in range(len(slots)):  # a part that shares this small left empty takes one patient
        counts = np.bincount(list(dealt.values()), minlength=len(slots))
        if counts[empty] == 0:
            largest = int(counts.argmax())
            dealt[next(name for name, at in dealt.items() if at == largest)] = empty
    return {name: slots[at] for name, at in dealt.items()}


def _strata(
    cases: Sequence[Case], labels: Sequence[Sequence[Target]] | None
) -> dict[str, tuple[str, ...]]:
    # for each patient one word a label, its site, and all of them together
    columns = [_words(values) for values in labels or ()]
    columns.append([case.site or "" for case in cases])
    rows: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for i, case in enumerate(cases):
        rows[case.patient].append(tuple(column[i] for column in columns))
    strata = {}
    for patient, words in rows.items():
        usual = [_usual(column) for column in zip(*words, strict=True)]
        named = [f"{number}={word}" for number, word in enumerate(usual)]
        strata[patient] = (*named, " ".join(named)) if len(named) > 1 else tuple(named)
    return strata


def _usual(words: Sequence[str]) -> str:
    counts = Counter(words)
    return min(counts, key=lambda word: (-counts[word], word))  # ties do not hang on the order


def _words(values: Sequence[Target]) -> list[str]:
    numbers = [v for v in values if isinstance(v, (int, float)) and np.isfinite(v)]
    if len(set(numbers)) <= MOST_CLASSES:
        return [str(v) for v in values]
    edges = np.quantile(numbers, np.arange(1, CONTINUOUS_BINS) / CONTINUOUS_BINS)
    return [
        f"bin {np.searchsorted(edges, v)}"
        if isinstance(v, (int, float)) and np.isfinite(v)
        else str(v)
        for v in values
    ]
