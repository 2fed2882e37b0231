"""Which cases were left out, and what would bring them back.

In: rejected.csv. Out: one section.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from latentomics.report.page import Block, Fold, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.words import number

_SHOWN = 200


def rejected_section(files: RunFiles) -> Section:
    """Return the section about rejected cases."""
    if "rejected.csv" in files.missing:
        blocks: tuple[Block, ...] = (Words(text=files.missing["rejected.csv"] + ".", tone="note"),)
    elif not files.rejected:
        blocks = (Words(text="No case was left out."),)
    else:
        blocks = _tables(files)
    return Section(
        anchor="rejected",
        title="Cases left out",
        lead="A case that cannot be used costs itself only, and is named with the remedy.",
        blocks=blocks,
    )


def _tables(files: RunFiles) -> tuple[Block, ...]:
    counts = Counter(rejection.code for rejection in files.rejected)
    words = ", ".join(f"{code}: {number(count)}" for code, count in counts.most_common())
    total = len(files.rejected)
    rows = tuple(
        (
            entry.case,
            PurePath(entry.file).name or entry.file,
            entry.code,
            entry.reason,
            entry.remedy,
        )
        for entry in files.rejected[:_SHOWN]
    )
    rest = f" The first {_SHOWN} are shown; all stand in rejected.csv." if total > _SHOWN else ""
    table = Table(columns=("case", "file", "code", "reason", "remedy"), rows=rows)
    summary = Words(text=f"{number(total)} left out ({words}).{rest}")
    return (summary, table if total <= 12 else Fold(summary="The cases", blocks=(table,)))
