"""What the table of features holds, group by group.

In: features_dictionary.csv and records of the evaluation ``curation``. Out: one section.
"""

from __future__ import annotations

from latentomics.report.page import Block, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.curation import curation_blocks
from latentomics.report.words import number

_ROWS = {
    "mean": "the mean of its cases",
    "largest": "its case with the largest mask",
    "deviant": "its case whose code lies furthest from the training cases",
}
_UNITS = 4  # of a group that are listed


def features_section(files: RunFiles) -> Section:
    """Return the section about the columns of the table."""
    blocks: tuple[Block, ...]
    if files.dictionary:
        blocks = (_groups(files), *curation_blocks(files))
    else:
        reason = files.missing.get("features_dictionary.csv", "features_dictionary.csv is empty")
        blocks = (Words(text=f"{reason}.", tone="note"),)
    return Section(
        anchor="features",
        title="The table of features",
        lead=f"{row_words(files)}; features_dictionary.csv says what each column means.",
        blocks=blocks,
    )


def row_words(files: RunFiles) -> str:
    """Return what a row of the table is."""
    if files.request.get("per") != "patient":
        return "One row a case"
    return f"One row a patient, {_ROWS[str(files.request.get('aggregate') or 'mean')]}"


def _groups(files: RunFiles) -> Table:
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for row in files.dictionary:
        entry = (row.get("name", ""), row.get("unit", ""), row.get("meaning", ""))
        groups.setdefault(row.get("group", ""), []).append(entry)
    rows = []
    for group, entries in groups.items():
        names = entries[0][0] if len(entries) == 1 else f"{entries[0][0]} … {entries[-1][0]}"
        found = list(dict.fromkeys(unit for _, unit, _ in entries if unit))
        units = "several" if len(found) > _UNITS else ", ".join(found) or "–"
        rows.append((group, number(len(entries)), names, units, entries[0][2]))
    return Table(
        columns=("group", "columns", "names", "unit", "meaning of the first"),
        rows=tuple(rows),
        numeric=frozenset({1}),
    )
