"""Plain numpy arrays: ``.npy``, and one array or one row of an ``.npz``.

In: a file, for an ``.npz`` the key and row. Out: values as stored, first axis first, in pixels:
the file states no physical size. Pickled objects are refused; sizes are read from the array's
header before anything is unpacked. Arrays of an ``.npz`` are kept for the rows that follow (a few,
by path, time and size of the file), and mapped from the disk where the archive stores them as
they are.
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np

from latentomics.core import CaseError, FileRef
from latentomics.sources.formats.base import (
    AnyArray,
    Volume,
    pixel_grid,
    require_size,
    truncated,
    volume_format,
)

KEPT_BYTES = 512 * 2**20  # unpacked arrays kept in memory by one process
_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name

_Key = tuple[str, int, int, str | None]
_kept: OrderedDict[_Key, AnyArray] = OrderedDict()


@volume_format("npy", (".npy",), lambda head: head.startswith(b"\x93NUMPY"))
def read_npy(ref: FileRef) -> Volume:
    """Read one array, mapped from the disk."""
    with ref.path.open("rb") as opened:
        shape, fortran, dtype = _array_header(opened, ref)
        offset = opened.tell()
    expected = offset + require_size(shape, dtype.itemsize, ref)
    if ref.path.stat().st_size < expected:
        raise truncated(ref.path.stat().st_size, expected, ref)
    return _volume(_mapped(ref.path, dtype, offset, shape, fortran), ref)


@volume_format("npz", (".npz",), lambda head: head.startswith(b"PK\x03\x04"))
def read_npz(ref: FileRef) -> Volume:
    """Read one array of an archive, or one row of it."""
    return _volume(_member(ref), ref)


def _volume(values: AnyArray, ref: FileRef) -> Volume:
    if ref.npz_index is not None:
        if not 0 <= ref.npz_index < len(values):
            raise CaseError(
                f"there is no row {ref.npz_index}; the array has {len(values)}",
                str(ref),
                "correct npz_index, which counts from 0",
                "missing",
            )
        values = values[ref.npz_index]
    if values.ndim not in (2, 3):
        raise CaseError(
            f"the array has {values.ndim} axes ({' x '.join(map(str, values.shape))}); a case has "
            "2 or 3",
            str(ref),
            "name the row of a stack with npz_index; write one array a channel",
            "dimensions",
        )
    return Volume(values=np.asarray(values), grid=pixel_grid(values.ndim))


def _member(ref: FileRef) -> AnyArray:
    """Return the whole array behind a reference, from memory where it was read before."""
    state = ref.path.stat()
    key = (str(ref.path), state.st_mtime_ns, state.st_size, ref.npz_key)
    if key not in _kept:
        _kept[key] = _load(ref)
        while len(_kept) > 1 and sum(_held(array) for array in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _held(array: AnyArray) -> int:
    return 0 if isinstance(array, np.memmap) else array.nbytes


def _load(ref: FileRef) -> AnyArray:
    with zipfile.ZipFile(ref.path) as archive:
        info = _choose(archive, ref)
        with archive.open(info) as opened:
            shape, fortran, dtype = _array_header(opened, ref)
            start = opened.tell()
            size = require_size(shape, dtype.itemsize, ref)
            if info.file_size < start + size:
                raise truncated(info.file_size, start + size, ref)
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                return _mapped(ref.path, dtype, _data_start(ref.path, info) + start, shape, fortran)
            content = opened.read(size)  # never more, whatever the archive unpacks to
    if len(content) < size:
        raise truncated(len(content), size, ref)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _choose(archive: zipfile.ZipFile, ref: FileRef) -> zipfile.ZipInfo:
    names = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
    wanted = ref.npz_key if ref.npz_key is not None or len(names) != 1 else next(iter(names))
    if wanted in names:
        return names[wanted]
    what = "several arrays and no npz_key" if wanted is None else f"no array {wanted!r}"
    raise CaseError(
        f"the archive holds {what}",
        str(ref),
        f"name one of its arrays in the column npz_key: {', '.join(sorted(names)) or '(none)'}",
        "missing",
    )


def _array_header(opened: IO[bytes], ref: FileRef) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(opened)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(opened)
    if dtype.hasobject:
        raise CaseError(
            "the array holds pickled objects, which can run code",
            str(ref),
            "save plain numbers: numpy.savez(path, images=images.astype('float32'))",
            "pickle",
        )
    if dtype.kind not in "buif":
        raise CaseError(f"the array holds {dtype}, not real numbers", str(ref), "save real numbers")
    return shape, fortran, dtype


def _data_start(path: Path, info: zipfile.ZipInfo) -> int:
    """Offset of a stored member's data; its local header repeats the name with its own extras."""
    with path.open("rb") as opened:
        opened.seek(info.header_offset)
        local = opened.read(_LOCAL_HEADER)
    name, extra = (int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
    return info.header_offset + _LOCAL_HEADER + name + extra


def _mapped(
    path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...], fortran: bool
) -> AnyArray:
    return np.memmap(path, dtype, "r", offset, shape, order="F" if fortran else "C")
