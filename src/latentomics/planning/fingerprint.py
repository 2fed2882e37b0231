"""What a cohort is, in a few figures: the only thing that the planner looks at.

In: the training cases and one ``CaseFacts`` for each. Out: a ``Fingerprint``; extents in mm (px
where the files have no physical size), intensities in the modality's unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from latentomics.core import Case
from latentomics.sources import CaseFacts, ChannelFacts

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFingerprint:
    """What a channel after the first is."""

    modality: str
    unit: str
    intensity_low: float
    intensity_high: float
    intensity_p01: float
    intensity_p99: float
    intensity_spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What the cohort is. Per-axis figures are medians over cases where not said otherwise."""

    cases: int
    patients: int
    sites: int
    modality: str
    unit: str  # of the intensities
    spacing_unit: str
    dimension: int
    channels: int
    size: tuple[float, ...]  # voxels
    spacing: tuple[float, ...]
    spacing_finest: float  # median over cases of the finest axis
    extent: tuple[float, ...]  # of the image
    extent_spread: float  # SD / mean of the image extent, largest over axes
    intensity_low: float
    intensity_high: float
    intensity_p01: float
    intensity_p99: float
    intensity_spread: float  # 90th to 10th percentile of the cases' 99th percentiles
    noise: float  # median estimated SD, in the intensity's unit
    noise_relative: float  # in units of each image's own SD
    masked: float  # share of cases with a mask
    mask_extent_median: float  # largest edge of the mask's box
    mask_extent_p95: float
    mask_volume_spread: float  # SD of the logarithm of the volume
    mask_offset_spread: float  # SD of the mask's centre about the image's, in mask extents
    mask_share: float  # median share of the image's extent that the mask's box takes
    further: tuple[ChannelFingerprint, ...] = ()  # the channels after the first

    def describe(self) -> list[str]:
        """Say the fingerprint in words, a line each."""
        size = " x ".join(f"{value:g}" for value in self.size)
        spacing = " x ".join(f"{value:.3g}" for value in self.spacing)
        lines = [
            f"{self.cases} cases of {self.patients} patients at {self.sites} site(s), "
            f"{self.modality}, {self.dimension}-D, {self.channels} channel(s)",
            f"median size {size} voxels, spacing {spacing} {self.spacing_unit}",
            f"intensities {self.intensity_p01:.4g} to {self.intensity_p99:.4g} {self.unit} "
            f"(1st to 99th percentile), noise SD {self.noise:.3g} {self.unit}",
            *(
                f"further channel {one.modality}, {one.intensity_p01:.4g} to "
                f"{one.intensity_p99:.4g} {one.unit}"
                for one in self.further
            ),
        ]
        if self.masked:
            lines.append(
                f"masks in {self.masked:.0%}, largest extent {self.mask_extent_median:.3g} "
                f"{self.spacing_unit} (95 % below {self.mask_extent_p95:.3g}), "
                f"SD of log volume {self.mask_volume_spread:.2f}"
            )
        return lines


def fingerprint_of(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> Fingerprint:
    """Summarise the facts of the readable cases.

    Parameters
    ----------
    cases : sequence of Case
        The cases that could be read, in the order of ``facts``.
    facts : sequence of CaseFacts
        What was measured on each.
    """
    dimension = _most_common(len(fact.size) for fact in facts)
    facts = [fact for fact in facts if len(fact.size) == dimension]
    size = np.array([fact.size for fact in facts], float)
    spacing = np.array([fact.spacing for fact in facts], float)
    extent = size * spacing
    return Fingerprint(
        cases=len(cases),
        patients=len({case.patient for case in cases}),
        sites=len({case.site for case in cases if case.site is not None}),
        modality=_most_common(fact.modality for fact in facts),
        unit=_most_common(fact.value_unit for fact in facts),
        spacing_unit=_most_common(fact.unit for fact in facts),
        dimension=dimension,
        channels=_most_common(fact.channels for fact in facts),
        size=_medians(size),
        spacing=_medians(spacing),
        spacing_finest=float(np.median(spacing.min(1))),
        extent=_medians(extent),
        extent_spread=float((extent.std(0) / extent.mean(0)).max()),
        noise=float(np.median([fact.sigma for fact in facts])),
        noise_relative=float(np.median([fact.sigma / max(fact.sd, 1e-9) for fact in facts])),
        further=tuple(
            _channel(found) for found in zip(*(fact.further for fact in facts), strict=True)
        ),
        **_intensities(facts),
        **_masks(facts, extent, spacing),
    )


def _channel(facts: Sequence[ChannelFacts]) -> ChannelFingerprint:
    return ChannelFingerprint(
        modality=_most_common(fact.modality for fact in facts),
        unit=_most_common(fact.value_unit for fact in facts),
        **_intensities(facts),
    )


def _intensities(facts: Sequence[CaseFacts] | Sequence[ChannelFacts]) -> dict[str, float]:
    p99 = np.array([fact.p99 for fact in facts])
    low, high = np.quantile(np.abs(p99), (0.1, 0.9))
    return {
        "intensity_low": float(min(fact.minimum for fact in facts)),
        "intensity_high": float(max(fact.maximum for fact in facts)),
        "intensity_p01": float(np.median([fact.p01 for fact in facts])),
        "intensity_p99": float(np.median(p99)),
        "intensity_spread": float(high / low) if low > 0 else 1.0,
    }


def _masks(facts: Sequence[CaseFacts], extent: np.ndarray, spacing: np.ndarray) -> dict[str, float]:
    rows = [row for row, fact in enumerate(facts) if fact.mask_voxels]
    if not rows:
        names = ("extent_median", "extent_p95", "volume_spread", "offset_spread", "share")
        return {"masked": 0.0} | {f"mask_{name}": 0.0 for name in names}
    boxes = np.array([facts[row].mask_box for row in rows], float)  # (n, 2, dimension) start, stop
    edges = np.array([facts[row].mask_extent_mm for row in rows], float)
    largest = edges.max(1)
    centre = boxes.mean(1) * spacing[rows] - extent[rows] / 2
    offset = (centre - centre.mean(0)).std(0) / np.median(largest)
    return {
        "masked": len(rows) / len(facts),
        "mask_extent_median": float(np.median(largest)),
        "mask_extent_p95": float(np.quantile(largest, 0.95)),
        "mask_volume_spread": float(np.log([facts[row].mask_mm3 for row in rows]).std()),
        "mask_offset_spread": float(offset.max()),
        "mask_share": float(np.median(edges / extent[rows])),
    }


def _medians(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.median(values, axis=0))


def _most_common(values: Iterable[T]) -> T:
    return Counter(values).most_common(1)[0][0]
