"""What the latent space looks like: its map, what its latents carry and show, who lies near whom.

In: pictures/data.npz and cohort.parquet. Out: one section.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import DoubleArray, Result
from latentomics.report.figures import (
    Neighbour,
    TraversalRow,
    latent_activity,
    moved_traces,
    neighbour_rows,
    png,
    svg,
    traversals,
)
from latentomics.report.figures.planes import finite_box
from latentomics.report.page import Block, Encoded, Gallery, Heading, Picture, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections import cases as of_cases
from latentomics.report.sections.maps import latent_maps
from latentomics.report.sections.pictures import anatomical, flat_axis, length_unit, spacing_of
from latentomics.report.sections.records import chosen, scored_on
from latentomics.report.words import feature_name, interval, metric_name, number, target_name

ACTIVE = 0.01  # of the variance of a mean (Burda et al. 2016), and nats (METHODS, section 11)
_TRAVERSED, _QUERIES, _NEIGHBOURS = 8, 6, 6
_HUNG = " Axial planes, the patient's right on the left."


def latent_section(files: RunFiles) -> Section:
    """Return the section about the latent space."""
    blocks = [*latent_maps(files), *_activity(files), *_likelihood(files)]
    blocks += [*_traversals(files), *_neighbours(files)]
    if not blocks:
        reason = files.missing.get(
            "pictures/data.npz", "No pictures of the latent space are stored"
        )
        blocks = [Words(text=f"{reason}.", tone="note")]
    return Section(
        anchor="latent",
        title="The latent space",
        lead="What the learned numbers arrange, carry and show.",
        blocks=tuple(blocks),
    )


def _activity(files: RunFiles) -> list[Block]:
    """Return how much each latent carries, as bars and as records of the whole code."""
    blocks: list[Block] = []
    for key, axis in (("latent_kl", "KL (nats)"), ("latent_variance", "variance over cases")):
        values = files.pictures.get(key)
        if values is not None and values.ndim == 1 and len(values) and not blocks:
            blocks.append(Gallery(pictures=(_bars(np.asarray(values, dtype=float), axis),)))
    collapse = chosen(files.results, "collapse")
    if collapse:
        blocks.append(_code(collapse, intervals=files.demonstration is None))
        if "codes" in collapse[0].settings:
            blocks.append(Words(text=f"{collapse[0].settings['codes']}.", tone="note"))
    return [Heading(text="How many latents are in use"), *blocks] if blocks else []


def _likelihood(files: RunFiles) -> list[Block]:
    """Return how likely held-out cases are, where 'evaluate --nll' measured it."""
    found = chosen(files.results, "likelihood")
    if not found:
        return []
    words = (
        "By importance sampling from the posterior. Few effective draws beside the draws made: the "
        "true likelihood may be better than said."
    )
    table = _code(found, intervals=files.demonstration is None)
    return [Heading(text="How likely held-out cases are"), Words(text=words, tone="note"), table]


def _bars(values: DoubleArray, axis: str) -> Picture:
    numbers = np.nan_to_num(values)
    used = int((numbers > ACTIVE).sum())
    relative = axis.startswith("variance") and abs(numbers.mean() - 1) < 1e-3
    axis = "variance (mean = 1)" if relative else axis
    told = f"are in use ({axis}, above {ACTIVE:g})"
    if axis.startswith("KL"):
        told = f"have a KL above {ACTIVE:g} nats on test cases"
    words = f"{used} of {len(numbers)} latents {told}."
    image = svg(latent_activity(numbers, axis=axis, threshold=ACTIVE))
    return Picture(name="latent_activity", image=image, alternative=words, caption=words)


def _code(results: Sequence[Result], *, intervals: bool) -> Table:
    columns: tuple[str, ...] = ("features", "of the code", "value")
    rows: list[tuple[str, ...]] = []
    for result in results:
        row = (feature_name(result.features), metric_name(result.metric), number(result.value))
        span = (interval(result.low, result.high, result.metric),) if intervals else ()
        rows.append((*row, *span, scored_on(result)))
    columns += ("95 % interval", "how") if intervals else ("how",)
    numeric = frozenset({2, 3} if intervals else {2})
    return Table(columns=columns, rows=tuple(rows), numeric=numeric)


def _traversals(files: RunFiles) -> list[Block]:
    images, values = files.pictures.get("traversal"), files.pictures.get("traversal_values")
    if images is None or values is None or "spacing" not in files.pictures:
        return []
    spacing = spacing_of(files, 0)
    if len(spacing) not in (1, 2, 3) or images.ndim != len(spacing) + 2 or not len(images):
        return []
    names = of_cases.strings(files.pictures.get("traversal_names"))
    names = names or [f"latent {index}" for index in range(len(images))]
    rows = tuple(
        TraversalRow(name=name, images=np.asarray(row, dtype=np.float32))
        for name, row in list(zip(names, images, strict=False))[:_TRAVERSED]
    )
    along = np.asarray(values, dtype=float)
    positions = tuple((along[0] if along.ndim == 2 else along).tolist())
    image, where = _decoded(files, rows, positions)
    picture = Picture(
        name="traversals",
        image=image,
        alternative=f"Decoded along {len(rows)} latents, from low to high.",
        caption="Each row changes one latent by the standard deviations above it and holds the "
        f"others at their mean{where}; right: high minus low.",
    )
    return [Heading(text="What the most active latents look like"), Gallery(pictures=(picture,))]


def _decoded(
    files: RunFiles, rows: tuple[TraversalRow, ...], positions: tuple[float, ...]
) -> tuple[Encoded, str]:
    """Return the figure of signals or images, and where images were cut."""
    spacing = spacing_of(files, 0)
    stored = of_cases.strings(files.pictures.get("traversal_unit"))
    unit = stored[0] if stored else "normalised units"  # of the network's output
    if len(spacing) == 1:
        time = length_unit(files)
        figure = moved_traces(rows, positions, spacing=spacing[0], time_unit=time, unit=unit)
        return svg(figure), ""
    figure = traversals(
        rows,
        positions,
        spacing=spacing,
        unit=unit,
        anatomical=anatomical(files),
        flat=flat_axis(files),
    )
    return png(figure, 130), ", in the plane where most changes" * (len(spacing) == 3)


def _neighbours(files: RunFiles) -> list[Block]:
    data = files.pictures
    if any(key not in data for key in ("thumbnails", "neighbour_query", "neighbour_index")):
        return []
    thumbnails = data["thumbnails"]
    names = of_cases.strings(data.get("thumbnail_case", data.get("map_case")))
    if len(names) != len(thumbnails) or thumbnails.ndim not in (2, 3):
        return []
    rows = []
    for query, near in zip(data["neighbour_query"], data["neighbour_index"], strict=False):
        indices = [int(query), *(int(index) for index in near[:_NEIGHBOURS])]
        rows.append(tuple(_neighbour(files, index) for index in indices if index < len(names)))
    if not rows:
        return []
    hung = thumbnails.ndim == 3 and "spacing" in data and len(spacing_of(files, 0)) == 3
    picture = Picture(
        name="neighbours",
        image=png(neighbour_rows(tuple(rows[:_QUERIES])), 130),
        alternative=f"{len(rows)} cases, each with the cases whose codes lie nearest.",
        caption="Framed: a case; to its right the cases with the nearest codes. They should look "
        f"alike to a reader, and not merely come from the same site.{_HUNG * hung}",
    )
    return [Heading(text="Nearest neighbours"), Gallery(pictures=(picture,))]


def _neighbour(files: RunFiles, index: int) -> Neighbour:
    data = files.pictures
    name = of_cases.strings(data.get("thumbnail_case", data.get("map_case")))[index]
    columns = [*of_cases.targets_of(files)[:1], "site"]
    values = [of_cases.values_of(files, column, [name])[0] for column in columns]
    words = [
        f"{target_name(column)} {of_cases.word(value)}"
        if column != "site"
        else of_cases.word(value)
        for column, value in zip(columns, values, strict=True)
        if value is not None
    ]
    image = data["thumbnails"][index]
    return Neighbour(image=image[finite_box(image)], case=name, lines=tuple(words))
