"""What a reader of one file format offers, and the limits every reader keeps.

In: a `FileRef`. Out: a `Volume`, values (*spatial) in the file's own type on a grid in RAS+
millimetres, or in pixels where the file has no physical size. Faults of the file are `CaseError`s:
they cost their own case only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import CaseError, FileRef, Grid, Registry

AnyArray = npt.NDArray[Any]

HEAD_BYTES = 4096  # enough of a compressed file to unpack the longest header we look at
MAXIMUM_BYTES = 4 * 2**30  # unpacked size of one array; 1024 x 1024 x 2048 voxels of 16 bit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """One array as it lies in a file: values (*spatial), 2-D or 3-D, and where they lie."""

    values: AnyArray
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A file format: how its first bytes look, how its names end, and who reads it."""

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]  # given the first HEAD_BYTES of the file
    read: Callable[[FileRef], Volume]


FORMATS: Registry[Format] = Registry("file format")


def volume_format(
    name: str, suffixes: tuple[str, ...], recognises: Callable[[bytes], bool]
) -> Callable[[Callable[[FileRef], Volume]], Callable[[FileRef], Volume]]:
    """Enter the decorated reader under ``name``."""

    def enter(read: Callable[[FileRef], Volume]) -> Callable[[FileRef], Volume]:
        FORMATS.register(name)(
            Format(name=name, suffixes=suffixes, recognises=recognises, read=read)
        )
        return read

    return enter


def require_size(shape: Sequence[int], item_bytes: int, where: object) -> int:
    """Return the bytes of an array, refused before it is unpacked when they are too many.

    Raises
    ------
    CaseError
        ``empty`` when an axis has no elements, ``too_large`` above `MAXIMUM_BYTES`.
    """
    if min(shape, default=0) < 1:
        raise CaseError(
            f"the array is empty: {' x '.join(map(str, shape)) or 'no axes'}",
            str(where),
            "export the file again",
            "empty",
        )
    size = math.prod(shape) * item_bytes
    if size > MAXIMUM_BYTES:
        raise CaseError(
            f"unpacked it would take {size / 2**30:.1f} GiB; the limit is "
            f"{MAXIMUM_BYTES / 2**30:.1f} GiB",
            str(where),
            "crop or resample the file first",
            "too_large",
        )
    return size


def truncated(found: int, expected: int, where: object) -> CaseError:
    """Return the error of a file that ends too early."""
    return CaseError(
        f"the file ends after {found:,} of {expected:,} bytes of data",
        str(where),
        "copy or export the file again",
        "truncated",
    )


@functools.cache
def pixel_grid(dimension: int) -> Grid:
    """Return the grid of an array without physical size: one pixel a step, unit ``px``."""
    return Grid(
        spacing=(1.0,) * dimension,
        origin=(0.0,) * dimension,
        direction=tuple(float(v) for v in np.eye(dimension).ravel()),
        unit="px",
    )


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, by which its format is known."""
    with path.open("rb") as opened:
        return opened.read(HEAD_BYTES)
