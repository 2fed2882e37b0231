"""Whether the features know the scanner: site probe and maximum mean discrepancy between sites.

In: records of the evaluations ``site``, ``mmd``, ``ks`` and ``site_variance``. Out: one section.
"""

from __future__ import annotations

from collections import Counter

from latentomics.core import Result
from latentomics.evaluation import FEWEST_PATIENTS
from latentomics.report.page import Block, Cell, Gallery, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import column_of
from latentomics.report.sections.evidence import WITHOUT_INTERVALS
from latentomics.report.sections.records import (
    chosen,
    forest_picture,
    plus_minus,
    scored_on,
)
from latentomics.report.sections.site_features import harmonisation_blocks, site_feature_blocks
from latentomics.report.words import (
    feature_name,
    interval,
    metric_name,
    number,
    p_value,
    said,
    scored,
    target_name,
)

CHANCE_OF_SITES = (
    "By chance AUROC and balanced accuracy are 0.5, and average precision is the share of the site "
    "that is looked for (of several, the mean over sites); 1 is certainty."
)
_TOLD = ("classes", "sites", "patients", "permutations")  # results.json has every setting


def shift_section(files: RunFiles) -> Section:
    """Return the section about sites."""
    intervals = files.demonstration is None
    site, distance = chosen(files.results, "site"), chosen(files.results, "mmd")
    blocks: list[Block] = [] if intervals else [Words(text=WITHOUT_INTERVALS, tone="warn")]
    if site:
        caption = f"Can the site be read from the features? {CHANCE_OF_SITES}"
        ranked = [result for result in site if result.metric == "auroc"]
        if ranked:
            picture = forest_picture(ranked, name="site", title="site", intervals=intervals)
            blocks.append(Gallery(pictures=(picture,), columns=2))
        blocks.append(_table(site, caption, intervals=intervals))
    if distance:
        caption = (
            "Distance between the codes of the sites' held-out patients (squared maximum "
            "mean discrepancy; p by exchanging patients, a pair by itself). About 0: no shift."
        )
        blocks.append(_table(distance, caption, intervals=intervals))
    blocks += [*site_feature_blocks(files), *harmonisation_blocks(files)]
    if not site and not distance:
        reason = "Sites were not compared: none are named (--site), or they have too few patients"
        blocks = [Words(text=f"{files.missing.get('results.json', reason)}.", tone="note")]
    blocks += _left_out(files)
    return Section(
        anchor="site",
        title="What the features know of the scanner",
        lead="A feature that knows the site can pass for knowledge of the disease wherever the two "
        "go together.",
        blocks=tuple(blocks),
    )


def _left_out(files: RunFiles) -> list[Block]:
    """Name the sites with too few patients to be compared, and how many cases they have."""
    sites, patients = column_of(files, "site"), column_of(files, "patient")
    cases = Counter(site for site in sites if site is not None)
    pairs = {(s, p) for s, p in zip(sites, patients, strict=False) if s is not None}
    seen = Counter(site for site, _ in pairs)
    few = [
        f"{site} ({number(seen[site])} patients, {number(cases[site])} cases)"
        for site in sorted(seen, key=str)
        if seen[site] < FEWEST_PATIENTS
    ]
    if not few:
        return []
    text = (
        f"Left out of this section: {', '.join(few)}. A site needs {FEWEST_PATIENTS} patients to "
        "be told, and as many held-out ones for distances and single features."
    )
    return [Words(text=text, tone="note")]


def _table(results: tuple[Result, ...], caption: str, *, intervals: bool) -> Table:
    columns: tuple[str, ...] = ("features", "of", "metric", "value")
    columns += ("95 % interval", "p") if intervals else ()
    rows = []
    for result in results:
        row: tuple[Cell, ...] = (
            feature_name(result.features),
            target_name(result.target),
            metric_name(result.metric),
            scored(result.value, result.metric),
        )
        if intervals:
            row += (
                interval(result.low, result.high, result.metric),
                p_value(result.settings.get("p")),
            )
        rest = {name: result.settings[name] for name in _TOLD if name in result.settings}
        chance = result.settings.get("chance")
        words = f"chance {said(chance)}; " if chance is not None else ""
        words += _drawn(result)
        rows.append((*row, f"{words}{scored_on(result)} {said(rest) if rest else ''}".strip()))
    numeric = frozenset({3, 4, 5} if intervals else {3})
    return Table(columns=(*columns, "how"), rows=tuple(rows), numeric=numeric, caption=caption)


def _drawn(result: Result) -> str:
    """Say of how many images a distance is, where not of all, and how sure that leaves it."""
    images, every = (result.settings.get(name) for name in ("images_by_site", "of_images"))
    if not isinstance(images, list) or not isinstance(every, list) or images == every:
        return ""
    of = " and ".join(f"{number(a)} of {number(b)}" for a, b in zip(images, every, strict=True))
    return f"From {of} images{plus_minus(result)}. "
