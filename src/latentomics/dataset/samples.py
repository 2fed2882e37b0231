"""The samples of some cases in flat arrays, in memory or in a mapped file.

In: cache entries. Out: ``Samples``: values, masks and the loss region one
sample after the other, whatever their sizes, with where each begins.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import FloatArray, Frame, IntArray, IntegrityError
from latentomics.dataset.cache import Pack, read_pack
from latentomics.dataset.collect import Entry
from latentomics.dataset.region import box_of, near_mm, near_voxels

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """N samples, flat; ``near`` is the same array as ``masks`` where no ring is asked for."""

    cases: tuple[str, ...]  # of each sample
    frames: tuple[Frame, ...]
    sizes: IntArray  # (N, d)
    starts: IntArray  # (N,) voxels before each sample
    offset: FloatArray  # (N, C)
    scale: FloatArray  # (N, C)
    values: FloatArray  # each (C, *size)
    masks: Bytes  # each (*size)
    near: Bytes  # each (*size): the loss region
    boxes: IntArray  # (N, 2, d) first and last voxel of the loss region

    @property
    def channels(self) -> int:
        """Channels of every sample, the mask not counted."""
        return int(self.offset.shape[1])

    def taken(self, rows: Sequence[int]) -> Samples:
        """Return some of the samples; the arrays are shared."""
        at = np.array(rows, np.int64)
        arrays = ("sizes", "starts", "offset", "scale", "boxes")
        return replace(
            self,
            cases=tuple(self.cases[row] for row in rows),
            frames=tuple(self.frames[row] for row in rows),
            **{name: getattr(self, name)[at] for name in arrays},
        )

    def part(self, name: str, row: int) -> npt.NDArray[Any]:
        """Return values, masks or near of one sample, (channels, *size), without a copy."""
        flat: npt.NDArray[Any] = getattr(self, name)
        channels = self.channels if name == "values" else 1
        size = self.sizes[row]
        first = channels * int(self.starts[row])
        return flat[first : first + channels * int(size.prod())].reshape(channels, *size)


def load_samples(
    entries: Sequence[Entry], *, ring: str, ring_mm: float, mapped: Path | None = None
) -> Samples:
    """Read the samples of cache entries, in their order.

    Parameters
    ----------
    ring : str
        What the loss region holds besides the mask: "none", "voxels" (two) or "mm" (``ring_mm``).
    mapped : Path, optional
        A folder: the arrays are mapped from files in it that have no name.

    Raises
    ------
    IntegrityError
        When a cache file is not what was prepared.
    """
    counts = [entry.count for entry in entries]
    samples = _empty(entries, counts, ring, mapped)
    first = np.cumsum([0, *counts])
    frames: dict[int, Frame] = {}
    by_path: dict[Path, list[int]] = {}
    for i, entry in enumerate(entries):
        by_path.setdefault(entry.path, []).append(i)
    for path, members in by_path.items():
        pack = read_pack(path)
        if pack is None:
            raise IntegrityError(
                "a prepared case is damaged or gone", str(path), "run again: it is made anew"
            )
        for i in members:
            _fill(samples, int(first[i]), entries[i], pack)
            frames |= enumerate(pack.frames[entries[i].position], int(first[i]))
    samples = replace(samples, frames=tuple(frames[row] for row in range(len(frames))))
    outlined(samples, ring, ring_mm)
    return samples


def _empty(entries: Sequence[Entry], counts: list[int], ring: str, folder: Path | None) -> Samples:
    channels = entries[0].shape[0]
    sizes = np.repeat(np.array([entry.shape[1:] for entry in entries]), counts, axis=0)
    voxels = sizes.prod(1)
    total, n = int(voxels.sum()), len(sizes)

    def flat(length: int, dtype: type) -> npt.NDArray[Any]:
        return np.empty(length, dtype) if folder is None else _mapped(length, dtype, folder)

    mask = flat(total, np.uint8)
    return Samples(
        cases=tuple(np.repeat([entry.case for entry in entries], counts).tolist()),
        frames=(),
        sizes=sizes,
        starts=np.cumsum(voxels) - voxels,
        offset=np.empty((n, channels), np.float32),
        scale=np.empty((n, channels), np.float32),
        values=flat(total * channels, np.float32),
        masks=mask,
        near=mask if ring == "none" else flat(total, np.uint8),
        boxes=np.empty((n, 2, sizes.shape[1]), np.int64),
    )


def _mapped(length: int, dtype: type, folder: Path) -> npt.NDArray[Any]:
    with tempfile.TemporaryFile(dir=folder) as opened:  # the map keeps it until it is let go
        _reserve(opened.fileno(), length * np.dtype(dtype).itemsize, folder)
        return np.memmap(opened, dtype=dtype, mode="w+", shape=(length,))


def _reserve(file: int, size: int, folder: Path) -> None:
    """Take the room on the disk now: writing to a map on a full disk kills the process."""
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error


def _fill(samples: Samples, first: int, entry: Entry, pack: Pack) -> None:
    values, masks = pack.values[entry.position], pack.masks[entry.position]
    if values is None or masks is None or len(values) != entry.count:
        raise IntegrityError(
            "a prepared case is not what was prepared", str(entry.path), "run again"
        )
    for i, frame in enumerate(pack.frames[entry.position]):
        samples.part("values", first + i)[:] = values[i]
        samples.part("masks", first + i)[:] = masks[i]
        samples.offset[first + i] = frame.offset
        samples.scale[first + i] = frame.scale


def outlined(samples: Samples, ring: str, ring_mm: float) -> None:
    """Fill in the loss region of every sample, and its box."""
    for row, frame in enumerate(samples.frames):
        mask = samples.part("masks", row)
        if ring == "voxels":
            samples.part("near", row)[:] = near_voxels(mask)
        if ring == "mm":
            spacing = [s for s, n in zip(frame.target.spacing, frame.size, strict=True) if n > 1]
            samples.part("near", row)[0] = near_mm(mask[0].astype(bool), spacing, ring_mm)
        samples.boxes[row] = box_of(samples.part("near", row)[0])
