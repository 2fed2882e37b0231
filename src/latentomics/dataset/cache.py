"""Prepared cases on disk, found by what they were made from.

In: cases and a pipeline. Out: one safetensors file a case (or a pack of rows of an ``.npz``), named
by a hash of the files' bytes, the settings and the code's version, with arrays ``values.<i>``
(n, C, *size) float32 and ``mask.<i>`` (n, *size) uint8, frames and a digest in its metadata. Files
are whole or absent; one whose digest is wrong counts as absent and is made again (PROMISES T7).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from latentomics.core import (
    Case,
    FileRef,
    Frame,
    Grid,
    Sample,
    content_hash,
    file_sha256,
    write_atomic,
)
from latentomics.preprocess import Pipeline

VERSION = 1  # of this file format, and of how files are read: raise it when values change
DIGEST = 64  # hexadecimal digits of a sha256

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a case of a pack could not be prepared, in the words of a rejection."""

    code: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """What a cache file holds: for each of its cases the samples, or why there are none."""

    values: tuple[npt.NDArray[np.float32] | None, ...]  # (n, C, *size) each
    masks: tuple[npt.NDArray[np.uint8] | None, ...]  # (n, *size) each
    frames: tuple[tuple[Frame, ...], ...]
    faults: tuple[Fault | None, ...]


def pack_key(cases: Sequence[Case], pipeline: Pipeline) -> str:
    """Return the name of the cache file for these cases, prepared by this pipeline.

    Raises
    ------
    OSError
        When a file cannot be read.
    """
    made_of = [content_of(case) for case in cases]
    return content_hash({"cases": made_of, "pipeline": pipeline.hash, "version": VERSION})


def content_of(case: Case) -> dict[str, object]:
    """Return what reading a case depends on: the bytes of its files, and how they are read.

    Raises
    ------
    OSError
        When a file cannot be read.
    """
    return {
        "images": [_reference(ref) for ref in case.image],
        "mask": None if case.mask is None else _reference(case.mask),
        "mask_label": case.mask_label,
        "modality": [case.modality, *case.further],
    }


def pack_path(cache: Path, key: str) -> Path:
    """Return where the file of a key lies."""
    return cache / key[:2] / f"{key}.safetensors"


def pack_of(samples: Sequence[tuple[Sample, ...] | Fault]) -> Pack:
    """Return the pack of the cases' samples; those of one case have one size."""
    made = [None if isinstance(s, Fault) else s for s in samples]
    return Pack(
        values=tuple(None if s is None else np.stack([x.values for x in s]) for s in made),
        masks=tuple(
            None if s is None else np.stack([x.mask for x in s]).astype(np.uint8) for s in made
        ),
        frames=tuple(() if s is None else tuple(x.frame for x in s) for s in made),
        faults=tuple(s if isinstance(s, Fault) else None for s in samples),
    )


def write_pack(path: Path, pack: Pack) -> None:
    """Write a pack whole or not at all; another process may write the same at the same time."""
    from safetensors.numpy import save

    arrays: Arrays = {}
    for i, (values, mask) in enumerate(zip(pack.values, pack.masks, strict=True)):
        if values is not None and mask is not None:
            arrays[f"values.{i}"], arrays[f"mask.{i}"] = values, mask
    about = json.dumps({"frames": pack.frames, "faults": pack.faults}, default=_fields)
    # one key: the library writes several in any order, and the same pack must be the same bytes
    metadata = {"record": _digest(arrays, about) + about}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save(arrays, metadata), durable=False)


def read_pack(path: Path) -> Pack | None:
    """Return the pack of a file, or None when there is none or it is not what was written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            arrays: Arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError):
        return None
    record = metadata.get("record", "")
    digest, about = record[:DIGEST], record[DIGEST:]
    if digest != _digest(arrays, about):
        return None
    content = json.loads(about)
    count = len(content["frames"])
    return Pack(
        values=tuple(arrays.get(f"values.{i}") for i in range(count)),
        masks=tuple(arrays.get(f"mask.{i}") for i in range(count)),
        frames=tuple(tuple(_frame(f) for f in frames) for frames in content["frames"]),
        faults=tuple(None if f is None else Fault(**f) for f in content["faults"]),
    )


def _reference(ref: FileRef) -> list[object]:
    status = ref.path.stat()
    sha256 = _sha256(ref.path, status.st_size, status.st_mtime_ns)
    return [sha256, ref.npz_key, ref.npz_index]


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    # rows of one .npz ask for it again and again; a file that changed is hashed anew
    return file_sha256(path)


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _digest(arrays: Arrays, about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype.str}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _frame(content: dict[str, Any]) -> Frame:
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    settings["source"], settings["target"] = _grid(content["source"]), _grid(content["target"])
    return cast(Frame, _shared(Frame(**cast(Any, settings))))


def _grid(content: dict[str, Any]) -> Grid:
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    return cast(Grid, _shared(Grid(**cast(Any, settings))))


@lru_cache(maxsize=1024)
def _shared(record: Frame | Grid) -> Frame | Grid:
    # cases of one kind lie on one grid: a hundred thousand equal records would take 150 MB
    return record
