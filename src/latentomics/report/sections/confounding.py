"""Whether a label hangs on the site, the size, the age or the sex.

In: records of the evaluation ``confounding``. Out: one section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentomics.core import Result
from latentomics.report.page import Block, Cell, Gallery, Heading, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.evidence import WITHOUT_INTERVALS, main_metric
from latentomics.report.sections.records import (
    chosen,
    difference_table,
    distinct,
    forest_picture,
    is_difference,
)
from latentomics.report.words import fixed, number, p_value, target_name

HOW_TO_READ = (
    "Grey rows need no picture: where one of them stands right of chance, the label can be told "
    "from it, and only what the learned features add beyond all that is known speaks for them."
)


ALONE = ("site", "size", "age", "sex")
MEANT = "“All that is known” is {} together (size: the volume of the mask)."
LEFT_OUT = "Left out, being known of fewer than half of the cases: {}."


def _meant(results: Sequence[Result]) -> str:
    """Say of which columns all that is known consists, and which were left out."""
    probed = {r.features for r in results}
    known = [name for name in ALONE if name in probed]
    listed = [r.settings.get("left_out") for r in results]
    left = sorted({str(n) for names in listed if isinstance(names, (list, tuple)) for n in names})
    words = [MEANT.format(" and ".join(known))] if known else []
    words += [LEFT_OUT.format(", ".join(left))] if left else []
    return " ".join(words)


def confounding_section(files: RunFiles) -> Section:
    """Return the section with a forest plot a label, what the features add, and prevalences."""
    intervals = files.demonstration is None
    results = chosen(files.results, "confounding")
    spread = [r for r in results if r.metric == "variance_share"]
    probed = [r for r in results if r.metric != "variance_share"]
    blocks: list[Block] = [] if intervals else [Words(text=WITHOUT_INTERVALS, tone="warn")]
    blocks += _probes(probed, intervals=intervals) if probed else []
    blocks += _prevalences(spread, intervals=intervals) if spread else []
    if not results:
        reason = "No label was given, or nothing is known of the cases besides their pictures"
        blocks = [Words(text=f"{files.missing.get('results.json', reason)}.", tone="note")]
    return Section(
        anchor="confounding",
        title="What tells the label without a look",
        lead="A label that hangs on the site or on plain size can be predicted by features that "
        "know no disease.",
        blocks=tuple(blocks),
    )


def _probes(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    pictures = []
    for index, target in enumerate(distinct(r.target for r in results)):
        own = [r for r in results if r.target == target]
        metric = main_metric(own)
        plotted = [r for r in own if r.metric == metric]
        name = f"confounding_{index + 1:02d}"
        pictures.append(
            forest_picture(plotted, name=name, title=target_name(target), intervals=intervals)
        )
    how = f"{HOW_TO_READ} {_meant(results)}".strip()
    blocks: list[Block] = [Words(text=how), Gallery(pictures=tuple(pictures), columns=2)]
    differences = [r for r in results if is_difference(r)]
    if differences:
        caption = "What the learned features add, on the same patients."
        blocks += [
            Heading(text="Beyond what is known"),
            difference_table(differences, intervals=intervals, caption=caption),
        ]
    return blocks


def _means(values: object) -> str:
    """Return means, shares with two decimals: a site has few patients."""
    each = values if isinstance(values, (list, tuple)) else [values]
    return ", ".join(_mean(v) for v in each)


def _mean(value: object) -> str:
    share = isinstance(value, (int, float)) and 0 <= value <= 1
    return fixed(float(str(value)), 2) if share else number(value)


def _prevalences(results: Sequence[Result], *, intervals: bool) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        means = result.settings.get("mean_by_site")
        listed = means if isinstance(means, Mapping) else {}
        words = "; ".join(f"{site} {_means(value)}" for site, value in listed.items())
        row: tuple[Cell, ...] = (target_name(result.target), words, fixed(result.value, 2))
        row += (p_value(result.settings.get("p")),) if intervals else ()
        rows.append((*row, number(result.n)))
    columns: tuple[str, ...] = ("label", "mean at each site", "share explained by site")
    columns += ("p",) if intervals else ()
    table = Table(
        columns=(*columns, "patients"),
        rows=tuple(rows),
        numeric=frozenset(range(2, len(columns) + 1)),
        caption="How often the label occurs (for a quantity: its mean) among each site's patients; "
        "p by exchanging patients between sites.",
    )
    return [Heading(text="Between sites"), table]
