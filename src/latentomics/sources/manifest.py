"""The manifest: a table with one row a case becomes a cohort.

In: a CSV, TSV or parquet table, or a folder of images. Out: a `Cohort`. A table that contradicts
itself is a `RequestError` with row and column: nothing was started. A row whose file is missing is
a `Rejection`: it costs its own case only.
"""

from __future__ import annotations

import functools
import os.path
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from latentomics.core import Case, FileRef, Rejection, RequestError
from latentomics.sources.cells import Cells
from latentomics.sources.cohort import Cohort
from latentomics.sources.folder import table_of_folder
from latentomics.sources.identifiers import identifiers
from latentomics.sources.table import Row, Table, read_table, table_of_frame

if TYPE_CHECKING:
    from pandas import DataFrame

KNOWN = (
    *("case", "image", "signal", "mask", "patient", "roi", "mask_label", "site", "modality"),
    *("split", "retest_of", "npz_key", "npz_index", "mask_npz_key"),
)
MODALITIES = {name: name for name in ("CT", "MR", "PT", "XR", "US", "MG", "ECG", "ACT", "OTHER")}
MODALITIES |= {"MRI": "MR", "PET": "PT", "CR": "XR", "DX": "XR", "OT": "OTHER"}
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLITS |= {"val": "val", "valid": "val", "validation": "val"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the caller asked for, settled against the columns that are there."""

    channels: tuple[str, ...]
    site: str | None
    mask_label: int | None
    targets: tuple[str, ...]


def read_cohort(
    path: Path | str,
    *,
    channels: Sequence[str] = ("image",),
    site: str | None = None,
    mask_label: int | None = None,
    needs_site: bool = True,
) -> Cohort:
    """Read a manifest, or a folder of images.

    Parameters
    ----------
    path : Path
        CSV, TSV or parquet with one row a case; its paths are relative to it. Or a folder.
    channels : sequence of str
        Columns that name the images of a case; the first one's grid is the case's. The modality
        of a further one is what its column's name ends with (``image_ct``), or what a column
        ``modality_image_ct`` says.
    site : str, optional
        Column that names the site; by default ``site`` where there is one.
    mask_label : int, optional
        The label that is the region of interest, for every case; by default the column
        ``mask_label``, or every label above zero.
    needs_site : bool
        False: a manifest without the column ``site`` is one whose sites are unknown.

    Returns
    -------
    Cohort
        Cases in the order of the rows; rows whose file is missing are in ``rejected``.

    Raises
    ------
    RequestError
        Naming row and column.

    Examples
    --------
    >>> read_cohort("absent.csv")
    Traceback (most recent call last):
    latentomics.core.errors.RequestError: the manifest does not exist
      where:  absent.csv
      remedy: correct the path
    """
    path = Path(path)
    table = table_of_folder(path) if path.is_dir() else read_table(path)
    if not needs_site and site not in table.columns:
        site = None
    return _cohort(table, channels, site, mask_label)


def cohort_of_frame(
    frame: DataFrame,
    folder: Path,
    *,
    channels: Sequence[str] = ("image",),
    site: str | None = None,
    mask_label: int | None = None,
) -> Cohort:
    """Return the cohort of a manifest in memory, as ``read_cohort``; paths start at the folder."""
    return _cohort(table_of_frame(frame, folder), channels, site, mask_label)


def _cohort(
    table: Table, channels: Sequence[str], site: str | None, mask_label: int | None
) -> Cohort:
    table, path = _with_known_names(table), table.path
    if not table.rows:
        raise RequestError("the manifest has no rows", str(path), "give one row a case")
    asked = _settle(table, tuple(channels), site, mask_label)
    cases: list[Case] = []
    rejected: list[Rejection] = []
    exists = functools.cache(os.path.exists)
    ids = identifiers(table, asked.channels[0])
    for row, identifier in zip(table.rows, ids, strict=True):
        cells = Cells(table=table, row=row)
        case = _case(cells, identifier, asked)
        fault = _missing(cells, case, exists, asked)
        if fault is None:
            cases.append(case)
        else:
            rejected.append(fault)
    if not cases:
        raise RequestError(
            f"no file of the manifest exists, the first of them: {rejected[0].reason}",
            f"{path}: {rejected[0].file or 'no path'}",
            "give paths relative to the manifest, or absolute ones",
        )
    return Cohort(
        name=path.resolve().stem,
        manifest=path.resolve(),
        cases=tuple(cases),
        rejected=tuple(rejected),
        columns=table.columns,
    )


def _with_known_names(table: Table) -> Table:
    """Give known columns their own spelling: PyRadiomics writes Image, Mask and Label.

    A ``label`` in small letters is a target, as a rule a diagnosis.
    """
    lower = Counter(name.lower() for name in table.columns)
    renamed = {
        name: name.lower()
        for name in table.columns
        if name.lower() in KNOWN and lower[name.lower()] == 1
    }
    theirs = {name.lower(): name for name in table.columns if name != name.lower()}
    if {"image", "mask", "label"} <= set(theirs) and "mask_label" not in lower:
        renamed[theirs["label"]] = "mask_label"
    rows = tuple(
        Row(number=row.number, cells={renamed.get(n, n): v for n, v in row.cells.items()})
        for row in table.rows
    )
    columns = tuple(renamed.get(name, name) for name in table.columns)
    return replace(table, columns=columns, rows=rows)


def _settle(
    table: Table, channels: tuple[str, ...], site: str | None, mask_label: int | None
) -> _Asked:
    if channels == ("image",) and "image" not in table.columns and "signal" in table.columns:
        channels = ("signal",)
    if not channels or len(set(channels)) < len(channels):
        raise RequestError(
            "each channel is named once", f"channels {', '.join(channels)}", "name the columns"
        )
    site = "site" if site is None and "site" in table.columns else site
    for name in (*channels, *([] if site is None else [site])):
        if name not in table.columns:
            raise RequestError(
                f"there is no column {name!r}",
                f"{table.path}, row 1",
                f"name one of its columns: {', '.join(table.columns)}",
            )
    # When another column names the site, the column "site" is a target like any other.
    used = {*KNOWN, *channels, *(f"modality_{name}" for name in channels)}
    used -= {"site"} if site != "site" else set()
    targets = tuple(name for name in table.columns if name not in used)
    return _Asked(channels=channels, site=site, mask_label=mask_label, targets=targets)


def _case(cells: Cells, identifier: str, asked: _Asked) -> Case:
    label = asked.mask_label
    return Case(
        id=identifier,
        patient=cells.text("patient") or cells.text("case") or identifier,
        image=tuple(_image(cells, name) for name in asked.channels if cells.text(name)),
        mask=_mask(cells),
        mask_label=cells.whole("mask_label") if label is None else label,
        roi=cells.text("roi"),
        modality=cells.one_of("modality", MODALITIES, str.upper),
        further=tuple(_modality_of(cells, name) for name in asked.channels[1:]),
        site=None if asked.site is None else cells.text(asked.site),
        split=cells.one_of("split", SPLITS, str.lower),
        targets={name: cells.target(name) for name in asked.targets},
        retest_of=cells.text("retest_of"),
    )


def _modality_of(cells: Cells, channel: str) -> str:
    """Return the modality of a further channel: its own column's, or what its name ends with."""
    stated = cells.one_of(f"modality_{channel}", MODALITIES, str.upper)
    return stated or MODALITIES.get(channel.rpartition("_")[2].upper(), "OTHER")


def _image(cells: Cells, name: str) -> FileRef:
    return FileRef(
        path=_path(cells, name), npz_key=cells.text("npz_key"), npz_index=cells.whole("npz_index")
    )


def _mask(cells: Cells) -> FileRef | None:
    value = cells.text("mask")
    if value is None:
        return None
    archive = value.lower().endswith(".npz")
    return FileRef(
        path=_path(cells, "mask"),
        npz_key=cells.text("mask_npz_key") if archive else None,
        npz_index=cells.whole("npz_index") if archive else None,
    )


def _path(cells: Cells, name: str) -> Path:
    source = cells.table.path
    return _absolute(source if source.is_dir() else source.parent, cells.text(name) or "")


@functools.lru_cache(maxsize=1024)
def _absolute(folder: Path, text: str) -> Path:
    if "\\" in text:  # written on Windows
        text = PureWindowsPath(text).as_posix()
    return Path(os.path.normpath(folder.absolute() / text))


def _missing(
    cells: Cells, case: Case, exists: functools._lru_cache_wrapper[bool], asked: _Asked
) -> Rejection | None:
    """Return the rejection of a row that names no file, or one that is not there."""
    place = f"row {cells.row.number}"
    blank = [name for name in asked.channels if cells.text(name) is None]
    absent = [ref for ref in (*case.image, case.mask) if ref and not exists(ref.path)]
    if blank:
        reason = f"{place} names no file in column {blank[0]}"
    elif absent:
        reason = f"the file that {place} names does not exist"
    else:
        return None
    return Rejection(
        case=case.id,
        file=str(absent[0]) if absent else "",
        code="missing",
        reason=reason,
        remedy="correct the path in the manifest",
    )
