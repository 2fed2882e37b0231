"""What a cohort holds, counted and said.

In: cases and their facts. Out: counts by modality, site and so on, ranges of sizes and intensities,
and remarks on what a person should know before training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from latentomics.core import Case
from latentomics.sources.facts import CaseFacts

FEW_VOXELS = 8  # a region of one block of two voxels an axis says nothing about texture
Counts = Mapping[str, Mapping[str, int]]


def counts_of(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> Counts:
    """Count cases by what is the same in many of them, the most frequent first."""
    columns: dict[str, Iterable[str | None]] = {
        "modality": [fact.modality for fact in facts],
        "unit": [fact.value_unit for fact in facts],
        "dimension": [f"{len(fact.size)}-D" for fact in facts],
        "channels": [str(fact.channels) for fact in facts],
        "site": [case.site for case in cases],
        "split": [case.split for case in cases],
        "spacing": [f"{_product(fact.spacing, '.3g')} {fact.unit}" for fact in facts],
        "size": [_product(fact.size, "d") for fact in facts],
        "mask": [fact.mask_rule for fact in facts],
    }
    return {
        name: dict(Counter(value for value in values if value is not None).most_common())
        for name, values in columns.items()
    }


def range_lines(facts: Sequence[CaseFacts]) -> list[str]:
    """Say sizes, spacings, intensities, noise and masks, one line each."""
    lines = []
    for dimension in sorted({len(fact.size) for fact in facts}):
        same = [fact for fact in facts if len(fact.size) == dimension]
        lines.append(f"size       {_axes([fact.size for fact in same])} voxels")
        for unit in sorted({fact.unit for fact in same}):
            spacing = [fact.spacing for fact in same if fact.unit == unit]
            lines.append(f"spacing    {_axes(spacing)} {unit}")
    for unit in sorted({fact.value_unit for fact in facts}):
        same = [fact for fact in facts if fact.value_unit == unit]
        low, high = (np.median([getattr(fact, q) for fact in same]) for q in ("p01", "p99"))
        span = f"{min(f.minimum for f in same):.4g} to {max(f.maximum for f in same):.4g}"
        noise = np.median([fact.sigma for fact in same])
        lines.append(
            f"intensity  {span} {unit}; median 1st to 99th percentile {low:.4g} to {high:.4g}, "
            f"noise SD {noise:.3g}"
        )
    masked = [fact for fact in facts if fact.mask_voxels]
    if masked:
        volume, unit = [fact.mask_mm3 for fact in masked], _volume_unit(masked[0])
        extent = [max(fact.mask_extent_mm or (0.0,)) for fact in masked]
        lines.append(
            f"masks      {len(masked)} of {len(facts)}; {_span(volume)} {unit}, "
            f"longest edge {_span(extent)} {masked[0].unit}"
        )
    return lines


def mask_rules(facts: Sequence[CaseFacts]) -> str:
    """Say which label or threshold was the region, and in how many cases, for a provenance."""
    counts = Counter(fact.mask_rule or "no mask" for fact in facts).most_common()
    return "; ".join(f"{rule} ({count} cases)" for rule, count in counts)


def remarks(
    cases: Sequence[Case], facts: Sequence[CaseFacts], groups: Sequence[tuple[str, ...]]
) -> list[str]:
    """Say what a person should know before training, one sentence each."""
    return [
        *_mixtures(facts),
        *_mask_remarks(facts),
        *_split_remarks(cases),
        *_duplicate_remarks(cases, groups),
    ]


def _mixtures(facts: Sequence[CaseFacts]) -> list[str]:
    found = []
    for name, values in (
        ("modalities", {fact.modality for fact in facts}),
        ("dimensions", {f"{len(fact.size)}-D" for fact in facts}),
        ("units of length", {fact.unit for fact in facts}),
        ("numbers of channels", {str(fact.channels) for fact in facts}),
    ):
        if len(values) > 1:
            found.append(f"several {name} in one cohort: {', '.join(sorted(values))}")
    oblique = sum(fact.oblique for fact in facts)
    if oblique:
        found.append(f"images oblique to the patient's axes, which are resampled: {oblique}")
    return found


def _mask_remarks(facts: Sequence[CaseFacts]) -> list[str]:
    masked = [fact for fact in facts if fact.mask_voxels]
    found = []
    if masked and len(masked) < len(facts):
        found.append(f"cases without a mask: {len(facts) - len(masked)} of {len(facts)}")
    few = [fact.case for fact in masked if fact.mask_voxels < FEW_VOXELS]
    if few:
        found.append(f"masks of fewer than {FEW_VOXELS} voxels: {len(few)} ({_some(few)})")
    several = [fact for fact in masked if (fact.mask_rule or "").startswith("labels ")]
    if several:
        found.append(
            f"masks with several labels: {len(several)} ({several[0].mask_rule}); all of them are "
            "the region, mask_label picks one"
        )
    soft = [fact for fact in masked if (fact.mask_rule or "").startswith("probability")]
    if soft:
        found.append(
            f"masks that are probabilities: {len(soft)}; the region is {soft[0].mask_rule}"
        )
    return found


def _split_remarks(cases: Sequence[Case]) -> list[str]:
    parts: dict[str, set[str]] = {}
    for case in cases:
        if case.split is not None:
            parts.setdefault(case.patient, set()).add(case.split)
    torn = [patient for patient, splits in parts.items() if len(splits) > 1]
    if not torn:
        return []
    return [f"patients on several sides of the given split: {len(torn)} ({_some(torn)})"]


def _duplicate_remarks(cases: Sequence[Case], groups: Sequence[tuple[str, ...]]) -> list[str]:
    if not groups:
        return []
    by_id = {case.id: case for case in cases}
    across = [g for g in groups if len({by_id[c].split for c in g} - {None}) > 1]
    shown = _some([" = ".join(group) for group in groups])
    found = [f"pictures that stand under several cases: {len(groups)} ({shown})"]
    if across:
        found.append(f"pictures on several sides of the given split: {len(across)}")
    differing = [
        name
        for name in by_id[groups[0][0]].targets
        if any(_disagree(by_id[a].targets[name], by_id[b].targets[name]) for a, b in _pairs(groups))
    ]
    if differing:
        found.append(f"the same picture has different values in: {_some(differing)}")
    return found


def _pairs(groups: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    return [pair for group in groups for pair in pairwise(group)]


def _disagree(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _product(values: Sequence[float], form: str) -> str:
    return " x ".join(f"{value:{form}}" for value in values)


def _axes(rows: Sequence[Sequence[float]]) -> str:
    """Say the median of each axis, and the range where there is one."""
    table = np.array(rows, dtype=np.float64)
    low, high = table.min(axis=0), table.max(axis=0)
    words = _product(np.median(table, axis=0).tolist(), ".3g")
    if np.allclose(low, high):
        return words
    return f"{words} ({_product(low.tolist(), '.3g')} to {_product(high.tolist(), '.3g')})"


def _span(values: Sequence[float]) -> str:
    return f"median {np.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def _volume_unit(fact: CaseFacts) -> str:
    return f"{fact.unit}{3 if len(fact.size) == 3 else 2}"
