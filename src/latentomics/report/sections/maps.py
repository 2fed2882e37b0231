"""The latent space as a map, and how far a map of two axes can be trusted.

In: pictures/data.npz (map (n, 2), map_case, map_shares; map_umap and map_umap_case where they were
asked for), cohort.parquet and records of the evaluation ``embedding``. Out: blocks.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import Result
from latentomics.report.figures import Colouring, latent_map, png
from latentomics.report.page import Block, Cell, Gallery, Heading, Picture, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections import cases as of_cases
from latentomics.report.sections.records import chosen
from latentomics.report.words import fixed, number, target_name

COLUMNS = ("trustworthiness", "continuity", "neighbour_overlap", "r_nx_area")
HEADS = ("map", "against", "trustworthiness", "continuity", "shared", "R_NX", "n")
OF = {"raw": "raw images", "images": "image components", "code": "whole code"}
SPACES = {"latent": "code", "raw": "raw images", "pca": "image components"}
KINDS = {"": "two components", "tsne": "t-SNE", "umap": "UMAP", "all": "all, no map"}
HOW_TO_READ = (
    "Trustworthiness: are neighbours on a map neighbours in truth? Continuity: do true neighbours "
    "stay together? 1 is all, about 0.5 is chance. Shared: of the ten nearest. R_NX: shared beyond "
    "chance, for all numbers of neighbours, the nearest weighing most; 1 is all, 0 is chance. "
    "Where they are low, do not read groups from the map. Computed on test cases."
)
ASKED = (
    " UMAP: mean of several seeds; t-SNE: of perplexities; results.json has each. A code that "
    "leaves out noise or pose keeps fewer of the raw images' neighbours."
)
NOT_ASKED = (
    "A map by UMAP, and how it and t-SNE compare: pip install 'latentomics[embedding]', then "
    "latentomics evaluate RUN --only embedding."
)
NOT_INSTALLED = (
    "UMAP was not installed: pip install 'latentomics[embedding]', then "
    "latentomics evaluate RUN --only embedding."
)
_PANELS = 6


def latent_maps(files: RunFiles) -> list[Block]:
    """Return the map by principal components, by UMAP where there is one, and their quality."""
    principal = _principal(files)
    if principal is None:
        return []
    others = [picture for picture in (_by_umap(files),) if picture is not None]
    return [
        Heading(text="Map by label and site"),
        Gallery(pictures=(principal, *others)),
        *map_quality(files),
        *_how_to_get(files),
    ]


def _principal(files: RunFiles) -> Picture | None:
    return _picture(
        files,
        "map",
        name="latent_map",
        axes_names=_directions(files),
        told="the two directions in which the codes vary most. Where colours part by site, the "
        "features know the scanner.",
    )


def _by_umap(files: RunFiles) -> Picture | None:
    return _picture(
        files,
        "map_umap",
        name="latent_map_umap",
        axes_names=("UMAP 1", "UMAP 2"),
        told="the codes by UMAP. It keeps near neighbours; sizes of groups and distances between "
        "them mean nothing, and another seed gives another map.",
    )


def _picture(
    files: RunFiles, key: str, *, name: str, axes_names: tuple[str, str], told: str
) -> Picture | None:
    places, cases = files.pictures.get(key), of_cases.strings(files.pictures.get(f"{key}_case"))
    if places is None or places.ndim != 2 or len(cases) != len(places) or places.shape[1] < 2:
        return None
    colourings = _colourings(files, cases)
    flat = np.asarray(places, dtype=float)[:, :2]
    words = ", ".join(one.name for one in colourings if one.name.startswith("by "))
    every = len(of_cases.strings(files.pictures.get("map_case")))
    count = f"n = {number(len(cases))}" + f" of {number(every)}" * (len(cases) < every)
    return Picture(
        name=name,
        image=png(latent_map(flat, colourings, axes_names=axes_names), 130),
        alternative=f"Map of the latent codes of {len(cases)} cases"
        + f", coloured {words}" * bool(words)
        + ".",
        caption=f"One dot a case ({count}): {told}",
    )


def _directions(files: RunFiles) -> tuple[str, str]:
    """Name the map's axes, with the share of the codes' variance that each of them holds."""
    shares = files.pictures.get("map_shares")
    if shares is None or shares.shape != (2,):
        return "component 1", "component 2"
    first, second = (f"{share:.0%}" for share in shares.tolist())
    return f"component 1 ({first} of the variance)", f"component 2 ({second})"


def _colourings(files: RunFiles, names: list[str]) -> tuple[Colouring, ...]:
    found = []
    targets = of_cases.targets_of(files)[: _PANELS - 1]
    for column in (*targets, "site"):
        values = of_cases.values_of(files, column, names)
        groups = of_cases.as_groups(values)
        if len(set(groups) - {None}) < 2:
            continue
        numbers = of_cases.as_numbers(values)
        found.append(Colouring(name=f"by {target_name(column)}", numbers=numbers, groups=groups))
    return tuple(found[:_PANELS]) or (Colouring(name="all cases", groups=("case",) * len(names)),)


def map_quality(files: RunFiles) -> list[Block]:
    """Return the table of how well maps keep neighbours; nothing where it was not looked into."""
    results = _told(files)
    rows: list[tuple[Cell, ...]] = []
    for features, of in dict.fromkeys((r.features, str(r.target)) for r in results):
        own = {r.metric: r for r in results if (r.features, r.target) == (features, of)}
        cells = [fixed(own[name].value, 2) if name in own else "–" for name in COLUMNS]
        count = number(next(iter(own.values())).n)
        rows.append((_map_name(features), OF.get(of, of), *cells, count))
    if not rows:
        return []
    caption = HOW_TO_READ + ASKED * any("each" in result.settings for result in results)
    numeric = frozenset(range(2, len(HEADS)))
    return [Table(columns=HEADS, rows=tuple(rows), numeric=numeric, caption=caption)]


def _told(files: RunFiles) -> list[Result]:
    """Return records by what maps are held against; the raw images replace their components."""
    results = chosen(files.results, "embedding")
    targets = {result.target for result in results}
    shown = [of for of in OF if of in targets and not (of == "images" and "raw" in targets)]

    def place(result: Result) -> tuple[int, int, int]:
        space, kind = _parts(result.features)
        return shown.index(str(result.target)), [*SPACES].index(space), [*KINDS].index(kind)

    known = [r for r in results if r.target in shown and _parts(r.features)[0] in SPACES]
    return sorted(known, key=place)


def _parts(features: str) -> tuple[str, str]:
    """Return whose map it is and of what kind.

    Examples
    --------
    >>> _parts("latent"), _parts("raw_umap")
    (('latent', ''), ('raw', 'umap'))
    """
    space, _, kind = features.rpartition("_")
    return (space, kind) if kind in KINDS and space else (features, "")


def _map_name(features: str) -> str:
    """Return what a map is, in words.

    Examples
    --------
    >>> _map_name("latent"), _map_name("raw_umap")
    ('code: two components', 'raw images: UMAP')
    """
    space, kind = _parts(features)
    return f"{SPACES[space]}: {KINDS[kind]}"


def _how_to_get(files: RunFiles) -> list[Block]:
    """Say how a map by UMAP comes about, where it is missing."""
    if "map_umap" in files.pictures:
        return []
    asked = any(one.features.endswith("_tsne") for one in chosen(files.results, "embedding"))
    return [Words(text=NOT_INSTALLED if asked else NOT_ASKED, tone="note")]
