"""Confounding: whether a label hangs on the site, the size, the age or the sex.

In: a label, the parts of a probe, what is known of each case besides its picture, and a set of
learned features. Out: records of how well each of these alone, and all together, tell the label on
held-out patients; what the learned features add to all together; and how much of the label the site
explains among patients (its prevalence by site).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentomics.core import DoubleArray, IntArray, Result, stream
from latentomics.evaluation.linear import Block
from latentomics.evaluation.patients import patients_of
from latentomics.evaluation.probe import DRAWS, probe
from latentomics.evaluation.scoring import LabelLike, Part, truth_of
from latentomics.evaluation.site_variance import explained_shares, permuted_shares

TOGETHER = "known"  # all that is known besides the picture
PERMUTATIONS = 999
LEAST_KNOWN = 0.5  # share of cases of which a confounder must be known


def confounding(
    label: LabelLike,
    parts: Sequence[Part],
    known: Mapping[str, DoubleArray],
    patients: IntArray,
    *,
    learned: str = "latent",
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Result]:
    """Tell a label from what is known besides the picture, and see what the features add.

    Parameters
    ----------
    parts : sequence of Part
        Whose blocks hold the learned features under ``learned``.
    known : mapping of str to DoubleArray of shape (n, columns)
        site, size, age, sex: what there is; NaN where it is unknown.

    Returns
    -------
    list of Result
        Metrics of a probe for each, for ``known`` (all together) and ``latent+known``, and the
        paired differences ``auroc_minus_known`` and ``auroc_minus_<one>`` of the latter.
    """
    usable = {
        name: block
        for name, block in known.items()
        if np.isfinite(block).all(axis=1).mean() >= LEAST_KNOWN
    }
    if not usable:
        return []
    both = f"{learned}+{TOGETHER}"
    filled = [replace(part, blocks=_blocks(part, usable, learned)) for part in parts]
    found = probe(
        label,
        filled,
        patients,
        seed=seed,
        draws=draws,
        evaluation="confounding",
        comparisons={both: tuple(name for name in filled[0].blocks if name not in (both, learned))},
    )
    left_out = sorted(set(known) - set(usable))
    return [replace(one, settings={**one.settings, "left_out": left_out}) for one in found]


def label_by_site(
    label: LabelLike,
    sites: Sequence[str | None],
    patients: IntArray,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> list[Result]:
    """Report how much of a label the site explains, whatever the pictures show.

    Returns
    -------
    list of Result
        Metric ``variance_share``, adjusted so that chance gives 0, with the p of a permutation of
        the patients' sites and the mean of the label (for classes: of each class) at every site.
        Empty with fewer than two sites of 10 labelled patients.
    """
    truth = truth_of(label)
    rows = np.flatnonzero(truth.known)
    columns = truth.columns[rows].astype(np.float64)
    found = patients_of(columns, [sites[int(row)] for row in rows], patients[rows])
    if found is None:
        return []
    generator = stream(seed, "label by site")
    share = float(explained_shares(found.features, found.site).mean())
    null = permuted_shares(found.features, found.site, permutations, generator)
    p = float((1 + (null >= share - 1e-12).sum()) / (permutations + 1))
    means = {
        name: [round(float(v), 4) for v in found.features[found.site == number].mean(axis=0)]
        for number, name in enumerate(found.names)
    }
    settings = {
        "scored": "all labelled patients",
        "p": p,
        "permutations": permutations,
        "of": list(truth.classes) or [label.name],
        "mean_by_site": means,
        "patients": found.counts.tolist(),
    }
    return [
        Result(evaluation="confounding", features="site", target=label.name,
               metric="variance_share", value=share, low=None, high=None,
               n=len(found.site), settings=settings)
    ]  # fmt: skip


def _blocks(part: Part, known: Mapping[str, DoubleArray], learned: str) -> dict[str, list[Block]]:
    """Return each confounder, all together, and the learned features with all of them."""
    blocks: dict[str, list[Block]] = {
        name: [_filled(block, part.train)] for name, block in known.items()
    }
    together = [block for one in blocks.values() for block in one]
    if len(blocks) > 1:
        blocks[TOGETHER] = together
    blocks[learned] = list(part.blocks[learned])
    blocks[f"{learned}+{TOGETHER}"] = [*part.blocks[learned], *together]
    return blocks


def _filled(block: DoubleArray, train: IntArray) -> DoubleArray:
    """Return columns without gaps: the training mean stands in, and a column says where."""
    missing = ~np.isfinite(block)
    mean = np.nanmean(np.where(missing, np.nan, block)[train], axis=0)
    full = np.where(missing, np.nan_to_num(mean), block)
    gaps = missing.any(axis=1, keepdims=True)
    return np.concatenate([full, gaps.astype(np.float64)], axis=1) if gaps.any() else full
