"""Small valid files of every format, and ways to damage them.

In: a generator of random numbers. Out: bytes. Run by itself it damages thousands of files, reads
each as image and as mask in a process with limits, and keeps those that crash or hang:

    python tests/sources/sources_fuzz.py FOLDER [--files 4000] [--seed 0]
"""

from __future__ import annotations

import argparse
import gzip
import io
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from latentomics.core import Case, FileRef
from latentomics.core.executor import map_cases
from latentomics.sources import measure_case

NUMBERS = (b"0", b"-1", b"3", b"65536", b"99999999999", b"1e308", b"nan", b"inf", b"")
WORDS = tuple(
    np.array(value, dtype).tobytes()
    for dtype, values in {
        "<i2": (0, -1, 1, 32767, -32768),
        "<i4": (0, -1, 2**31 - 1, -(2**31), 2**16),
        "<f4": (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, 1e-38),
        "<u8": (2**63, 2**64 - 1),
    }.items()
    for value in values
)
Damage = Callable[[bytes, np.random.Generator], bytes]


def valid_files() -> dict[str, bytes]:
    """Return a picture or volume as each format holds it."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 2, (9, 8)).astype("u1") * 200
    files: dict[str, bytes] = {}
    for name in ("PNG", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, name)
        files[name.lower()] = buffer.getvalue()
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "TIFF", compression="tiff_lzw")
    files["tiff-lzw"] = buffer.getvalue()
    saves = {"npy": np.save, "npz": np.savez, "npz-packed": np.savez_compressed}
    for name, save in saves.items():
        buffer = io.BytesIO()
        save(buffer, grey)
        files[name] = buffer.getvalue()
    volume = rng.integers(0, 2, (5, 4, 3)).astype("i2") * 300
    affine = np.diag([0.7, 0.7, 2.0, 1.0])
    files["nii"] = nibabel.Nifti1Image(volume, affine).to_bytes()
    files["nii2"] = nibabel.Nifti2Image(volume, affine).to_bytes()
    files["nii.gz"] = gzip.compress(files["nii"], mtime=0)
    header = (
        b"NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 5 4 3\n"
        b"space directions: (0.7,0,0) (0,0.7,0) (0,0,2)\nendian: little\nencoding: %s\n"
        b"space origin: (0,0,0)\n\n"
    )
    data = volume.tobytes(order="F")
    files["nrrd"] = header % b"raw" + data
    files["nrrd-gzip"] = header % b"gzip" + gzip.compress(data, mtime=0)
    return files


def bits(content: bytes, rng: np.random.Generator) -> bytes:
    made = bytearray(content)
    for at in rng.integers(0, len(made), rng.integers(1, 9)):
        made[at] ^= 1 << int(rng.integers(8))
    return bytes(made)


def words(content: bytes, rng: np.random.Generator) -> bytes:
    """Put extreme numbers where the header is."""
    made = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        word = WORDS[rng.integers(len(WORDS))]
        at = 2 * int(rng.integers(0, max(1, min(len(made), 600) // 2)))
        made[at : at + len(word)] = word
    return bytes(made)


def numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace numbers written as text."""
    found = list(re.finditer(rb"\d+", content[:1000]))
    if not found:
        return bits(content, rng)
    one = found[rng.integers(len(found))]
    return content[: one.start()] + NUMBERS[rng.integers(len(NUMBERS))] + content[one.end() :]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(1, len(content))]


def pieces(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave out, repeat, blank or exchange a piece."""
    first, last = sorted(rng.integers(0, len(content) + 1, 2))
    piece = content[first:last]
    kinds = (b"", piece * 2, bytes(len(piece)), rng.bytes(len(piece)), rng.bytes(40) + piece)
    return content[:first] + kinds[rng.integers(len(kinds))] + content[last:]


DAMAGES: tuple[Damage, ...] = (bits, words, numbers, cut, pieces)


def inside(name: str, content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Damage what a compressed or checked file holds, and make its wrapping right again."""
    if name == "nii.gz":
        return gzip.compress(change(gzip.decompress(content)), mtime=0)
    if name.startswith("npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.read("arr_0.npy")
        buffer = io.BytesIO()
        kind = zipfile.ZIP_DEFLATED if name == "npz-packed" else zipfile.ZIP_STORED
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            archive.writestr("arr_0.npy", change(member))
        return buffer.getvalue()
    if name == "png":
        return b"".join(_chunks(change(content[8:]), content[:8]))
    return change(content)


def _chunks(content: bytes, start: bytes) -> Iterator[bytes]:
    """Give the chunks of a PNG file with sums that are right."""
    yield start
    while len(content) >= 12:
        length = int.from_bytes(content[:4], "big")
        if length > len(content) - 12:
            break
        body = content[4 : 8 + length]
        yield content[:4] + body + zlib.crc32(body).to_bytes(4, "big")
        content = content[12 + length :]
    yield content


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A damaged file: which format it was of, and its bytes."""

    name: str
    content: bytes


def damaged_files(count: int, seed: int) -> Iterator[Damaged]:
    """Give damaged files, the formats in turn."""
    rng = np.random.default_rng(seed)
    files = valid_files()
    for number in range(count):
        name = sorted(files)[number % len(files)]
        damage = DAMAGES[rng.integers(len(DAMAGES))]
        if rng.random() < 0.5:
            content = inside(name, files[name], lambda part, how=damage: how(part, rng))
        else:
            content = damage(files[name], rng)
        if rng.random() < 0.1:  # the head of one file on the body of another
            other = files[sorted(files)[rng.integers(len(files))]]
            content = content[: rng.integers(1, len(content) + 1)] + other[len(other) // 2 :]
        yield Damaged(name=name, content=content)


def cases_of(path: Path, good: Path) -> tuple[Case, Case]:
    """Return a case whose image a file is, and one whose mask it is."""
    file = FileRef(path=path)
    return (
        Case(id=f"{path.name} as image", patient="p", image=(file,)),
        Case(id=f"{path.name} as mask", patient="p", image=(FileRef(path=good),), mask=file),
    )


def good_image(folder: Path) -> Path:
    """Write an image that the volumes are masks of."""
    values = np.random.default_rng(1).normal(0, 1, (5, 4, 3)).astype("f4")
    path = folder / "good.nii"
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.7, 0.7, 2.0, 1.0])), path)
    return path


def attack(folder: Path, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Read damaged files in processes with limits.

    Returns
    -------
    tuple
        How often each code was given ("read" for none), and the files that crashed or hung.
    """
    good = good_image(folder)
    paths: list[Path] = []

    def cases() -> Iterator[Case]:
        for number, damaged in enumerate(damaged_files(count, seed)):
            paths.append(folder / f"{number:05d}.{damaged.name}")
            paths[-1].write_bytes(damaged.content)
            yield from cases_of(paths[-1], good)

    codes: Counter[str] = Counter()
    bad: list[str] = []
    for outcome in map_cases(
        measure_case, cases(), name=lambda case: case.id, workers=2, timeout_s=20.0,
        memory_bytes=2**30,
    ):  # fmt: skip
        code = "read" if outcome.error is None else outcome.error.kind
        codes[code] += 1
        name = outcome.key.split()[0]
        if code in ("crashed", "timeout"):
            bad.append(f"{code}: {outcome.key}")
        elif outcome.key.endswith("mask") and not any(name in line for line in bad):
            (folder / name).unlink()
    return codes, bad


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    codes, bad = attack(asked.folder, asked.files, asked.seed)
    sys.stdout.write("\n".join([*(f"{n:6d} {code}" for code, n in codes.most_common()), *bad, ""]))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
