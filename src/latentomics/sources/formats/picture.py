"""Grey pictures: PNG, JPEG, TIFF with 8 or 16 bit, or floating-point TIFF.

In: a file. Out: values (row, column) in pixels. The resolution in such headers is a printer's
(72 dpi as a rule), so no physical size is taken from them. Colour is refused; three equal channels
are grey stored as colour and are read.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import CaseError, FileRef
from latentomics.sources.formats.base import (
    AnyArray,
    Volume,
    pixel_grid,
    require_size,
    volume_format,
)

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_GREY = ("1", "L", "I", "I;16", "I;16L", "I;16B", "F")
_FORMATS = ("PNG", "JPEG", "TIFF")


@volume_format("picture", _SUFFIXES, lambda head: head.startswith(_SIGNATURES))
def read_picture(ref: FileRef) -> Volume:
    """Read a grey picture."""
    from PIL import Image

    with warnings.catch_warnings():
        # Of broken metadata, and of Pillow's own limit on pixels; ours, in bytes, is kept below.
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(ref.path, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise CaseError(str(error), str(ref), "crop the picture first", "too_large") from None
        with picture:
            _require_one_page(picture, ref)
            values = _grey(_decoded(picture, ref), picture.mode, ref)
    return Volume(values=values, grid=pixel_grid(2))


def _require_one_page(picture: ImageFile, ref: FileRef) -> None:
    require_size(picture.size, 4, ref)
    pages = getattr(picture, "n_frames", 1)
    if pages > 1:
        raise CaseError(
            f"the file holds {pages} pages",
            str(ref),
            "write one file a page, or a volume as .nii.gz",
            "dimensions",
        )


def _decoded(picture: ImageFile, ref: FileRef) -> AnyArray:
    try:
        picture.load()
    except OSError as error:
        code = "truncated" if "truncated" in str(error) else "unreadable"
        raise CaseError(
            f"the picture does not decode: {error}", str(ref), "export it again", code
        ) from None
    return np.asarray(picture)


def _grey(values: AnyArray, mode: str, ref: FileRef) -> AnyArray:
    if mode in _GREY:
        return values
    if mode in ("LA", "RGB", "RGBA"):
        colours, alpha = values[..., : 1 if mode == "LA" else 3], values[..., -1]
        opaque = mode == "RGB" or bool((alpha == 255).all())
        if opaque and bool((colours == colours[..., :1]).all()):
            return np.ascontiguousarray(colours[..., 0])
    raise CaseError(
        f"the picture is in colour or has a palette or transparency (mode {mode})",
        str(ref),
        "convert it to 8- or 16-bit grey, for example 'magick in.png -colorspace Gray out.png'",
        "colour",
    )
