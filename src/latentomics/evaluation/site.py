"""Site: whether the features tell where a picture was taken.

In: the parts of a probe and the site of each row. Out: records of the AUROC with which a linear
model recognises held-out patients' sites (one against the rest, averaged), chance being one half,
with the p of a permutation of the patients' sites, for which the model is fitted again each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from latentomics.core import BoolArray, DoubleArray, IntArray, Result, stream
from latentomics.evaluation.linear import COMPONENTS, design
from latentomics.evaluation.mmd import FEWEST_PATIENTS
from latentomics.evaluation.probe import probe
from latentomics.evaluation.ranks import divide
from latentomics.evaluation.scoring import Part, scored_rows, truth_of
from latentomics.evaluation.statistics import some_of

PERMUTATIONS = 199
SHRINKAGES = (0.01, 0.1, 1.0)  # ridge of the permutation test, as a share of the total variance


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLabel:
    """The site as a label; the target is called site."""

    values: tuple[str | None, ...]
    name: str = "site"
    kind: str = "classes"
    positive: str | None = None


def site_label(sites: Sequence[str | None], patients: IntArray) -> SiteLabel | None:
    """Return sites with at least 10 patients as a label, None where fewer than two are left."""
    who: dict[str, set[int]] = {}
    for site, patient in zip(sites, patients.tolist(), strict=True):
        if site is not None:
            who.setdefault(site, set()).add(patient)
    large = {site for site, seen in who.items() if len(seen) >= FEWEST_PATIENTS}
    if len(large) < 2:
        return None
    return SiteLabel(values=tuple(site if site in large else None for site in sites))


def site_columns(sites: Sequence[str | None]) -> DoubleArray:
    """Return sites as a block of indicator columns (n, sites), to probe a label from site alone."""
    names = sorted({site for site in sites if site is not None})
    return np.array([[float(site == name) for name in names] for site in sites])


def site_predictability(
    parts: Sequence[Part],
    sites: Sequence[str | None],
    patients: IntArray,
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> list[Result]:
    """Recognise the site of held-out patients from each set of features.

    Returns
    -------
    list of Result
        Evaluation ``site``, metrics as a probe of classes; ``settings`` of the AUROC hold chance
        and, where ``permutations`` is not 0, p. Empty with fewer than two sites of 10 patients.
    """
    label = site_label(sites, patients)
    if label is None:
        return []
    found = probe(label, parts, patients, seed=seed, evaluation="site", comparisons={})
    results = []
    for result in found:
        if result.metric == "auroc":
            extra: dict[str, object] = {"chance": 0.5}
            if permutations:
                p = _permutation_p(label, result.features, parts, patients, permutations, seed)
                extra |= {"p": p, "permutations": permutations}
            result = replace(result, settings={**result.settings, **extra})
        results.append(result)
    return results


def _permutation_p(
    label: SiteLabel,
    name: str,
    parts: Sequence[Part],
    patients: IntArray,
    permutations: int,
    seed: int,
) -> float:
    """Return the p of the best AUROC over a few ridges, its null by refitting on permuted sites.

    A permutation that leaves one site alone among few scored rows has no AUROC and does not count.
    """
    truth = truth_of(label)
    ridges = []
    for part in parts:
        train, test = (r[truth.known[r]] for r in (part.train, part.test))
        blocks = next(b for key, b in part.blocks.items() if key.split("/")[0] == name)
        features = design(blocks, part.train, COMPONENTS)
        ridges.append(_Ridges.of(features, train, test))
    rows = scored_rows(truth, parts)
    orders = _orders(patients, truth.known, permutations, seed)
    numbers = len(SHRINKAGES) * truth.columns.size  # of a permutation
    areas = []
    for some in some_of(1 + permutations, numbers):
        dealt = truth.columns[np.stack([*islice(orders, some.stop - some.start)])]
        scores = [ridge.scores(dealt) for ridge in ridges]
        areas.append(_areas(np.concatenate(scores, axis=2), dealt[:, rows]))
    best = np.concatenate(areas, axis=1).max(axis=0)
    null = best[1:][np.isfinite(best[1:])]
    return float((1 + (null >= best[0] - 1e-12).sum()) / (1 + len(null)))


def _orders(
    patients: IntArray, known: BoolArray, permutations: int, seed: int
) -> Iterator[IntArray]:
    """Give rows whose site each row takes, first their own: whole patients swap their sites."""
    rows = np.flatnonzero(known)
    _, first, place = np.unique(patients[rows], return_index=True, return_inverse=True)
    generator = stream(seed, "site permutations")
    own = np.arange(len(known))
    yield own
    for _ in range(permutations):
        order = own.copy()
        order[rows] = rows[first][generator.permutation(len(first))][place]
        yield order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ridges:
    """Ridge regressions on the training rows of a part, whatever they are to predict."""

    train: IntArray
    left: DoubleArray  # (training rows, k)
    out: DoubleArray  # (ridges, scored rows, k)

    @classmethod
    def of(cls, features: DoubleArray, train: IntArray, test: IntArray) -> _Ridges:
        x = features[train]
        mean = x.mean(axis=0)
        left, sizes, right = np.linalg.svd(x - mean, full_matrices=False)
        ridges = np.array(SHRINKAGES) * (sizes**2).sum()
        gain = sizes / (sizes**2 + ridges[:, None])  # (ridges, k)
        return cls(train=train, left=left, out=gain[:, None] * ((features[test] - mean) @ right.T))

    def scores(self, dealt: BoolArray) -> DoubleArray:
        """Return scores (ridges, permutations, scored rows, sites) of sites (p, n, sites)."""
        seen = dealt[:, self.train].astype(np.float64)
        seen -= seen.mean(axis=1, keepdims=True)
        projected = np.tensordot(seen, self.left, axes=(1, 0))  # (p, sites, k)
        return np.stack([projected @ one.T for one in self.out]).swapaxes(2, 3)


def _areas(scores: DoubleArray, truth: BoolArray) -> DoubleArray:
    """Macro AUROC (ridges, permutations) of scores (ridges, permutations, n, sites)."""
    ranks = _ranks(scores)
    positive = truth.sum(axis=1)  # (permutations, sites)
    negative = truth.shape[1] - positive
    above = np.einsum("rpns,pns->rps", ranks, truth) - positive * (positive + 1) / 2
    areas = divide(above, (positive * negative)[None])
    return divide(np.nansum(areas, axis=2), np.isfinite(areas).sum(axis=2))


def _ranks(scores: DoubleArray) -> DoubleArray:
    """Midranks along axis 2; an ordinary sort does where nothing is tied, as is usual."""
    from scipy.stats import rankdata

    order = scores.argsort(axis=2)
    if (np.diff(np.take_along_axis(scores, order, axis=2), axis=2) == 0).any():
        return np.asarray(rankdata(scores, axis=2))
    ranks = np.empty(scores.shape)
    places = np.arange(1.0, scores.shape[2] + 1)[:, None]
    np.put_along_axis(ranks, order, np.broadcast_to(places, scores.shape), axis=2)
    return ranks
