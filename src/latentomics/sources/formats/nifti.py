"""NIfTI-1 and NIfTI-2, ``.nii`` and ``.nii.gz``.

In: a file. Out: its values, rescaled by ``scl_slope`` and ``scl_inter``, axes as stored (x first),
on a grid in RAS+ mm. The header is parsed here because a general library takes several times as
long as decoding; the decoder is igzip. The sform is believed unless it is sheared or contradicts
the voxel size; then the qform; a header in which both are wrong is refused.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latentomics.core import CaseError, DoubleArray, FileRef, GeometryError
from latentomics.sources.formats.base import (
    AnyArray,
    Volume,
    read_head,
    require_size,
    truncated,
    volume_format,
)
from latentomics.sources.formats.geometry import (
    SHEAR_TOLERANCE,
    require_spacing,
    shear,
    spatial_volume,
)

# Fields we read, as (type, offset); NIfTI-1 and NIfTI-2 standards, nifti.nimh.nih.gov.
_FIELDS_1 = {
    "dim": ("8i2", 40),
    "datatype": ("i2", 70),
    "pixdim": ("8f4", 76),
    "vox_offset": ("f4", 108),
    "slope": ("f4", 112),
    "inter": ("f4", 116),
    "units": ("u1", 123),
    "qform": ("i2", 252),
    "sform": ("i2", 254),
    "quaternion": ("3f4", 256),
    "qoffset": ("3f4", 268),
    "srow": ("(3,4)f4", 280),
}
_FIELDS_2 = {
    "dim": ("8i8", 16),
    "datatype": ("i2", 12),
    "pixdim": ("8f8", 104),
    "vox_offset": ("i8", 168),
    "slope": ("f8", 176),
    "inter": ("f8", 184),
    "units": ("i4", 500),
    "qform": ("i4", 344),
    "sform": ("i4", 348),
    "quaternion": ("3f8", 352),
    "qoffset": ("3f8", 376),
    "srow": ("(3,4)f8", 400),
}
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_COLOUR = (128, 2304)  # RGB24, RGBA32
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown, metre, millimetre, micrometre
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    inter: float
    affine: DoubleArray  # (4, 4)


def _recognises(head: bytes) -> bool:
    start = _unpack_start(head) if head[:2] == _GZIP else head
    return start[344:347] == b"n+1" or start[4:7] == b"n+2" or start[344:347] == b"ni1"


@volume_format("nifti", (".nii", ".nii.gz"), _recognises)
def read_nifti(ref: FileRef) -> Volume:
    """Read a NIfTI file; values keep their stored type unless the header rescales them."""
    packed = read_head(ref.path)[:2] == _GZIP
    content = ref.path.read_bytes() if packed else read_head(ref.path)
    header = _parse(_unpack_start(content) if packed else content, ref)
    size = require_size(header.shape, header.dtype.itemsize, ref)
    stop = header.offset + size
    data = _unpack(content, stop, ref) if packed else _read_from(ref.path, header.offset, size)
    count, start = size // header.dtype.itemsize, header.offset if packed else 0
    values = np.frombuffer(data, header.dtype, count, start).reshape(header.shape, order="F")
    return spatial_volume(_rescale(values, header), header.affine, ref)


def _parse(head: bytes, ref: FileRef) -> _Header:
    if head[344:347] == b"ni1":
        raise CaseError(
            "the header names a second file (.hdr and .img)",
            str(ref),
            "convert the pair to one .nii.gz",
            "format",
        )
    length = 540 if head[4:7] == b"n+2" else 348
    if len(head) < length:
        raise truncated(len(head), length, ref)
    order: Literal["<", ">"] = "<" if int.from_bytes(head[:4], "little") == length else ">"
    record = np.frombuffer(head, _layout(length, order), count=1)[0]
    axes = int(record["dim"][0])
    if not 2 <= axes <= 7:
        raise CaseError(
            f"the header states {axes} axes", str(ref), "export the file again", "unreadable"
        )
    slope, inter = float(record["slope"]), float(record["inter"])
    if slope == 0 or not np.isfinite(slope) or not np.isfinite(inter):
        slope, inter = 1.0, 0.0  # the standard's "not set"
    return _Header(
        shape=tuple(int(n) for n in record["dim"][1 : 1 + axes]),
        dtype=_stored_type(int(record["datatype"]), ref).newbyteorder(order),
        offset=_data_offset(float(record["vox_offset"]), length, ref),
        slope=slope,
        inter=inter,
        affine=_affine(record, axes, ref),
    )


@functools.cache
def _layout(length: int, order: Literal["<", ">"]) -> np.dtype[Any]:
    fields = _FIELDS_2 if length == 540 else _FIELDS_1
    layout = np.dtype(
        {
            "names": list(fields),
            "formats": [kind for kind, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": length,
        }
    )
    return layout.newbyteorder(order)


def _stored_type(code: int, ref: FileRef) -> np.dtype[Any]:
    if code in _TYPES:
        return np.dtype(_TYPES[code])
    colour = code in _COLOUR
    raise CaseError(
        "the image is in colour" if colour else f"data type {code} is not a real number",
        str(ref),
        "convert it to one grey channel",
        "colour" if colour else "unreadable",
    )


def _data_offset(offset: float, length: int, ref: FileRef) -> int:
    if not np.isfinite(offset) or offset < 0 or offset > 2**31:
        raise CaseError(
            f"the header puts the data at byte {offset:g}", str(ref), "export the file again"
        )
    return max(int(offset), length + 4)


def _affine(record: Any, axes: int, ref: FileRef) -> DoubleArray:
    """Choose the affine that agrees with the voxel size; (4, 4), RAS+ mm."""
    to_mm = _MM.get(int(record["units"]) & 7, 1.0)
    spacing = np.ones(3)
    spacing[: min(axes, 3)] = np.asarray(record["pixdim"], np.float64)[1 : 1 + min(axes, 3)]
    require_spacing(spacing[: min(axes, 3)] * to_mm, ref)
    spacing[spacing <= 0] = 1.0
    faults = []
    if record["sform"] > 0:
        sform = np.vstack([np.asarray(record["srow"], np.float64), [0, 0, 0, 1]])
        fault = _contradiction(sform, spacing)
        if fault is None:
            return _scaled(sform, to_mm)
        faults.append(f"the sform {fault}")
    if record["qform"] > 0:
        return _scaled(_from_quaternion(record, spacing), to_mm)
    if faults:
        raise GeometryError(
            f"{faults[0]} and there is no qform",
            str(ref),
            "correct the header, or convert the image again",
        )
    return _scaled(np.diag([*spacing, 1.0]), to_mm)


def _contradiction(affine: DoubleArray, spacing: DoubleArray) -> str | None:
    if not np.isfinite(affine).all():
        return "holds values that are not finite"
    norms = np.linalg.norm(affine[:3, :3], axis=0)
    if (norms <= 0).any():
        return "has an axis of length zero"
    if np.abs(norms / spacing - 1).max() > 0.01:
        return f"says {norms.round(4).tolist()} mm a voxel, the header {spacing.round(4).tolist()}"
    return "is sheared" if shear(affine[:3, :3] / norms) > SHEAR_TOLERANCE else None


def _from_quaternion(record: Any, spacing: DoubleArray) -> DoubleArray:
    """Affine of the qform, method 2 of the NIfTI-1 standard."""
    b, c, d = np.asarray(record["quaternion"], np.float64)
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handed = -1.0 if record["pixdim"][0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * (spacing * [1.0, 1.0, handed])
    affine[:3, 3] = record["qoffset"]
    return affine


def _scaled(affine: DoubleArray, to_mm: float) -> DoubleArray:
    return np.diag([to_mm, to_mm, to_mm, 1.0]) @ affine


def _rescale(values: AnyArray, header: _Header) -> AnyArray:
    """Apply slope and intercept in double precision, one slice at a time to save memory."""
    if header.slope == 1.0 and header.inter == 0.0:
        return values
    scaled = np.empty(values.shape, np.float32, order="F")
    for index in range(values.shape[-1]):
        scaled[..., index] = values[..., index].astype(np.float64) * header.slope + header.inter
    return scaled


def _unpack_start(content: bytes) -> bytes:
    from isal import isal_zlib

    fault: Any = isal_zlib.error  # its stub calls it an instance
    try:
        return bytes(isal_zlib.decompressobj(wbits=31).decompress(content[:4096], 544))
    except fault:
        return b""


def _unpack(content: bytes, stop: int, ref: FileRef) -> bytes:
    """Unpack the first ``stop`` bytes, never more; members that were appended follow on."""
    from isal import isal_zlib

    fault: Any = isal_zlib.error
    parts: list[bytes] = []
    found, rest = 0, content
    while rest and found < stop:
        member = isal_zlib.decompressobj(wbits=31)
        try:
            # One byte more than needed makes the decoder reach and check the trailing checksum.
            parts.append(member.decompress(rest, stop - found + 1))
        except fault as error:
            raise CaseError(
                f"the compressed data are damaged: {error}", str(ref), "copy or export it again"
            ) from None
        found += len(parts[-1])
        rest = member.unused_data
    if found < stop:
        raise truncated(found, stop, ref)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read_from(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as opened:
        opened.seek(offset)
        data = opened.read(size)
    if len(data) < size:
        raise truncated(len(data), size, path)
    return data
