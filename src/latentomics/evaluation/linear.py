"""Linear models on blocks of features: how evaluations ask what a table of features knows.

In: blocks of columns (n, d), labels or values (n,), and the patient of each row. Out: a score for
every row. A block (all latents, say, or the logarithm of size) is centred and gets one scale, so
that its strong directions stay strong: whitening each column would blow up the noise of the weak
ones. A wide block is first reduced to its strongest principal components. Everything is fitted on
the rows named as training rows; the L2 penalty is chosen there by patient-grouped folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray, IntArray, RequestError, stream
from latentomics.evaluation.logistic import logistic

STRENGTHS = tuple(float(c) for c in np.logspace(-4, 4, 9))  # METHODS, section 22
INNER_FOLDS = 5
COMPONENTS = 64
DECIMALS = 12  # of log odds
Block = npt.NDArray[np.floating]  # (n, d), in the precision that it was given in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockScale:
    """Centre, axes and the one scale of a block: (d,), (d, k) or none, and a number."""

    mean: DoubleArray
    axes: DoubleArray | None
    scale: float

    def apply(self, block: Block) -> DoubleArray:
        """Return the block (n, d) as (n, k): centred, reduced, divided by its scale."""
        centred = block - self.mean  # in float64
        reduced: DoubleArray = centred if self.axes is None else centred @ self.axes
        reduced /= self.scale
        return reduced


def fit_block(block: Block, components: int = COMPONENTS) -> BlockScale:
    """Fit the centre, the strongest components where it is wider, and one scale of a block.

    The scale is the root of the mean variance of the kept columns; a constant block gets 1.

    Parameters
    ----------
    block : array of shape (n, d)
        Training rows only.
    components : int
        Widest that a block may stay.

    Raises
    ------
    RequestError
        When a feature is not finite.
    """
    values = np.asarray(block, np.float64)
    if not np.isfinite(values).all():
        raise RequestError(
            "a feature is not finite",
            f"column {int(np.flatnonzero(~np.isfinite(values).all(axis=0))[0])} of a block",
            "leave out the case or the column",
        )
    mean = values.mean(axis=0)
    values = values - mean
    axes = _axes(values, components) if values.shape[1] > components else None
    kept = values if axes is None else values @ axes
    scale = float(np.sqrt((kept**2).mean()))
    return BlockScale(mean=mean, axes=axes, scale=scale if scale > 1e-12 else 1.0)


def design(blocks: Sequence[Block], train: IntArray, components: int = COMPONENTS) -> DoubleArray:
    """Return all rows (n, columns) of the blocks, scaled by what their training rows say."""
    scaled = [fit_block(block[train], components).apply(block) for block in blocks]
    return np.concatenate(scaled, axis=1)


def grouped_folds(patients: IntArray, strata: IntArray, folds: int, seed: int) -> IntArray:
    """Deal patients to folds, each stratum evenly; return the fold of every row, (n,).

    A patient's stratum is the largest of its rows (for a binary label: has a positive row).
    """
    who, place = np.unique(patients, return_inverse=True)
    highest = np.full(len(who), -1, dtype=np.int64)
    np.maximum.at(highest, place, strata)
    shuffled = stream(seed, "inner folds").permutation(len(who))
    dealt = shuffled[np.argsort(highest[shuffled], kind="stable")]
    fold = np.empty(len(who), dtype=np.int64)
    fold[dealt] = np.arange(len(who)) % folds
    return fold[place]


def logistic_scores(
    rows: DoubleArray,
    truth: BoolArray,
    trains: Sequence[IntArray],
    patients: IntArray,
    seed: int,
) -> tuple[DoubleArray, tuple[float, ...]]:
    """Score all rows by logistic regressions on training rows; C by inner grouped folds.

    Parameters
    ----------
    trains : sequence of IntArray
        Training rows, one regression each.

    Returns
    -------
    tuple of DoubleArray of shape (trains, n) and tuple of float
        Log odds above those of the training prevalence, so that 0 is the natural threshold, and
        the chosen C, of each regression.
    """
    x, y, weights, axes = _problems(rows, truth, trains)
    held = _held_out(y, trains, patients, seed)
    fitted = weights * (~held & held.any(axis=2, keepdims=True))
    losses = []
    for fits in logistic(x, y, fitted, STRENGTHS):
        odds = fits[..., :-1] @ x.swapaxes(1, 2) + fits[..., -1:]  # (trains, folds, n)
        misses = np.logaddexp(0, np.where(y[:, None], -odds, odds)) * held
        losses.append(misses.sum(axis=(1, 2)))
    best = np.argmin(losses, axis=0)
    beta = logistic(x, y, weights, STRENGTHS[: best.max() + 1])[best, np.arange(len(best)), 0]
    prior = np.array([np.log(truth[t].sum() / (~truth[t]).sum()) for t in trains])
    slopes = [
        one[: rows.shape[1]] if a is None else a @ one[: a.shape[1]]
        for one, a in zip(beta, axes, strict=True)
    ]
    scores = np.stack(slopes) @ rows.T + (beta[:, -1] - prior)[:, None]
    # what differs by rounding errors is tied, as it is in exact arithmetic
    return scores.round(DECIMALS), tuple(STRENGTHS[place] for place in best)


def _problems(
    rows: DoubleArray, truth: BoolArray, trains: Sequence[IntArray]
) -> tuple[DoubleArray, BoolArray, DoubleArray, list[DoubleArray | None]]:
    """Return rows, truth and weights (trains, 1, n) of several regressions, filled up with zeros.

    L2 weights lie in the span of the training rows: where these are fewer than the columns, there
    are fewer numbers to solve for on axes of their own (d, k), for the same scores.
    """
    axes = [
        np.linalg.svd(rows[train], full_matrices=False)[2].T if len(train) < rows.shape[1] else None
        for train in trains
    ]
    own = [rows[t] if a is None else rows[t] @ a for t, a in zip(trains, axes, strict=True)]
    most, widest = max(len(one) for one in own), max(one.shape[1] for one in own)
    x = np.zeros((len(own), most, widest))
    y = np.zeros((len(own), most), dtype=bool)
    weights = np.zeros((len(own), 1, most))
    for place, (one, train) in enumerate(zip(own, trains, strict=True)):
        x[place, : len(one), : one.shape[1]] = one
        y[place, : len(one)] = truth[train]
        weights[place, 0, : len(one)] = 1
    return x, y, weights, axes


def _held_out(y: BoolArray, trains: Sequence[IntArray], patients: IntArray, seed: int) -> BoolArray:
    """Return which rows each inner fold leaves out, (trains, folds, n); some folds may be empty."""
    held = np.zeros((len(trains), INNER_FOLDS, y.shape[1]), dtype=bool)
    for place, train in enumerate(trains):
        known = y[place, : len(train)]
        folds = _inner(patients[train], known)
        fold = grouped_folds(patients[train], known.astype(np.int64), folds, seed)
        held[place, :, : len(train)] = np.arange(INNER_FOLDS)[:, None] == fold
    return held


def ridge_scores(
    rows: DoubleArray, values: DoubleArray, train: IntArray, patients: IntArray, seed: int
) -> tuple[DoubleArray, float]:
    """Predict a continuous target for all rows by ridge; the penalty by inner grouped folds.

    Returns
    -------
    tuple of DoubleArray of shape (n,) and float
        Predictions in the target's unit, and the chosen C (1 / penalty).
    """
    x, y = rows[train], values[train]
    quarter = np.searchsorted(np.quantile(y, (0.25, 0.5, 0.75)), y)
    folds = min(INNER_FOLDS, len(np.unique(patients[train])))
    fold = grouped_folds(patients[train], quarter.astype(np.int64), folds, seed)
    loss = np.zeros(len(STRENGTHS))
    for number in range(folds):
        fitted, held = fold != number, fold == number
        predicted = _ridge(x[fitted], y[fitted], x[held])
        loss += ((predicted - y[held]) ** 2).sum(axis=1)
    best = int(np.argmin(loss))
    return _ridge(x, y, rows)[best], STRENGTHS[best]


def _ridge(x: DoubleArray, y: DoubleArray, new: DoubleArray) -> DoubleArray:
    mean = x.mean(axis=0)
    left, sizes, right = np.linalg.svd(x - mean, full_matrices=False)
    target = left.T @ (y - y.mean())
    penalties = 1 / np.asarray(STRENGTHS)
    shrunk = sizes * target / (sizes**2 + penalties[:, None])  # (strengths, k)
    predicted: DoubleArray = shrunk @ (right @ (new - mean).T) + y.mean()
    return predicted


def _axes(centred: DoubleArray, components: int) -> DoubleArray:
    if centred.shape[0] < centred.shape[1]:
        _, _, right = np.linalg.svd(centred, full_matrices=False)
        return np.ascontiguousarray(right[:components].T)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :components])


def _inner(patients: IntArray, truth: BoolArray) -> int:
    """Folds that leave a patient of each class in every training part."""
    fewest = min(len(np.unique(patients[truth])), len(np.unique(patients[~truth])))
    if fewest < 2:
        raise RequestError(
            "the label has fewer than two training patients of one class",
            f"{fewest} patients",
            "give more labelled cases, or another label",
        )
    return min(INNER_FOLDS, fewest)
