"""The table of features: one row a case, columns in named groups, provenance in the file.

In: cases, their split and groups of columns. Out: a ``FeatureTable``, written as parquet
(provenance and groups in the schema's metadata) or CSV, and a dictionary that says what each column
means.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from latentomics.core import Case, RequestError, write_atomic

if TYPE_CHECKING:
    from pandas import DataFrame

FIRST_COLUMNS = ("case", "patient", "site", "split")
METADATA = b"latentomics"
SIZES = ("size_voxels", "size_mm3")
OTHERS = ("ibsi", "pyradiomics")  # columns of the dictionary: what others call a feature
_STATISTICS = {
    "mean": "mean",
    "sd": "SD",
    "q10": "10 % quantile",
    "q50": "median",
    "q90": "90 % quantile",
}
_REGIONS = {
    "core": "deeper than 2 mm inside the mask",
    "rim": "within 2 mm inside the mask's border",
    "ring": "within 3 mm outside the mask",
    "whole": "the whole sample",
}
_LOCAL = re.compile(r"[a-z]+_c(\d+)_(core|rim|ring|whole)_(mean|sd|q10|q50|q90)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """A group of columns: names and values (cases, columns)."""

    names: tuple[str, ...]
    values: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureTable:
    """Rows are cases; the first columns are case, patient, site and split."""

    frame: DataFrame
    groups: Mapping[str, tuple[str, ...]]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = ", ".join(f"{len(names)} {group}" for group, names in self.groups.items())
        return f"{len(self.frame)} cases with {words}"

    def values(self, group: str) -> npt.NDArray[np.float64]:
        """Return a group's columns, (cases, columns)."""
        return self.frame[list(self.groups[group])].to_numpy(np.float64)


def build_table(
    cases: Sequence[Case],
    split: Mapping[str, str],
    groups: Mapping[str, Columns],
    provenance: Mapping[str, str] | None = None,
) -> FeatureTable:
    """Put groups of columns beside who each case is; rows in the order of ``cases``."""
    import pandas

    first = {
        "case": [case.id for case in cases],
        "patient": [case.patient for case in cases],
        "site": [case.site for case in cases],
        "split": [split.get(case.id) for case in cases],
    }
    parts = [pandas.DataFrame(first)]
    parts += [pandas.DataFrame(part.values, columns=list(part.names)) for part in groups.values()]
    return FeatureTable(
        frame=pandas.concat(parts, axis=1),
        groups={name: part.names for name, part in groups.items()},
        provenance=dict(provenance or {}),
    )


def with_group(
    table: FeatureTable, group: str, cases: Sequence[str], columns: Columns
) -> FeatureTable:
    """Return a table with one group of columns more, or in place of the one of that name.

    Parameters
    ----------
    cases : sequence of str
        Of the columns' rows, in any order; every case of the table is among them.
    """
    import pandas

    frame = table.frame.drop(columns=list(table.groups.get(group, ())))
    place = {case: row for row, case in enumerate(cases)}
    values = columns.values[[place[case] for case in frame["case"]]]
    added = pandas.DataFrame(values, columns=list(columns.names))
    return FeatureTable(
        frame=pandas.concat([frame.reset_index(drop=True), added], axis=1),
        groups={**table.groups, group: columns.names},
        provenance=table.provenance,
    )


def size_columns(voxels: Sequence[float], volumes_mm3: Sequence[float]) -> Columns:
    """Return the size of each case's mask in its own voxels and in cubic (2-D: square) mm."""
    values = np.stack([np.asarray(voxels, np.float64), np.asarray(volumes_mm3, np.float64)], axis=1)
    return Columns(names=SIZES, values=values)


