"""Whether the model keeps more of an image than the mean image and PCA of the same size.

In: records of the evaluations ``reconstruction`` and ``collapse``. Out: one section.
"""

from __future__ import annotations

from latentomics.core import Result
from latentomics.report.page import Block, Gallery, Section, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import (
    chosen,
    difference_table,
    distinct,
    forest_picture,
    is_difference,
    record_table,
)
from latentomics.report.words import metric_name

_SPLITS = ("test", "val", "train")
_TITLES = {"test": "Held-out test cases", "val": "Validation cases", "train": "Training cases"}


def reconstruction_section(files: RunFiles) -> Section:
    """Return the section with the reconstruction errors of each split."""
    results = chosen(files.results, "reconstruction")
    errors = [result for result in results if not is_difference(result)]
    intervals = files.demonstration is None
    blocks: list[Block] = []
    if errors:
        blocks.append(
            Gallery(
                pictures=tuple(
                    forest_picture(
                        group,
                        name=f"reconstruction_{metric}_{split}",
                        intervals=intervals,
                        title=_TITLES.get(split, split or "All cases"),
                    )
                    for (metric, split), group in _grouped(errors).items()
                ),
                columns=2,
            )
        )
    else:
        reason = files.missing.get("results.json", "No reconstruction error was computed")
        blocks.append(Words(text=f"{reason}.", tone="note"))
    differences = [result for result in results if is_difference(result)]
    if differences:
        blocks.append(
            difference_table(
                differences, intervals=intervals, caption="Paired differences, case by case."
            )
        )
    collapse = chosen(files.results, "collapse")
    if collapse:
        blocks.append(record_table(collapse, intervals=intervals))
    return Section(
        anchor="reconstruction",
        title="Reconstruction against PCA and the mean image",
        lead="A model that loses to principal components of the same size has learned nothing that "
        "a closed formula does not give.",
        blocks=tuple(blocks),
    )


def _grouped(errors: list[Result]) -> dict[tuple[str, str], list[Result]]:
    """Group by metric and split: the main metric first, the test split before the others."""
    splits = distinct(str(result.settings.get("split", "")) for result in errors)
    order = [s for s in _SPLITS if s in splits] + [str(s) for s in splits if s not in _SPLITS]
    metrics = sorted(
        {result.metric for result in errors}, key=lambda m: (m != "mse", metric_name(m))
    )
    groups = {}
    for metric in metrics:
        for split in order:
            inside = [
                r
                for r in errors
                if r.metric == metric and str(r.settings.get("split", "")) == split
            ]
            if inside:
                groups[metric, split] = inside
    return groups
