"""Cohorts whose answers are known: disks, and what was, or was not, put into them.

Each case is a patient. Half of them are held out, so that both sites have enough of them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

EDGE = 16
CASES = 80
NOISE = 2.0  # SD
SHADE = 25.0  # of the disks of positive cases, above the others'


def write_answers(
    folder: Path,
    *,
    kind: str = "disks",
    shift: float = 0.0,
    told: bool = True,
    masks: bool = False,
    seed: int = 0,
) -> Path:
    """Write pictures and a manifest; return the manifest.

    Parameters
    ----------
    kind : str
        disks, or noise alone.
    shift : float
        Amplitude of stripes that scanner B adds, in units of the noise's SD.
    told : bool
        Whether the labels are true: shade of the disk, scanner, and large by its radius; else each
        is dealt out at random.
    masks : bool
        Whether the disks are masks too.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.stack(np.meshgrid(np.arange(EDGE), np.arange(EDGE), indexing="ij"))
    stripes = np.sin(grid[1] * np.pi / 2)
    rows = []
    for number in range(CASES):
        shade, scanner, large = (int(v) for v in rng.integers(0, 2, 3))
        centre = 7.5 + rng.uniform(-0.5, 0.5, 2)
        radius = rng.uniform(4.7, 5.9) if large else rng.uniform(3.2, 4.4)
        inside = np.hypot(*(grid - centre[:, None, None])) < radius
        values = rng.normal(100, NOISE, (EDGE, EDGE))
        if kind == "disks":
            values += (30 + SHADE * shade + rng.normal(0, 3)) * inside
            values += NOISE * shift * scanner * stripes
        true = (shade, scanner, large)
        found = true if told else tuple(int(v) for v in rng.integers(0, 2, 3))
        np.save(folder / f"c{number:03d}.npy", values.astype(np.float32))
        row = {
            "case": f"c{number:03d}",
            "image": f"c{number:03d}.npy",
            "site": "AB"[scanner],
            "modality": "XR",
            "split": "test" if number % 2 else ("val" if number % 10 == 0 else "train"),
            **dict(zip(("shade", "scanner", "large"), found, strict=True)),
        }
        if masks:
            np.save(folder / f"m{number:03d}.npy", inside.astype(np.uint8))
            row["mask"] = f"m{number:03d}.npy"
        rows.append(row)
    manifest = folder / "cohort.csv"
    with manifest.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return manifest
