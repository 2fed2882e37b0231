"""A folder is a cohort: images and masks are paired by their names.

In: a folder. Out: the table that a manifest of it would be, with columns ``image`` and ``mask``.
Pairs are ``name`` and ``name_mask``, ``name_seg`` (also with a hyphen), or files of one name in
``imagesTr`` and ``labelsTr`` (or ``images`` and ``masks`` or ``labels``).
"""

from __future__ import annotations

import re
from pathlib import Path

from latentomics.core import RequestError
from latentomics.sources.formats import FORMATS
from latentomics.sources.table import Row, Table

_MASK_NAME = re.compile(r"(.+)[_-](mask|seg|segmentation|label)", re.IGNORECASE)
_MASK_FOLDERS = ("masks", "labels", "labelsTr")
_IMAGE_FOLDERS = ("images", "imagesTr")
_CHANNEL = re.compile(r"(.+)_(\d{4})")  # nnU-Net numbers the channels of a case: case_0000

_Key = tuple[Path, str]


def table_of_folder(folder: Path) -> Table:
    """Return the images of a folder, and of the folders in it, as a manifest's table.

    Raises
    ------
    RequestError
        When it holds no image, or cases of several channels.
    """
    files = sorted(path for path in folder.rglob("*") if _stem(path) is not None)
    masks = {_key(path): path for path in files if _is_mask(path)}
    images = [path for path in files if not _is_mask(path)]
    if not images:
        raise RequestError(
            "the folder holds no image", str(folder), "name a manifest, or a folder with images"
        )
    rows = [
        Row(number=number, cells={"image": str(image), "mask": str(_mask_of(image, masks) or "")})
        for number, image in enumerate(images, start=2)
    ]
    return Table(path=folder, columns=("image", "mask"), rows=tuple(rows), comma_decimals=False)


def _stem(path: Path) -> str | None:
    """Return the name without its suffix, None for what is no image."""
    if path.name.startswith(".") or not path.is_file():
        return None
    suffixes = [suffix for name in FORMATS for suffix in FORMATS[name].suffixes]
    for suffix in sorted(suffixes, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return None


def _is_mask(path: Path) -> bool:
    return path.parent.name in _MASK_FOLDERS or bool(_MASK_NAME.fullmatch(_stem(path) or ""))


def _key(path: Path) -> _Key:
    """Return what an image and its mask share: a folder, and the case's name."""
    stem = _stem(path) or ""
    named = _MASK_NAME.fullmatch(stem)
    inner = path.parent.name in (*_MASK_FOLDERS, *_IMAGE_FOLDERS)
    return (path.parent.parent if inner else path.parent), named.group(1) if named else stem


def _mask_of(image: Path, masks: dict[_Key, Path]) -> Path | None:
    folder, name = _key(image)
    numbered = _CHANNEL.fullmatch(name)
    if (folder, name) in masks or numbered is None:
        return masks.get((folder, name))
    mask = masks.get((folder, numbered.group(1)))
    if mask is not None and numbered.group(2) != "0000":
        raise RequestError(
            "the folder holds several channels of a case",
            str(image),
            "write a manifest with one column a channel, and name them with --channels",
        )
    return mask
