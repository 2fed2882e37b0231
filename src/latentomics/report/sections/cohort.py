"""Who was studied: counts by split, site and target, sizes and spacings (the fingerprint).

In: cohort.parquet and check.json. Out: one section.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.figures import region_sizes, svg
from latentomics.report.page import Block, Fold, Gallery, Picture, Points, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import (
    as_float,
    as_groups,
    as_numbers,
    column_of,
    targets_of,
    word,
)
from latentomics.report.words import metric_name, number, said, scored, target_name

_SPLITS = ("train", "val", "test")
_VALUES = 8  # of a count that a line names


def cohort_section(files: RunFiles) -> Section:
    """Return the section about the cohort."""
    blocks: list[Block] = []
    if files.cohort is None:
        blocks.append(Words(text=files.missing["cohort.parquet"] + ".", tone="note"))
    else:
        blocks += [_splits(files), *_targets(files), *_geometry(files), *_sizes(files)]
    blocks += _check(files)
    return Section(
        anchor="cohort",
        title="The cohort",
        lead="Who was studied. Patients, not images, are split: none is on two sides.",
        blocks=tuple(blocks),
    )


def _splits(files: RunFiles) -> Table:
    splits = [word(value or "all") for value in column_of(files, "split")]
    patients = column_of(files, "patient")
    sites = column_of(files, "site")
    order = [name for name in _SPLITS if name in splits]
    order += sorted(set(splits) - set(order))
    rows = []
    for name in [*order, "together"]:
        inside = [i for i, split in enumerate(splits) if name in (split, "together")]
        rows.append(
            (
                {"train": "training", "val": "validation"}.get(name, name),
                number(len(inside)),
                number(len({patients[i] for i in inside})) if patients else "–",
                _counted([sites[i] for i in inside]) if sites else "–",
            )
        )
    columns = ("split", "cases", "patients", "sites")
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset({1, 2}),
        caption="Cases and patients by split.",
    )


def _targets(files: RunFiles) -> list[Block]:
    targets = targets_of(files)
    if not targets:
        return []
    splits = column_of(files, "split")
    names = [name for name in _SPLITS if name in splits]
    rows = []
    for target in targets:
        values = column_of(files, target)
        parts = [[v for v, s in zip(values, splits, strict=True) if s == name] for name in names]
        rows.append(
            (
                target_name(target),
                *(_distribution(part) for part in parts),
                number(sum(value is None for value in values)),
            )
        )
    heads = tuple({"train": "training", "val": "validation"}.get(name, name) for name in names)
    return [
        Table(
            columns=("target", *heads, "unknown"),
            rows=tuple(rows),
            numeric=frozenset({len(names) + 1}),
            caption="Targets by split: classes with counts, or median and quartiles.",
        )
    ]


def _distribution(values: Sequence[object]) -> str:
    numbers = as_numbers(values)
    if numbers is None:
        return _counted(values)
    known = numbers[np.isfinite(numbers)]
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    return f"{number(float(middle))} ({number(float(low))} to {number(float(high))})"


def _counted(values: Sequence[object], most: int = 8) -> str:
    counts = Counter(group for group in as_groups(values) if group is not None)
    listed = [f"{name}: {number(count)}" for name, count in counts.most_common(most)]
    rest = len(counts) - most
    return ", ".join([*listed, *([f"and {rest} more"] if rest > 0 else [])]) or "–"


def _geometry(files: RunFiles) -> list[Block]:
    """Return smallest, median and largest size and spacing along each axis."""
    rows = []
    for column, unit in (("size", "voxels"), ("spacing", "mm or px")):
        table = _vectors(column_of(files, column))
        if table is not None:
            summary = [np.quantile(table, q, axis=0).tolist() for q in (0.0, 0.5, 1.0)]
            rows.append((f"{column} ({unit})", *(_vector(entry) for entry in summary)))
    if not rows:
        return []
    return [
        Table(
            columns=("of the files", "smallest", "median", "largest"),
            rows=tuple(rows),
            caption="Geometry, axis by axis.",
        )
    ]


def _vector(entry: list[float]) -> str:
    return " × ".join(number(float(f"{value:.4g}")) for value in entry)


def _vectors(values: Sequence[object]) -> DoubleArray | None:
    """Return sizes or spacings, stored as lists or as text, as an array (cases, axes)."""
    rows = []
    for value in values:
        parts = str(value).strip("()[]").replace("x", " ").replace("×", " ").replace(",", " ")
        try:
            rows.append([float(part) for part in parts.split()])
        except ValueError:
            return None
    lengths = {len(row) for row in rows}
    return np.array(rows) if len(lengths) == 1 and lengths != {0} else None


def _sizes(files: RunFiles) -> list[Block]:
    values = [v if isinstance(v, (int, float)) else np.nan for v in column_of(files, "size_mm3")]
    sizes = np.array(values, dtype=float)
    usable = np.isfinite(sizes) & (sizes > 0)
    if usable.sum() < 5 or np.ptp(sizes[usable]) < 1e-6 * sizes[usable].max():
        return []
    splits = np.array([word(value or "all") for value in column_of(files, "split")])
    found = [name for name in (*_SPLITS, "all") if (usable & (splits == name)).any()]
    groups = {
        {"train": "training", "val": "validation"}.get(name, name): sizes[usable & (splits == name)]
        for name in found
    }
    if not groups:
        return []
    image = svg(region_sizes(groups, axis="size of the region of interest (mm³)"))
    middle = number(float(np.median(sizes[usable])))
    picture = Picture(
        name="region_sizes",
        image=image,
        alternative=f"Histogram of the size of the region of interest; median {middle} mm³.",
        caption=f"Size of the region of interest; median {middle} mm³. "
        "A feature that only repeats it is found out below.",
    )
    return [Gallery(pictures=(picture,))]


def _check(files: RunFiles) -> list[Block]:
    """Return what check found: what the label hangs on, remarks, and counts."""
    return [*_confounds(files), *_remarks(files), *_counts(files)]


def _confounds(files: RunFiles) -> list[Block]:
    found = [entry for entry in _list(files.check.get("predictability")) if _is_mapping(entry)]
    rows = [
        (
            str(entry.get("label", "")),
            f"{entry.get('by', '')} alone",
            metric_name(str(entry.get("metric", ""))),
            scored(as_float(entry.get("value")), str(entry.get("metric", ""))),
            number(entry.get("patients")),
        )
        for entry in found
    ]
    if not rows:
        return []
    caption = (
        "Before any image is read: can the target be told from the site or the size alone? "
        "(cross-validated by patient; chance is 0.5 for AUROC, 0 for R²)"
    )
    columns = ("target", "from", "metric", "value", "patients")
    return [Table(columns=columns, rows=tuple(rows), numeric=frozenset({3, 4}), caption=caption)]


def _remarks(files: RunFiles) -> list[Block]:
    remarks = tuple(str(remark) for remark in _list(files.check.get("remarks")))
    return (
        [Fold(summary=f"Remarks of the check ({len(remarks)})", blocks=(Points(items=remarks),))]
        if remarks
        else []
    )


def _counts(files: RunFiles) -> list[Block]:
    counts = files.check.get("counts")
    if not isinstance(counts, Mapping):
        return []
    rows = []
    for name, entry in counts.items():
        if isinstance(entry, Mapping) and entry:
            listed = [f"{key}: {said(entry[key])}" for key in list(entry)[:_VALUES]]
            rest = len(entry) - _VALUES
            rows.append((str(name), ", ".join(listed) + (f", and {rest} more" * (rest > 0))))
    if not rows:
        return []
    table = Table(columns=("of the files", "values with counts"), rows=tuple(rows))
    return [Fold(summary="What every file holds", blocks=(table,))]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
