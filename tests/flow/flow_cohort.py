"""A small cohort of pictures on disk: disks whose size and texture follow a label."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

EDGE = 16


def picture(rng: np.random.Generator, positive: bool, kind: str) -> np.ndarray:
    if kind == "noise":
        return rng.normal(100, 30, (EDGE, EDGE))
    if kind == "equal":
        row = np.arange(EDGE)
        return 100.0 + 10 * np.sin(row)[:, None] + 5 * np.cos(row)[None]
    grid = np.stack(np.meshgrid(np.arange(EDGE), np.arange(EDGE), indexing="ij"))
    centre = 7.5 + rng.uniform(-1.5, 1.5, 2)
    radius = rng.uniform(4.5, 6.5) if positive else rng.uniform(2.5, 4.5)
    inside = np.hypot(*(grid - centre[:, None, None])) < radius
    shade = 80 + 60 * inside + 20 * np.sin(grid[0] / rng.uniform(1.5, 2.5))
    return shade + rng.normal(0, 2, (EDGE, EDGE))


def write_cohort(
    folder: Path, cases: int = 60, kind: str = "disks", shuffled: bool = False, seed: int = 0
) -> Path:
    """Write ``cases`` pictures and a manifest with patient, site and label; return the manifest."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.arange(cases) % 2
    written = rng.permutation(labels) if shuffled else labels
    rows = []
    for number in range(cases):
        values = picture(rng, bool(labels[number]), kind).astype(np.float32)
        name = f"c{number:03d}"
        np.save(folder / f"{name}.npy", values)
        rows.append(
            {
                "case": name,
                "image": f"{name}.npy",
                "patient": f"p{number:03d}",
                "site": "AB"[(number // 2) % 2],
                "modality": "XR",
                "large": int(written[number]),
            }
        )
    manifest = folder / "cohort.csv"
    with manifest.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return manifest
