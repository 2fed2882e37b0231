"""Plain numpy arrays: ``.npy``, and one array or one row of an ``.npz``.

In: a file, for an ``.npz`` the key and row. Out: values as stored, first axis first, in pixels:
the file states no physical size. Pickled objects are refused; sizes are read from the array's
header before anything is unpacked. Arrays of an ``.npz`` are kept for the rows that follow (a few,
by path, time and size of the file); where the archive stores them as they are, only a row is read.
Nothing is mapped into memory: a file that shrinks under a map kills the process that looks at it.
"""

from __future__ import annotations

import math
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
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
SHORTEST = 16  # samples; fewer are a list of numbers, not a signal
_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """An array, or a stack of them, that lies in a file as it is."""

    path: Path
    dtype: np.dtype[Any]
    start: int  # byte of the first value
    shape: tuple[int, ...]
    fortran: bool
    nbytes: int = 0  # in memory

    def read(self, row: int | None, ref: FileRef) -> AnyArray:
        """Read all of it, or one row."""
        whole = row is None or self.fortran
        shape = self.shape if whole else self.shape[1:]
        size = math.prod(shape) * self.dtype.itemsize
        with self.path.open("rb") as opened:
            opened.seek(self.start + (0 if whole or row is None else row * size))
            content = opened.read(size)
        if len(content) < size:
            raise truncated(len(content), size, ref)
        values = np.frombuffer(content, self.dtype)
        values = values.reshape(shape, order="F" if self.fortran else "C")
        return values[row] if whole and row is not None else values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Loaded:
    """An array that was unpacked into memory."""

    values: AnyArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def read(self, row: int | None, _: FileRef) -> AnyArray:
        """Return all of it, or one row."""
        return self.values if row is None else self.values[row]


_Array = _Stored | _Loaded
_Key = tuple[str, int, int, str | None]
_kept: OrderedDict[_Key, _Array] = OrderedDict()


@volume_format("npy", (".npy",), lambda head: head.startswith(b"\x93NUMPY"))
def read_npy(ref: FileRef) -> Volume:
    """Read one array, or one row of it."""
    with ref.path.open("rb") as opened:
        shape, fortran, dtype = _array_header(opened, ref)
        start = opened.tell()
    expected = start + require_size(shape, dtype.itemsize, ref)
    if ref.path.stat().st_size < expected:
        raise truncated(ref.path.stat().st_size, expected, ref)
    stored = _Stored(path=ref.path, dtype=dtype, start=start, shape=shape, fortran=fortran)
    return _volume(stored, ref)


@volume_format("npz", (".npz",), lambda head: head.startswith(b"PK\x03\x04"))
def read_npz(ref: FileRef) -> Volume:
    """Read one array of an archive, or one row of it."""
    return _volume(_member(ref), ref)


def _volume(array: _Array, ref: FileRef) -> Volume:
    shape, row = array.shape, ref.npz_index
    if row is not None:
        if not shape or not 0 <= row < shape[0]:
            raise CaseError(
                f"there is no row {row}; the array has {shape[0] if shape else 'none'}",
                str(ref),
                "correct npz_index, which counts from 0",
                "missing",
            )
        shape = shape[1:]
    if len(shape) not in (1, 2, 3) or (len(shape) == 1 and shape[0] < SHORTEST):
        raise CaseError(
            f"the array has {len(shape)} axes ({' x '.join(map(str, shape))}); "
            f"an image has 2 or 3, a signal 1 with {SHORTEST} samples or more",
            str(ref),
            "name the row of a stack with npz_index; write one array a channel",
            "dimensions",
        )
    return Volume(values=array.read(row, ref), grid=pixel_grid(len(shape)))


def _member(ref: FileRef) -> _Array:
    """Return the whole array behind a reference, from memory where it was read before."""
    state = ref.path.stat()
    key = (str(ref.path), state.st_mtime_ns, state.st_size, ref.npz_key)
    if key not in _kept:
        _kept[key] = _load(ref)
        while len(_kept) > 1 and sum(array.nbytes for array in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _load(ref: FileRef) -> _Array:
    with zipfile.ZipFile(ref.path) as archive:
        info = _choose(archive, ref)
        with archive.open(info) as opened:
            shape, fortran, dtype = _array_header(opened, ref)
            start = opened.tell()
            size = require_size(shape, dtype.itemsize, ref)
            if info.file_size < start + size:
                raise truncated(info.file_size, start + size, ref)
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                start += _data_start(ref.path, info)
                return _Stored(
                    path=ref.path, dtype=dtype, start=start, shape=shape, fortran=fortran
                )
            content = opened.read(size)  # never more, whatever the archive unpacks to
    if len(content) < size:
        raise truncated(len(content), size, ref)
    values = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    return _Loaded(values=values)


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
