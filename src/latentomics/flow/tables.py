"""The feature table of a run, and what its model must know of it to give new cases the same."""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.features import Columns, FeatureTable, build_table, size_columns
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered
from latentomics.flow.measuring import provenance_of
from latentomics.flow.patients import MEAN, WORDS, Rows, combined_columns
from latentomics.planning import pipeline_of
from latentomics.sources import CaseFacts, mask_rules

GROUPS = ("latent", "pooled")  # of a run's features; baselines are not written


def table_of(gathered: Gathered, main: Fitting, rows: Rows) -> FeatureTable:
    """Return the table of a run, a row a case or a patient: learned, classic radiomics, size."""
    facts = [gathered.facts[case.id] for case in gathered.cases]
    groups = {
        name: Columns(names=found.names, values=found.values)
        for name in GROUPS
        if (found := main.features.get(name)) is not None
    }
    provenance = _provenance(main, facts)
    settings = main.plan.classic.value
    if main.classic is not None and settings is not None:
        groups["classic"] = main.classic.columns
        provenance |= provenance_of(settings, facts[0])
    if all(fact.mask_voxels for fact in facts):
        groups["size"] = sizes_of(facts)
    if rows.patients is not None:
        groups = {name: combined_columns(one, rows.patients) for name, one in groups.items()}
        provenance["rows"] = WORDS[gathered.request.aggregate or MEAN]
    return build_table(rows.gathered.cases, rows.gathered.split, groups, provenance)


def sizes_of(facts: Sequence[CaseFacts]) -> Columns:
    """Return the size of each case's mask; not a number where a case has none."""
    nothing = float("nan")
    return size_columns(
        [fact.mask_voxels or nothing for fact in facts],
        [fact.mask_mm3 or nothing for fact in facts],
    )


def _provenance(main: Fitting, facts: Sequence[CaseFacts]) -> dict[str, str]:
    """Return what the numbers of a table came from."""
    plan = main.plan
    return {
        "weights_sha256": main.fitted.weights_sha256,
        "pipeline": "; ".join(pipeline_of(plan).describe()),
        "pipeline_sha256": pipeline_of(plan).hash,
        "method": plan.method.value,
        "mask": mask_rules(facts),
        "spacing": str(plan.spacing.value),
    }
