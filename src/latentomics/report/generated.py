"""A picture of images that a model made up, for itself and not for the page.

In: images (n, *size) in normalised units. Out: a PNG file.
"""

from __future__ import annotations

from pathlib import Path

from latentomics.core import FloatArray, write_atomic
from latentomics.report.figures import mosaic, png


def write_images(
    path: Path,
    images: FloatArray,
    titles: tuple[str, ...],
    *,
    spacing: tuple[float, ...],
    anatomical: bool,
    flat: int = 2,
) -> None:
    """Write images side by side; see ``mosaic`` for what they are drawn by."""
    figure = mosaic(images, titles, spacing=spacing, anatomical=anatomical, flat=flat)
    write_atomic(path, png(figure).content)
