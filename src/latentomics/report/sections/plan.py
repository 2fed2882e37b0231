"""What was decided for this cohort, with the reason beside each choice.

In: plan.yaml. Out: one section.
"""

from __future__ import annotations

from collections.abc import Mapping

from latentomics.report.page import Block, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.words import said

_NAMES = {
    "dimension": "dimensions",
    "spacing": "spacing (mm or px)",
    "size": "size of a sample (voxels)",
    "margin": "margin (mm; with view scaled a factor)",
    "window": "limits of the values",
    "further": "scales of further channels",
    "mapped": "samples read from the disk as needed",
    "components_bytes": "memory for principal components",
    "loss_region": "region of the objective",
    "uses": "used beside pictures",
    "noise": "corruption while training",
    "shift": "random shifts (voxels)",
    "symmetries": "code averaged over",
    "pooled": "pooled maps beside the code",
    "classic": "classic radiomics",
    "mask_channel": "the mask as a channel (its value inside; 0: none)",
    "deformation": "random deformation while training",
    "split": "split (train, validation, test)",
}
_REQUEST = (
    "manifest",
    "labels",
    "site",
    "channels",
    "folds",
    "epochs",
    "budget_s",
    "seed",
    "settings",
)


def plan_section(files: RunFiles) -> Section:
    """Return the section about the plan."""
    blocks: tuple[Block, ...]
    if not files.plan:
        blocks = (
            Words(text=files.missing.get("plan.yaml", "The plan is empty") + ".", tone="note"),
        )
    else:
        blocks = (*_request(files), _choices(files))
    return Section(
        anchor="plan",
        title="The plan and its reasons",
        lead="Each choice was made from what the cohort is. Edit plan.yaml and run it again to "
        "decide otherwise.",
        blocks=blocks,
    )


def _request(files: RunFiles) -> list[Block]:
    asked = [
        (name.replace("_s", " (s)") if name == "budget_s" else name, said(files.request[name]))
        for name in _REQUEST
        if files.request.get(name) or (name == "seed" and name in files.request)
    ]
    if not asked:
        return []
    return [Table(columns=("asked for", "value"), rows=tuple(asked))]


def _choices(files: RunFiles) -> Table:
    rows = []
    for name, entry in files.plan.items():
        if isinstance(entry, Mapping) and "value" in entry:
            title = _NAMES.get(name, name.replace("_", " "))
            rows.append((title, said(_set(entry["value"]), name), str(entry.get("reason", ""))))
    return Table(columns=("choice", "value", "because"), rows=tuple(rows))


def _set(value: object) -> object:
    """Leave out the parts of a choice that are off: most networks use few of their settings."""
    if not isinstance(value, Mapping):
        return value
    return {name: part for name, part in value.items() if part not in (None, False, 0)}
