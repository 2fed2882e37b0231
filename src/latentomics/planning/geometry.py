"""Choices about what the network looks at: view, spacing, size, margin, intensities.

In: a fingerprint. Out: choices with their reasons. The thresholds come from DESIGN, sections 9 and
12; ``docs/decisions`` says which of them were measured on which cohort.
"""

from __future__ import annotations

import math

from latentomics.planning.fingerprint import ChannelFingerprint, Fingerprint
from latentomics.planning.plan import Choice, Normalisation, Scale, View

VOXEL_BUDGET = {1: 8192, 2: 128 * 128, 3: 96_000}  # of one sample; a step of ~0.2 s on two cores
PATCH = {1: 64, 2: 32, 3: 24}  # edge of a local training patch, voxels (METHODS 30)
SCALED_EDGE, SCALED_MARGIN = 32, 1.3  # voxels, and in units of the mask's largest extent
FIXED_MARGIN = 8.0  # mm of tissue beside a lesion in view fixed
MASKED = 0.5  # share of cases with a mask from which on masks decide
POSE_VOLUME_SPREAD = 0.4  # SD of log volume below which the same organ is seen in every case
POSE_OFFSET_SPREAD = 0.25  # SD of its place, in its own extents
POSE_MASK_SHARE = 0.9  # of the image's extent, above which its place says nothing
POSE_EXTENT_SPREAD = 0.25  # SD / mean of the image's extent


def choose_view(found: Fingerprint) -> Choice[View]:
    """Lesion, anatomy in fixed pose, whole image or patches."""
    if found.masked >= MASKED:
        same_size = found.mask_volume_spread <= POSE_VOLUME_SPREAD
        same_place = found.mask_offset_spread <= POSE_OFFSET_SPREAD
        figures = (
            f"SD of log volume {found.mask_volume_spread:.2f}, "
            f"of the place {found.mask_offset_spread:.2f} extents"
        )
        if found.mask_share > POSE_MASK_SHARE:
            return Choice(
                value="local",
                reason=f"masks span {found.mask_share:.0%} of the image: tissue without a pose",
            )
        if same_size and same_place and found.extent_spread <= POSE_EXTENT_SPREAD:
            return Choice(value="pose", reason=f"the organ has one size and place: {figures}")
        return Choice(
            value="local", reason=f"masks vary in size or place, so they are lesions: {figures}"
        )
    extent_voxels = math.prod(found.size)
    if found.dimension == 3 and extent_voxels > 16 * VOXEL_BUDGET[3]:
        return Choice(
            value="patches",
            reason=f"no masks, and {extent_voxels:.3g} voxels an image: too many for one code",
        )
    return Choice(value="whole", reason="no masks: the image as a whole is described")


def choose_spacing(found: Fingerprint, view: View) -> Choice[tuple[float, ...]]:
    """Median spacing, the finest axis for local codes, or the one that keeps the voxel budget."""
    unit = found.spacing_unit
    if view == "local":
        step = 10.0 ** math.floor(math.log10(found.spacing_finest)) / 2  # folds agree on it
        value = _rounded(max(step, round(found.spacing_finest / step) * step))
        return Choice(
            value=(value,) * found.dimension,
            reason=f"median over cases of the finest axis, the same along all axes ({unit})",
        )
    if view == "scaled":
        edge = SCALED_MARGIN * max(found.mask_extent_median, found.spacing_finest)
        return Choice(
            value=(_rounded(edge / SCALED_EDGE),) * found.dimension,
            reason=f"of the median case ({unit}): each case has its own, its crop is scaled",
        )
    spacing = tuple(_rounded(value) for value in found.spacing)
    if view == "patches":
        return Choice(value=spacing, reason=f"the cohort's median ({unit})")
    voxels = math.prod(e / s for e, s in zip(found.extent, spacing, strict=True))
    excess = voxels / VOXEL_BUDGET[found.dimension]
    if excess <= 1:
        return Choice(value=spacing, reason=f"the cohort's median ({unit})")
    factor = excess ** (1 / found.dimension)
    return Choice(
        value=tuple(_rounded(value * factor) for value in spacing),
        reason=f"the median would give {voxels:.3g} voxels; {factor:.2f} times coarser keeps "
        f"{VOXEL_BUDGET[found.dimension]}",
    )


