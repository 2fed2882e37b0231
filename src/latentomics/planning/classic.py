"""How classic radiomics is measured, chosen from the cohort.

In: a fingerprint of the training cases. Out: settings with their reason. The order is that of the
Image Biomarker Standardisation Initiative (METHODS 23): interpolate, resegment, discretise,
compute.
"""

from __future__ import annotations

import math

from latentomics.planning.fingerprint import Fingerprint
from latentomics.planning.plan import Choice, Classic

WIDTHS = {"CT": (-1000.0, 25.0), "PT": (0.0, 0.25)}  # lowest edge and width of the bins: HU, SUV
BINS = 32


def choose_classic(found: Fingerprint) -> Choice[Classic | None]:
    """Isotropic voxels of the cohort's median volume; bins by modality; none without masks."""
    if found.dimension == 1:
        return Choice(value=None, reason="radiomics is defined for images, not for signals")
    if found.masked < 1:
        return Choice(value=None, reason="not every case has a mask")
    spacing, grid = _spacing(found)
    lower, width = WIDTHS.get(found.modality, (None, None))
    fixed = width is not None
    levels = f"{found.modality} is calibrated: bins of fixed width"
    return Choice(
        value=Classic(
            spacing=spacing,
            rounded=found.modality == "CT" and spacing is not None,
            lower=lower,
            bins=None if fixed else BINS,
            bin_width=width,
            aggregation="3d-merged" if found.dimension == 3 else "2d-merged",
        ),
        reason=f"{grid}; {levels if fixed else 'no calibrated unit: a fixed number of bins'}",
    )


def _spacing(found: Fingerprint) -> tuple[tuple[float, ...] | None, str]:
    if found.spacing_unit == "px":
        return None, "no physical size: each image's own grid"
    middle = math.prod(found.spacing) ** (1 / found.dimension)
    step = 10.0 ** math.floor(math.log10(middle)) / 2  # coarse, so that folds agree on it
    value = float(f"{max(step, round(middle / step) * step):.3g}")
    words = f"isotropic voxels of about the cohort's median volume ({found.spacing_unit})"
    return (value,) * found.dimension, words
