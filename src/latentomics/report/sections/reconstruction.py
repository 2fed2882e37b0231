"""Whether the model keeps more of an image than the mean image and PCA of the same size.

In: records of the evaluation ``reconstruction``. Out: one section.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.core import Result
from latentomics.report.page import Block, Cell, Fold, Gallery, Mark, Picture, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import chosen, distinct, forest_picture
from latentomics.report.words import feature_name, fixed

_SPLITS = {"test": "Held-out test cases", "val": "Validation cases", "train": "Training cases"}
_REGIONS = {
    "all": "whole image",
    "mask": "inside the mask",
    "mask+ring": "inside the mask and its ring",
}
_RATIO = "mse_ratio_to_"


def reconstruction_section(files: RunFiles) -> Section:
    """Return the section with the reconstruction errors of each split."""
    results = chosen(files.results, "reconstruction")
    errors = [result for result in results if "_ratio_to_" not in result.metric]
    ratios = [result for result in results if result.metric.startswith(_RATIO)]
    intervals = files.demonstration is None
    blocks: list[Block] = []
    others: list[Picture] = []
    if errors:
        first, *others = _pictures(errors, intervals=intervals)
        blocks.append(Gallery(pictures=(first,)))
    else:
        reason = files.missing.get("results.json", "No reconstruction error was computed")
        blocks.append(Words(text=f"{reason}.", tone="note"))
    if ratios:
        blocks.append(_ratios(_ordered(ratios), intervals=intervals))
    if others:
        gallery = Gallery(pictures=tuple(others), columns=2)
        blocks.append(Fold(summary="The other cases as pictures", blocks=(gallery,)))
    return Section(
        anchor="reconstruction",
        title="Reconstruction against PCA and the mean image",
        lead="A model that loses to principal components of the same size has learned nothing that "
        "a closed formula does not give.",
        blocks=tuple(blocks),
    )


def _pictures(errors: Sequence[Result], *, intervals: bool) -> tuple[Picture, ...]:
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in _ordered(errors):
        groups.setdefault((result.metric, _region(result), _split(result)), []).append(result)
    return tuple(
        forest_picture(
            group,
            name=f"reconstruction_{index + 1:02d}",
            title=_title(group[0]),
            unit=str(group[0].settings.get("unit") or ""),
            intervals=intervals,
        )
        for index, group in enumerate(groups.values())
    )


def _ratios(ratios: Sequence[Result], *, intervals: bool) -> Table:
    columns: tuple[str, ...] = ("cases", "against", "ratio")
    columns += ("95 % interval", "in words") if intervals else ()
    rows: list[tuple[Cell, ...]] = []
    for result in ratios:
        baseline = feature_name(result.metric.removeprefix(_RATIO))
        row: tuple[Cell, ...] = (_title(result), baseline, fixed(result.value))
        if intervals:
            row += (f"{fixed(result.low)} to {fixed(result.high)}", _in_words(result))
        rows.append(row)
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset({2, 3} if intervals else {2}),
        caption="Error of the model divided by that of the baseline; below 1 the model is better.",
    )


def _in_words(result: Result) -> Mark:
    if result.low is None or result.high is None:
        return Mark(status="none", text="no interval")
    if result.high < 1:
        return Mark(status="ok", text="better")
    if result.low > 1:
        return Mark(status="fail", text="worse")
    return Mark(status="none", text="no clear difference")


def _ordered(results: Sequence[Result]) -> list[Result]:
    """Sort by region as recorded, the held-out splits first; the order within stays."""
    regions = distinct(_region(result) for result in results)
    splits = [*_SPLITS, *distinct(_split(result) for result in results)]
    return sorted(results, key=lambda r: (regions.index(_region(r)), splits.index(_split(r))))


def _title(result: Result) -> str:
    split, region = _split(result), _region(result)
    words = _SPLITS.get(split, split or "All cases")
    return f"{words}, {_REGIONS.get(region, region)}" if region else words


def _split(result: Result) -> str:
    return str(result.settings.get("split", ""))


def _region(result: Result) -> str:
    return str(result.settings.get("region", ""))
