"""What preparing does, as plain settings that say themselves in words and as a hash.

In: the settings a plan chose. Out: one frozen record; the same record and acquisition give the same
samples. Spacings in mm (px for pictures without a physical size), sizes in voxels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, cast

from latentomics.core import RequestError, content_hash, plain

VERSION = 1  # of the steps in this room; raise it when the same settings give other values

View = Literal["local", "scaled", "fixed", "pose", "whole", "slices", "patches"]
Normalisation = Literal["hu-window", "robust-z", "percentile", "suv", "identity"]
Padding = Literal["edge", "zero", "minimum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The settings of preparing; each names its unit.

    Parameters
    ----------
    dimension : int
        Of a sample: 1, 2 or 3.
    view : str
        What is cut out: local, scaled, fixed, pose, whole, slices or patches.
    spacing_mm : tuple of float
        Of the samples; view scaled has one of its own for each case.
    size : tuple of int
        Of a sample in voxels; for view local the least size.
    margin : float
        Around the mask: in mm for view local, a factor on its largest extent for view scaled.
    normalisation : str
        hu-window, robust-z, percentile, suv or identity.
    window : (float, float)
        HU, SUV, percentiles, or the values that become 0 and 1 (identity); for robust-z the limits
        in robust standard deviations. Equal limits: none.
    further : tuple of (normalisation, window)
        One for each channel after the first; fewer: those that are left are like the first.
    order : int
        1 linear, 0 nearest neighbour; masks are linear, cut at one half.
    padding : str
        Outside the image: its edge again, zero after normalisation, or the sample's minimum.
    samples : int
        At most so many slices or patches a case.
    """

    dimension: int
    view: View
    spacing_mm: tuple[float, ...]
    size: tuple[int, ...]
    margin: float = 0.0
    normalisation: Normalisation = "robust-z"
    window: tuple[float, float] = (0.0, 0.0)
    further: tuple[tuple[Normalisation, tuple[float, float]], ...] = ()
    order: int = 1
    padding: Padding = "edge"
    samples: int = 16

    def __post_init__(self) -> None:
        wrong = _fault(self)
        if wrong:
            raise RequestError(wrong, f"pipeline, view {self.view}", "correct the plan")

    @property
    def hash(self) -> str:
        """Sha256 of the settings and of the version of the steps, in hex."""
        return content_hash({"settings": self.plain(), "version": VERSION})

    def plain(self) -> dict[str, object]:
        """Return the settings as JSON knows them."""
        return cast(dict[str, object], plain(self))

    @classmethod
    def from_plain(cls, settings: Mapping[str, object]) -> Pipeline:
        """Return the pipeline that ``plain`` wrote.

        Raises
        ------
        RequestError
            When a key is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise RequestError(
                f"unknown setting {unknown[0]!r}", "pipeline", f"known: {', '.join(sorted(known))}"
            )
        try:
            return cls(**{key: _tuples(value) for key, value in settings.items()})  # type: ignore[arg-type]
        except TypeError as error:
            raise RequestError(f"{error}", "pipeline", "give every setting") from None

    def describe(self) -> list[str]:
        """Return what is done, in words, one sentence a step."""
        return [
            "turned to RAS+ axes",
            *self._sampling(),
            self._cut(),
            f"outside the image: {_PADDING[self.padding]}",
            _scaled_by(self.normalisation, self.window),
            *(
                f"channel {number}: {_scaled_by(*scale)}"
                for number, scale in enumerate(self.further, start=2)
            ),
        ]

    def _sampling(self) -> list[str]:
        spacing = " x ".join(f"{s:g}" for s in self.spacing_mm)
        to = "to each case's own spacing" if self.view == "scaled" else f"to {spacing} mm"
        how = "linear" if self.order == 1 else "nearest-neighbour"
        return [
            f"resampled {to} ({how}; smoothed by a Gaussian before going coarser) "
            "on a grid centred on the whole image",
            "masks resampled linearly and cut at one half",
        ]

    def _cut(self) -> str:
        size = " x ".join(str(n) for n in self.size)
        return _CUT[self.view].format(size=size, margin=self.margin, samples=self.samples)


_CUT = {
    "local": "cut to the mask and {margin:g} mm around it, at least {size}, multiples of 4",
    "scaled": "cut to a cube of {margin:g} times the mask's largest extent, {size} voxels",
    "fixed": "cut to {size} voxels around the middle of the mask",
    "pose": "cut or padded to {size} voxels around the middle of the image",
    "whole": "the whole image in {size} voxels (pictures without a physical size are scaled to it)",
    "slices": "at most {samples} planes of {size} through the mask, else through the foreground",
    "patches": "at most {samples} patches of {size} on a regular grid in the mask or foreground",
}
_PADDING = {
    "edge": "its edge again",
    "zero": "0 after normalisation",
    "minimum": "the sample's minimum",
}
_NORMALISATION = {
    "hu-window": "HU from {0:g} to {1:g} mapped to -1 to 1, and cut there",
    "robust-z": "minus the median of the image's foreground, over its interquartile range / 1.349",
    "percentile": "percentiles {0:g} and {1:g} of the image mapped to 0 and 1, and cut there",
    "suv": "SUV from {0:g} to {1:g}, cut there, divided by an eighth of that range",
    "identity": "{0:g} and {1:g} mapped to 0 and 1, not cut",
}


def _scaled_by(normalisation: str, window: tuple[float, float]) -> str:
    words = _NORMALISATION[normalisation].format(*window)
    cuts = normalisation == "robust-z" and window[0] < window[1]
    return words + (f", cut at {window[0]:g} and {window[1]:g}" if cuts else "")


def _tuples(value: object) -> object:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


def _fault(pipeline: Pipeline) -> str | None:
    if pipeline.view not in _CUT:
        return f"unknown view {pipeline.view!r}; known: {', '.join(sorted(_CUT))}"
    for normalisation, window in ((pipeline.normalisation, pipeline.window), *pipeline.further):
        if normalisation not in _NORMALISATION:
            known = ", ".join(sorted(_NORMALISATION))
            return f"unknown normalisation {normalisation!r}; known: {known}"
        if normalisation != "robust-z" and not window[0] < window[1]:
            return f"the window {window} of {normalisation} is empty"
    if pipeline.padding not in _PADDING:
        return f"unknown padding {pipeline.padding!r}; known: {', '.join(sorted(_PADDING))}"
    if not len(pipeline.size) == len(pipeline.spacing_mm) == pipeline.dimension:
        return f"size {pipeline.size} and spacing {pipeline.spacing_mm} need one number an axis"
    if min(pipeline.size) < 1 or min(pipeline.spacing_mm) <= 0 or pipeline.samples < 1:
        return f"size {pipeline.size}, spacing {pipeline.spacing_mm} or samples is not positive"
    if pipeline.view == "scaled" and pipeline.margin <= 0:
        return f"view scaled needs a margin above 0, not {pipeline.margin:g}"
    return None if pipeline.order in (0, 1) else f"order {pipeline.order} is neither 0 nor 1"
