"""How the latents hang together, and how many numbers the code really holds.

In: records of the evaluations ``structure`` and ``disentanglement``, and the matrix in
pictures/data.npz. Out: one section.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import Result
from latentomics.report.figures import alike_matrix, png
from latentomics.report.page import Block, Cell, Gallery, Picture, Section, Table, Words
from latentomics.report.reading import RunFiles
from latentomics.report.sections.known_factors import known_factor_blocks
from latentomics.report.sections.records import chosen, plus_minus
from latentomics.report.words import feature_name, fixed, number, said

HOW_TO_READ = (
    "Dark off the diagonal: two latents that rank the cases alike. Framed groups repeat each other "
    "(every pair above 0.9); one of each says what the group says."
)
MEANINGS = {
    "total_correlation_nats": "total correlation (nats): 0 where latents are independent",
    "mutual_information_nats": "mutual information of picture and code (nats)",
    "distinct_features": "latents that no other repeats, and one of each group",
    "distinct_share": "the same as a share",
    "dimension_twonn": "intrinsic dimension by two neighbours",
    "dimension_levina_bickel": "intrinsic dimension by twenty neighbours",
}
LIKE = "share_like_"


def structure_section(files: RunFiles) -> Section:
    """Return the section about the structure of the code."""
    results = chosen(files.results, "structure")
    blocks = [*_matrix(files), *([_table(results)] if results else [])]
    if not blocks:
        reason = "The structure of the code was not looked into: too few held-out pictures"
        blocks = [Words(text=f"{files.missing.get('results.json', reason)}.", tone="note")]
    blocks += known_factor_blocks(chosen(files.results, "disentanglement"))
    return Section(
        anchor="structure",
        title="How many numbers it really is",
        lead="Latents that repeat each other, or hand-made features, add columns and no knowledge.",
        blocks=tuple(blocks),
    )


def _matrix(files: RunFiles) -> list[Block]:
    alike, groups = files.pictures.get("alike"), files.pictures.get("alike_group")
    if alike is None or groups is None or alike.ndim != 2 or alike.shape != (len(groups),) * 2:
        return []
    numbers, members = np.asarray(alike, np.float64), np.asarray(groups, np.int64)
    figure = alike_matrix(
        numbers, members, axis=f"{len(members)} latents, groups together", legend="|Spearman|"
    )
    count = len(np.unique(members))
    picture = Picture(
        name="structure",
        image=png(figure, 130),
        alternative=f"Rank correlations of {len(members)} latents in {count} groups.",
        caption=f"{HOW_TO_READ} {len(members)} latents, {count} groups, on test cases.",
    )
    return [Gallery(pictures=(picture,))]


def _table(results: Sequence[Result]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        words = MEANINGS.get(result.metric)
        if words is None and result.metric.startswith(LIKE):
            words = f"share that repeats one of: {feature_name(result.metric.removeprefix(LIKE))}"
        share = "share" in result.metric
        value = fixed(result.value, 2) if share else number(result.value)
        value = f"at least {value}" if result.settings.get("at_least") else value
        how = {k: result.settings[k] for k in ("estimator", "limit") if k in result.settings}
        points = result.settings.get("points", result.n)
        of = number(result.n) if points == result.n else f"{number(points)} of {number(result.n)}"
        where = f"On {of} {said(result.settings.get('scored', 'test'))} cases{plus_minus(result)}."
        rows.append((words or result.metric, value, f"{where} {said(how)}" if how else where))
    return Table(columns=("of the code", "value", "how"), rows=tuple(rows), numeric=frozenset({1}))
