"""The same picture under several cases.

In: the facts of cases. Out: groups of cases whose images hold the same voxels (PROMISES I7). Two
regions of one patient's image are no duplicates: their masks differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from latentomics.sources.facts import CaseFacts


def duplicates(facts: Iterable[CaseFacts]) -> list[tuple[str, ...]]:
    """Return groups of two or more cases with the same voxels, in the order of the cases."""
    groups: dict[str, list[CaseFacts]] = defaultdict(list)
    for fact in facts:
        groups[fact.voxel_hash].append(fact)
    return [tuple(fact.case for fact in group) for group in groups.values() if _repeats(group)]


def _repeats(group: list[CaseFacts]) -> bool:
    """Say whether a group is more than regions of one patient's image."""
    if len(group) < 2:
        return False
    masks = {fact.mask_hash for fact in group}
    return len({fact.patient for fact in group}) > 1 or len(masks) < len(group)
