"""What went in beside what came out: some held-out cases as pictures.

In: pictures/data.npz (input, reconstruction, mask (n, *size), case (n,), spacing (d,) or (n, d);
optional: unit, spacing_unit, split (n,)). NaN marks padding. Out: one section.
"""

from __future__ import annotations

import numpy as np

from latentomics.report.figures import Shown, comparison, png, svg, traces
from latentomics.report.figures.planes import Values, finite_box
from latentomics.report.page import Block, Gallery, Picture, Section, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import strings, targets_of, values_of, word
from latentomics.report.words import number, target_name

MOST = 6
_NEEDED = ("input", "reconstruction", "spacing")


def pictures_section(files: RunFiles) -> Section:
    """Return the section with inputs, reconstructions and differences."""
    problem = _problem(files)
    lead = "Held-out cases."
    if problem:
        blocks: tuple[Block, ...] = (Words(text=problem, tone="note"),)
    else:
        shown = shown_cases(files)
        lead = _how_to_read(shown) + _first_of(files) + _chosen(files)
        blocks = (
            Gallery(pictures=tuple(_picture(files, s, i) for i, s in enumerate(shown)), columns=2),
        )
    return Section(
        anchor="pictures",
        title="Input, reconstruction, difference",
        lead=lead,
        blocks=blocks,
    )


def _how_to_read(shown: tuple[Shown, ...]) -> str:
    """Return what the lines, colours and sides of the pictures mean."""
    masked = any(case.mask is not None for case in shown)
    if shown[0].values.ndim == 1:
        words = "Held-out cases, input and reconstruction on one scale."
        words += " Yellow: inside the mask." if masked else ""
        return f"{words} Difference: reconstruction minus input; red is too high, blue too low."
    words = (
        "Held-out cases, true to physical proportions; one grey scale for both images of a case."
    )
    if masked:
        words += (
            " The yellow line, black in the difference, is the border of the mask; planes pass "
            "through its middle."
        )
    if shown[0].anatomical:
        words += " Radiological convention: the patient's right is on the left."
    return (
        f"{words} Difference: reconstruction minus input; red was made too bright, blue too dark. "
        "What lies outside the image is left out, or light grey."
    )


def _first_of(files: RunFiles) -> str:
    """Return which channel is shown where there are several."""
    channels = files.request.get("channels")
    if not isinstance(channels, (list, tuple)) or len(channels) < 2:
        return ""
    return f" Of {len(channels)} channels the first is shown: {channels[0]}."


def _chosen(files: RunFiles) -> str:
    """Return the rule by which these cases were taken, where it is stored."""
    return "".join(f" {rule}" for rule in strings(files.pictures.get("rule")))


def shown_cases(files: RunFiles) -> tuple[Shown, ...]:
    """Return the cases of the data, cropped to what is finite, under one scale of differences."""
    data = files.pictures
    count = min(MOST, len(data["input"]))
    cases = strings(data.get("case")) or [str(i + 1) for i in range(count)]
    masks = data.get("mask")
    trimmed = []
    for index in range(count):
        box = finite_box(np.asarray(data["input"][index], dtype=np.float32))
        mask = None if masks is None else np.asarray(masks[index])[box] > 0.5
        trimmed.append(
            (
                np.asarray(data["input"][index], dtype=np.float32)[box],
                np.asarray(data["reconstruction"][index], dtype=np.float32)[box],
                None if mask is None or mask.all() or not mask.any() else mask,
            )
        )
    differences = [np.abs(output - original).ravel() for original, output, _ in trimmed]
    limit = float(np.nanquantile(np.concatenate(differences), 0.995)) or 1.0
    return tuple(
        Shown(
            case=cases[index],
            values=original,
            reconstruction=output,
            mask=mask,
            spacing=spacing_of(files, index),
            length_unit=length_unit(files),
            unit=unit_of(files),
            window=_window(files, original),
            limit=limit,
            anatomical=anatomical(files),
            flat=flat_axis(files),
        )
        for index, (original, output, mask) in enumerate(trimmed)
    )


def unit_of(files: RunFiles) -> str:
    """Return the unit of the pictures' values, as stored or as the plan's normalisation says."""
    stored = strings(files.pictures.get("unit"))
    return stored[0] if stored else "normalised units"


def length_unit(files: RunFiles) -> str:
    """Return mm, or px where pictures have no physical size."""
    stored = strings(files.pictures.get("spacing_unit"))
    return stored[0] if stored else ("mm" if anatomical(files) else "px")


def anatomical(files: RunFiles) -> bool:
    """Whether axes are those of RAS+, not rows and columns of a picture."""
    dimension = np.asarray(files.pictures["spacing"]).shape[-1]
    return dimension == 3 or "flat_axis" in files.pictures


def flat_axis(files: RunFiles) -> int:
    """Return the RAS+ axis that planes of volumes were cut across; 2 where they are axial."""
    return int(np.ravel(files.pictures.get("flat_axis", 2))[0])


def spacing_of(files: RunFiles, index: int) -> tuple[float, ...]:
    """Return the spacing of one case; cases of scaled views have their own."""
    spacing = np.asarray(files.pictures["spacing"], dtype=float)
    return tuple((spacing[index] if spacing.ndim == 2 else spacing).tolist())


def _problem(files: RunFiles) -> str | None:
    data = files.pictures
    lacking = [name for name in _NEEDED if name not in data]
    if lacking:
        reason = files.missing.get("pictures/data.npz")
        return f"{reason}." if reason else f"No pictures: {', '.join(lacking)} not stored."
    if data["input"].shape != data["reconstruction"].shape or not len(data["input"]):
        return "No pictures: inputs and reconstructions do not have the same size."
    dimension = np.asarray(data["spacing"]).shape[-1]
    if dimension not in (1, 2, 3) or data["input"].ndim != dimension + 1:
        return "No pictures: only signals and images of two or three dimensions are drawn."
    return None


def _window(files: RunFiles, values: Values) -> tuple[float, float]:
    """Return the plan's window in Hounsfield units; else the case's own 1st to 99th percentile."""
    window = files.choice("window")
    if unit_of(files) == "HU" and isinstance(window, (list, tuple)) and len(window) == 2:
        return float(window[0]), float(window[1])
    low, high = np.nanquantile(values, (0.01, 0.99))
    return (float(low), float(high)) if high > low else (float(low) - 1, float(high) + 1)


def _picture(files: RunFiles, shown: Shown, index: int) -> Picture:
    difference = shown.reconstruction - shown.values
    error = float(np.sqrt(np.nanmean(difference**2)))
    words = f"{number(error)} {shown.unit}"
    if shown.mask is not None:
        inside = float(np.sqrt(np.nanmean(difference[shown.mask] ** 2)))
        words = f"{number(inside)} {shown.unit} inside the mask, {words} in all that is shown"
    return Picture(
        name=f"case_{index + 1:02d}",
        image=svg(traces(shown)) if shown.values.ndim == 1 else png(comparison(shown), 180),
        alternative=f"Case {shown.case}: input, reconstruction and their difference.",
        caption=f"{shown.case}{_facts(files, shown.case)}. Root mean squared error {words}.",
    )


def _facts(files: RunFiles, case: str) -> str:
    columns = ["split", "site", *targets_of(files)[:3]]
    facts = []
    for column in columns:
        value = values_of(files, column, [case])[0]
        if value is not None:
            name = "" if column == "split" else f"{target_name(column)} "
            facts.append(name + word(value))
    return f" ({', '.join(facts)})" if facts else ""
