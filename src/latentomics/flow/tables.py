"""The feature table of a run and its dictionary."""

from __future__ import annotations

from pathlib import Path

from latentomics.features import (
    Columns,
    build_table,
    size_columns,
    write_with_dictionary,
)
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered
from latentomics.flow.measuring import provenance_of
from latentomics.planning import pipeline_of

GROUPS = ("latent", "pooled")  # of a run's features; baselines are not written


def write_features(folder: Path, gathered: Gathered, main: Fitting) -> Path:
    """Write features.parquet and features_dictionary.csv; return the table's path."""
    facts = [gathered.facts[case.id] for case in gathered.cases]
    groups = {
        name: Columns(names=found.names, values=found.values)
        for name in GROUPS
        if (found := main.features.get(name)) is not None
    }
    provenance = table_provenance(main)
    settings = main.plan.classic.value
    if main.classic is not None and settings is not None:
        groups["classic"] = main.classic.columns
        provenance |= provenance_of(settings, facts[0])
    if all(fact.mask_voxels for fact in facts):
        groups["size"] = size_columns(
            [fact.mask_voxels for fact in facts], [fact.mask_mm3 for fact in facts]
        )
    table = build_table(gathered.cases, gathered.split, groups, provenance)
    return write_with_dictionary(table, folder / "features.parquet")


def table_provenance(main: Fitting) -> dict[str, str]:
    """Return what the numbers of a table came from."""
    plan = main.plan
    return {
        "weights_sha256": main.fitted.weights_sha256,
        "pipeline": "; ".join(pipeline_of(plan).describe()),
        "pipeline_sha256": pipeline_of(plan).hash,
        "method": plan.method.value,
        "mask_label": str(plan.request.mask_label),
        "spacing": str(plan.spacing.value),
    }
