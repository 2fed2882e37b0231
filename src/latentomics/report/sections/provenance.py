"""Where the figures come from: versions, command, seeds, hardware, inputs, durations.

In: provenance.json. Out: one section.
"""

from __future__ import annotations

from collections.abc import Mapping

from latentomics.report.page import Block, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.words import said, seconds

STAGES = {
    "train": " (the network's training, and PCA, untrained encoders, features and errors of every "
    "case with it)"
}


def provenance_section(files: RunFiles) -> Section:
    """Return the section about provenance."""
    blocks: list[Block] = []
    if files.provenance:
        blocks.append(_facts(files.provenance))
    else:
        reason = files.missing.get("provenance.json", "provenance.json is empty")
        blocks.append(Words(text=f"{reason}.", tone="note"))
    absent = [words for name, words in files.missing.items() if name != "provenance.json"]
    if absent:
        blocks.append(Words(text="Not shown above: " + "; ".join(absent) + ".", tone="note"))
    return Section(
        anchor="provenance",
        title="Provenance",
        lead="Enough to run this again; every figure above is a record in results.json.",
        blocks=tuple(blocks),
    )


def _facts(provenance: Mapping[str, object]) -> Table:
    rows: list[tuple[str, str]] = []
    for key, value in provenance.items():
        name = key.replace("_", " ")
        if isinstance(value, Mapping):
            timed = key.startswith("seconds") or key.endswith("seconds")
            rows += [
                (
                    f"{name}: {str(inner).replace('_', ' ')}{STAGES.get(str(inner), '') * timed}",
                    _inner(value[inner], timed=timed),
                )
                for inner in value
            ]
        elif isinstance(value, (list, tuple)):
            rows.append((name, "; ".join(said(entry) for entry in value)))
        elif key == "seed":
            rows.append((name, str(value)))
        else:
            rows.append((name, said(value)))
    return Table(columns=("what", "value"), rows=tuple(rows))


def _inner(value: object, *, timed: bool) -> str:
    return seconds(float(value)) if timed and isinstance(value, (int, float)) else said(value)