def choose_size(
    found: Fingerprint, view: View, spacing: tuple[float, ...]
) -> Choice[tuple[int, ...]]:
    """Voxels of a sample, rounded up to what the network's strides need."""
    if view in ("local", "patches"):
        edge = PATCH[found.dimension]
        return Choice(value=(edge,) * found.dimension, reason="patches of this edge train it")
    if view == "scaled":
        return Choice(value=(SCALED_EDGE,) * found.dimension, reason="a scaled crop of this edge")
    if view == "fixed":
        extent = found.mask_extent_p95 + 2 * FIXED_MARGIN
        return Choice(
            value=tuple(_up(extent / value, 4) for value in spacing),
            reason=f"95 % of the masks and {FIXED_MARGIN:g} around them are smaller",
        )
    multiple = 8 if found.dimension == 3 else 4
    size = tuple(_up(e / s, multiple) for e, s in zip(found.extent, spacing, strict=True))
    return Choice(
        value=size, reason=f"the median image at this spacing, rounded up to {multiple} voxels"
    )


def choose_margin(view: View, spacing: tuple[float, ...]) -> Choice[float]:
    """Tissue around the mask that is looked at."""
    if view == "local":
        return Choice(
            value=max(4.0, 3 * max(spacing)),
            reason="4 mm around the mask, and at least three voxels; rim and ring are half and "
            "three quarters of it",
        )
    if view == "scaled":
        return Choice(
            value=SCALED_MARGIN, reason=f"a cube of {SCALED_MARGIN:g} x the mask's largest extent"
        )
    if view == "fixed":
        return Choice(value=FIXED_MARGIN, reason="tissue beside the lesion")
    return Choice(value=0.0, reason=f"view {view} looks at the image as it is")


def choose_normalisation(
    found: Fingerprint | ChannelFingerprint,
) -> tuple[Choice[Normalisation], Choice[tuple[float, float]]]:
    """How intensities are made comparable, by modality."""
    if found.modality == "CT":
        return (
            Choice(value="hu-window", reason="CT is calibrated: the same window for every case"),
            Choice(value=(-1000.0, 400.0), reason="air to contrast-filled vessels, in HU"),
        )
    if found.modality == "PT":
        return (
            Choice(value="suv", reason="SUV is calibrated and stays as it is, on one scale"),
            Choice(value=(0.0, 20.0), reason="SUV range of the scale; higher values are kept"),
        )
    if found.unit == "a.u." and found.modality == "MR":
        return (
            Choice(
                value="robust-z",
                reason="MR intensities have no unit (the cases' ranges differ by a factor "
                f"{found.intensity_spread:.3g}): median and quartiles of each image",
            ),
            Choice(value=(-5.0, 5.0), reason="limits in robust SDs"),
        )
    if found.intensity_spread <= 1.5:
        window = (found.intensity_low, found.intensity_high)
        return (
            Choice(value="identity", reason="the cases share one intensity range"),
            Choice(value=window, reason="lowest and highest training value become 0 and 1"),
        )
    return (
        Choice(value="percentile", reason=f"{found.modality} has no fixed scale"),
        Choice(value=(0.0, 100.0), reason="percentiles of each image that become 0 and 1"),
    )


def choose_further(found: Fingerprint) -> Choice[tuple[Scale, ...]]:
    """Scale each further channel by its own modality."""
    if not found.further:
        return Choice(value=(), reason="there is one channel")
    scales, reasons = [], []
    for channel in found.further:
        normalisation, window = choose_normalisation(channel)
        scales.append(
            Scale(
                modality=channel.modality,
                normalisation=normalisation.value,
                window=window.value,
            )
        )
        reasons.append(f"{channel.modality}: {normalisation.reason}; {window.reason}")
    return Choice(value=tuple(scales), reason=". ".join(reasons))


def _rounded(value: float) -> float:
    return float(f"{value:.2g}") if value < 10 else float(f"{value:.3g}")


def _up(value: float, multiple: int) -> int:
    return max(multiple, math.ceil(round(value, 3) / multiple) * multiple)
