"""How far a map of two axes can be trusted.

In: records of the evaluation ``embedding``. Out: blocks that stand below the latent map.
"""

from __future__ import annotations

from latentomics.report.page import Block, Cell, Table
from latentomics.report.reading import RunFiles
from latentomics.report.sections.records import chosen
from latentomics.report.words import feature_name, fixed, number

COLUMNS = ("trustworthiness", "continuity", "neighbour_overlap", "lcmc")
OF = {"code": "the whole code", "images": "components of the images"}
HOW_TO_READ = (
    "Trustworthiness: are neighbours on a map neighbours in truth? Continuity: do true neighbours "
    "stay together? 1 is all, about 0.5 is chance. LCMC: shared neighbours beyond chance. Where "
    "they are low, do not read groups from the map. Computed on test cases; the map shows all."
)


def map_quality(files: RunFiles) -> list[Block]:
    """Return the table of how well maps keep neighbours; nothing where it was not looked into."""
    results = chosen(files.results, "embedding")
    rows: list[tuple[Cell, ...]] = []
    for features, of in dict.fromkeys((r.features, str(r.target)) for r in results):
        own = {r.metric: r for r in results if (r.features, r.target) == (features, of)}
        cells = [fixed(own[name].value, 2) if name in own else "–" for name in COLUMNS]
        count = number(next(iter(own.values())).n)
        rows.append((f"two components of: {feature_name(features)}", OF.get(of, of), *cells, count))
    if not rows:
        return []
    heads = ("map", "against", "trustworthiness", "continuity", "shared neighbours", "LCMC", "n")
    return [
        Table(columns=heads, rows=tuple(rows), numeric=frozenset(range(2, 7)), caption=HOW_TO_READ)
    ]
