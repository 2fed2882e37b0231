"""Whether one latent stands for one factor, where the factors are known.

In: records of the evaluation ``disentanglement``. Out: blocks of the section on the structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentomics.core import Result
from latentomics.report.figures import factor_matrix, png
from latentomics.report.figures.factors import MOST
from latentomics.report.page import Block, Cell, Gallery, Heading, Mark, Picture, Table, Words
from latentomics.report.words import feature_name, number, said

HOW_TO_READ = (
    "One dark cell in a column and in its row: that latent stands for that factor and for no "
    "other; the scores below count only beyond what random rotations of the same code reach, for "
    "a rotation knows as much and mixes everything (definitions: docs/evaluations.md, "
    "“disentanglement”)."
)
MEANINGS = {
    "mig": "MIG: the gap between the two latents that hold most of a factor, in mutual information",
    "sap": "SAP: the same gap in squared correlation, of words in accuracy",
    "factorvae_score": "FactorVAE score: a factor that is held still is told from the stillest "
    "latent",
    "disentanglement": "DCI disentanglement: each latent serves one factor",
    "completeness": "DCI completeness: each factor is read from one latent",
    "informativeness": "DCI informativeness: how well the factors are told at all (R² out of fold)",
}


def known_factor_blocks(results: Sequence[Result]) -> list[Block]:
    """Return the matrix of latents and factors and the scores, where there are some."""
    if not results:
        return []
    first = results[0]
    named = said(first.settings.get("factors"))
    where = f"{number(first.settings.get('cases'))} {said(first.settings.get('scored'))} cases"
    return [
        Heading(text="Where the factors are known"),
        Words(text=HOW_TO_READ),
        *_matrix(results),
        _scores(results, f"Factors: {named}. On {where}, seed {first.settings.get('seed')}."),
    ]


def _matrix(results: Sequence[Result]) -> list[Block]:
    record = next((r for r in results if (r.features, r.metric) == ("latent", "mig")), None)
    listed = None if record is None else record.settings.get("by_latent")
    if record is None or not isinstance(listed, Mapping):
        return []
    factors = [str(name) for name in _list(record.settings.get("factors"))]
    names, values = _list(listed.get("names")), _list(listed.get("values"))
    shares = np.array(values, np.float64)
    if not names or shares.shape != (len(names), len(factors)):
        return []
    shuffled = record.settings.get("shuffled")
    chance = float(shuffled) if isinstance(shuffled, (int, float)) else 0.0
    figure = factor_matrix(
        shares,
        [str(name) for name in names],
        factors,
        chance=chance,
        legend="share of the factor's entropy",
    )
    best = [
        f"{factor} most in {names[int(shares[:, column].argmax())]} "
        f"({number(float(shares[:, column].max()), 2)})"
        for column, factor in enumerate(factors)
    ]
    cut = f", the {MOST} that hold most" if len(names) > MOST else ""
    picture = Picture(
        name="known_factors",
        image=png(figure, 130),
        alternative=f"Mutual information of latents and factors: {'; '.join(best)}.",
        caption=f"Mutual information of {len(names)} latents in use{cut} and {len(factors)} known "
        f"factors, as a share of each factor's entropy, in {record.settings.get('bins')} bins. "
        f"White: {number(chance, 2)}, what shuffled cases seem to share; few cases raise it.",
    )
    return [Gallery(pictures=(picture,))]


def _scores(results: Sequence[Result], caption: str) -> Table:
    others = [name for name in dict.fromkeys(r.features for r in results) if name != "latent"]
    found = {(r.features, r.metric): r for r in results}
    rows: list[tuple[Cell, ...]] = []
    for metric, meaning in MEANINGS.items():
        own = found.get(("latent", metric))
        if own is None:
            continue
        limit = own.settings.get("rotated_95")
        beside = [found.get((name, metric)) for name in others]
        rows.append(
            (
                meaning,
                number(own.value),
                number(limit),
                _beyond(own),
                *(number(None if one is None else one.value) for one in beside),
            )
        )
    columns = ("score", "latent", "95 % of its rotations", "its own axes",
               *map(feature_name, others))  # fmt: skip
    numeric = frozenset({1, 2, *range(4, len(columns))})
    return Table(columns=columns, rows=tuple(rows), numeric=numeric, caption=caption)


def _beyond(result: Result) -> Cell:
    beyond = result.settings.get("beyond_rotations")
    if beyond is None:
        return ""
    return Mark(status="ok", text="say more") if beyond else Mark(status="none", text="say nothing")


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []
