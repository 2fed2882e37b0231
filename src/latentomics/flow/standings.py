"""Where methods stand beside each other over seeds: the order, the lead, and what needs no label.

In: figures of one run a method and seed, and which patients each run held out. Out: the order by
patients that are not held out, how far the first leads on test patients, the order that measures
without labels give, and sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray
from latentomics.evaluation import Apart, leads, mean_ranks, rank_correlation
from latentomics.flow.comparing import Ended
from latentomics.report import MethodFigure

LABELLED, DEVELOPMENT, TEST = "probe", "training and validation", "test"
WITHOUT_LABELS: Mapping[str, tuple[str, str | None, str, float]] = {
    # evaluation: metric, target, part, sign
    "reconstruction": ("mse_ratio_to_mean", None, "val", -1.0),
    "stability": ("icc_median", "chained", TEST, 1.0),
    "site": ("auroc", "site", TEST, -1.0),
    "udr": ("udr", None, TEST, 1.0),
}
CHANCE = 0.5  # an AUROC of the site below is as good


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One method: means over seeds, its ranks, and how far the winner leads it on test patients.

    ``chosen_by`` is what the choice rests on: the mean over labels of AUROC or R2 among training
    and validation patients, or, without labels, minus the error over that of the mean image.
    """

    method: str
    chosen_by: float
    test: float
    test_sd: float | None
    without_labels: Mapping[str, float]
    rank_without_labels: float
    behind: Apart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Methods in their order, the winner first, and what that means.

    ``agreement`` is the rank correlation of the order without labels and that of test scores.
    """

    labels: tuple[str, ...]
    standings: tuple[Standing, ...]
    agreement: float | None
    sentences: tuple[str, ...]


def ranking_of(
    figures: Sequence[MethodFigure],
    methods: Sequence[str],
    seeds: Sequence[int],
    ended: Mapping[tuple[str, int], Ended],
) -> Ranking:
    """Order methods by labels where every run could be probed, else by reconstruction."""
    tables = {
        key: table
        for key in dict.fromkeys((one.evaluation, one.target, one.part) for one in figures)
        if (table := _table(figures, key, methods, seeds)) is not None
    }
    labels = tuple(
        str(target)
        for evaluation, target, part in tables
        if (evaluation, part) == (LABELLED, DEVELOPMENT) and (LABELLED, target, TEST) in tables
    )
    free = {
        name: sign * (np.maximum(table, CHANCE) if name == "site" else table).mean(axis=1)
        for name, (_, target, part, sign) in WITHOUT_LABELS.items()
        if (table := tables.get((name, target, part))) is not None
    }
    if labels:
        chosen_by = np.mean([tables[LABELLED, one, DEVELOPMENT] for one in labels], axis=0)
        test = np.mean([tables[LABELLED, one, TEST] for one in labels], axis=0)
    else:
        chosen_by = -tables["reconstruction", None, "val"]
        test = -tables["reconstruction", None, TEST]
    standings = _standings(methods, chosen_by, test, free, _ratio(ended, seeds))
    agreement = None
    if labels:
        agreement = rank_correlation(-mean_ranks(list(free.values())), test.mean(axis=1))
    return Ranking(
        labels=labels,
        standings=standings,
        agreement=agreement,
        sentences=tuple(_sentences(standings, len(seeds), labels, agreement)),
    )


def _table(
    figures: Sequence[MethodFigure],
    key: tuple[str, str | None, str],
    methods: Sequence[str],
    seeds: Sequence[int],
) -> DoubleArray | None:
    """Return one figure of every run, (methods, seeds); None where a run has none."""
    own = {
        (one.method, one.seed): one.value
        for one in figures
        if (one.evaluation, one.target, one.part) == key
    }
    if len(own) < len(methods) * len(seeds):
        return None
    table = np.array([[own[method, seed] for seed in seeds] for method in methods])
    return table if np.isfinite(table).all() else None


def _ratio(ended: Mapping[tuple[str, int], Ended], seeds: Sequence[int]) -> float:
    """Return test patients over the others; 0 where every seed has the same split."""
    by_seed = {seed: run for (_, seed), run in ended.items()}
    first = by_seed[seeds[0]]
    if all(by_seed[seed].split == first.split for seed in seeds):
        return 0.0
    sides = dict(zip(first.patients, (first.split[case] for case in first.cases), strict=True))
    held_out = sum(side == TEST for side in sides.values())
    return held_out / max(1, len(sides) - held_out)


def _standings(
    methods: Sequence[str],
    chosen_by: DoubleArray,
    test: DoubleArray,
    free: Mapping[str, DoubleArray],
    ratio: float,
) -> tuple[Standing, ...]:
    order = np.argsort(-chosen_by.mean(axis=1), kind="stable")
    ranks = mean_ranks(list(free.values()))
    seeds = test.shape[1]
    behind: Sequence[Apart | None] = [None] * len(methods)
    if seeds > 1:
        behind = [None, *leads(test[order[0]], test[order[1:]], ratio)]
    return tuple(
        Standing(
            method=methods[row],
            chosen_by=float(chosen_by[row].mean()),
            test=float(test[row].mean()),
            test_sd=float(test[row].std(ddof=1)) if seeds > 1 else None,
            without_labels={
                name: float(WITHOUT_LABELS[name][3] * values[row]) for name, values in free.items()
            },
            rank_without_labels=float(ranks[row]),
            behind=apart,
        )
        for row, apart in zip(order, behind, strict=True)
    )


def _sentences(
    standings: Sequence[Standing], seeds: int, labels: Sequence[str], agreement: float | None
) -> list[str]:
    first, second = standings[:2]
    by = f"the score of {', '.join(labels)}" if labels else "the error of reconstruction"
    said = [f"{first.method} leads by {by} among training and validation patients."]
    if second.behind is None:
        said.append("One seed does not tell how much of that is chance: ask for --seeds 3.")
    else:
        lead = second.behind
        clear = lead.clear and lead.mean > 0
        verdict = "more than seeds give" if clear else "no more than seeds give"
        said.append(
            f"On test patients it is ahead of the next, {second.method}, by {lead.mean:+.3f} "
            f"({lead.low:+.3f} to {lead.high:+.3f}, {seeds} seeds): {verdict}."
        )
    best = min(standings, key=lambda one: one.rank_without_labels)
    measures = ", ".join(first.without_labels)
    words = f"Without labels ({measures}) {best.method} would come first"
    if agreement is not None:
        words += f"; rank correlation with the scores of test patients {agreement:.2f}"
        words += f", of {len(standings)} methods"
    said.append(f"{words}.")
    return said
