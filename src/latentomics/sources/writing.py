"""Write what the package makes itself: an image as NIfTI, and the manifest of a cohort.

In: values (x, y, z) with their place in RAS+ millimetres; rows of a manifest. Out: files, the same
bytes for the same values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentomics.core import DoubleArray, write_atomic


def write_nifti(path: Path, values: Any, origin: DoubleArray, spacing_mm: float = 1.0) -> None:
    """Write an image whose axes are those of RAS+; ``origin`` is the centre of its first voxel."""
    import SimpleITK

    itk: Any = SimpleITK  # the package has no types
    image = itk.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetDirection([-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0])  # ITK's axes are LPS
    image.SetOrigin([-origin[0], -origin[1], origin[2]])
    image.SetSpacing([spacing_mm] * 3)
    itk.WriteImage(image, str(path), useCompression=True)


def write_manifest(
    folder: Path, rows: Sequence[Mapping[str, object]], name: str = "manifest.csv"
) -> Path:
    """Write rows that all have the same columns, and return the file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(folder / name, text.getvalue())
    return folder / name