def require_table_path(path: Path) -> None:
    """Refuse a path that no table can be written to, before anything is computed for it.

    Raises
    ------
    RequestError
        When the suffix is neither .parquet nor .csv, or the folder cannot be written.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise RequestError(
            f"a table is .parquet or .csv, not {path.suffix!r}", str(path), "change the suffix"
        )
    if not path.absolute().parent.is_dir():
        raise RequestError("the folder does not exist", str(path), "make it, or write elsewhere")
    if not os.access(path.absolute().parent, os.W_OK):
        raise RequestError(
            "the folder cannot be written", str(path), "correct its permissions, or write elsewhere"
        )


def write_table(table: FeatureTable, path: Path) -> None:
    """Write a table, whole or not at all.

    Raises
    ------
    RequestError
        When there can be no table at the path.
    """
    require_table_path(path)
    if path.suffix == ".csv":
        write_atomic(path, lambda part: table.frame.to_csv(part, index=False))
        return
    import pyarrow
    from pyarrow import parquet

    arrow = pyarrow.Table.from_pandas(table.frame, preserve_index=False)
    content = {"groups": {g: list(n) for g, n in table.groups.items()}}
    text = json.dumps({**content, "provenance": dict(table.provenance)}, sort_keys=True)
    arrow = arrow.replace_schema_metadata(
        {**(arrow.schema.metadata or {}), METADATA: text.encode()}
    )
    write_atomic(path, lambda part: parquet.write_table(arrow, part))


def write_with_dictionary(table: FeatureTable, path: Path) -> Path:
    """Write a table and, beside it, what each column means."""
    write_table(table, path)
    dictionary = path.with_name(f"{path.stem}_dictionary.csv")
    frame = features_dictionary(table)
    write_atomic(dictionary, lambda part: frame.to_csv(part, index=False))
    return path


def read_table(path: Path) -> FeatureTable:
    """Read a table that ``write_table`` wrote; a CSV has no provenance and groups by first word.

    Raises
    ------
    RequestError
        When the file is missing or no table of features.
    """
    import pandas

    try:
        if path.suffix == ".csv":
            frame = pandas.read_csv(path, dtype=dict.fromkeys(FIRST_COLUMNS, "object"))
            stored: dict[str, dict[str, list[str]]] = {}
        else:
            from pyarrow import parquet

            arrow = parquet.read_table(path)
            frame = arrow.to_pandas()
            stored = json.loads((arrow.schema.metadata or {}).get(METADATA, b"{}"))
        if list(frame.columns[:4]) != list(FIRST_COLUMNS):
            raise ValueError(f"its first columns are not {', '.join(FIRST_COLUMNS)}")
    except (OSError, ValueError) as error:
        raise RequestError(
            f"no table of features: {error}", str(path), "give a file that 'run' or 'encode' wrote"
        ) from None
    groups = stored.get("groups") or _groups(list(frame.columns[4:]))
    return FeatureTable(
        frame=frame,
        groups={name: tuple(columns) for name, columns in groups.items()},
        provenance={k: str(v) for k, v in stored.get("provenance", {}).items()},
    )


def features_dictionary(table: FeatureTable) -> DataFrame:
    """Return one row a column: name, group, unit, meaning, and what others call it.

    Classic features have the code of the Image Biomarker Standardisation Initiative and the name
    that PyRadiomics gives them, where there are such.
    """
    import pandas

    from latentomics.features.classic import feature_named

    intensity = table.provenance.get("intensity_unit", "a.u.")
    rows = []
    for group, name in ((group, name) for group, names in table.groups.items() for name in names):
        feature = feature_named(name)
        if feature is None:
            words = (*meaning_of(name, group), "", "")
        else:
            unit = feature.unit.replace("I", intensity)
            words = (unit, feature.meaning, feature.ibsi, feature.pyradiomics)
        rows.append((name, group, *words))
    return pandas.DataFrame(rows, columns=["name", "group", "unit", "meaning", *OTHERS])


def meaning_of(name: str, group: str) -> tuple[str, str]:
    """Return the unit and the meaning of a column.

    Examples
    --------
    >>> meaning_of("size_mm3", "size")
    ('mm3', 'volume of the mask on its own grid (area in mm2 in two dimensions)')
    """
    known = {
        "size_voxels": ("voxels", "voxels of the mask on its own grid"),
        "size_mm3": ("mm3", "volume of the mask on its own grid (area in mm2 in two dimensions)"),
        "p_code": ("", "conformal p of the code's distance to the training cases"),
        "p_error": ("", "conformal p of the reconstruction error"),
        "unlike_training": ("", "1 where the case is unlike the training cohort"),
    }
    if name in known:
        return known[name]
    over = ""
    for suffix, word in (("_mean", "mean"), ("_sd", "SD")):
        if name.endswith(suffix) and not _LOCAL.fullmatch(name):
            name, over = name.removesuffix(suffix), f", {word} over the case's samples"
    if local := _LOCAL.fullmatch(name):
        channel, region, statistic = local.groups()
        text = f"{_STATISTICS[statistic]} of code channel {int(channel)}, {_REGIONS[region]}"
        return "a.u.", text + over
    number = name.rsplit("_", 1)[-1]
    words = {
        "latent": f"latent {number} of the code",
        "pooled": f"pooled encoder map {number}",
        "pca": f"principal component {number}",
        "posterior": f"variance of latent {number} under its posterior",
    }
    return "a.u.", words.get(group, f"{group} feature {number}") + over


def _groups(columns: list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(column.split("_")[0], []).append(column)
    return groups
