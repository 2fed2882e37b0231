"""Whether a new case is like the cohort that a model was trained on.

In: codes of the training cases, and codes and reconstruction errors of validation cases. Out: for
new cases the conformal p of the Mahalanobis distance of their code and of their error (METHODS 29),
and a flag below .01. With fewer than 99 validation cases no conformal p is that small: then a case
is flagged when it lies beyond all of them and a t distribution of their logarithms gives less than
.01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from latentomics.core import BoolArray, DoubleArray

FLAGGED = 0.01
COMPONENTS = 64  # of codes that are wider
FEWEST = 3  # validation cases
TINY = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likeness:
    """How new cases compare, (n,) each."""

    p_code: DoubleArray
    p_error: DoubleArray
    unlike: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What codes and errors of the cohort look like.

    ``whitening`` (columns, k) maps a centred code to uncorrelated unit variances; ``distances`` and
    ``errors`` are those of the validation cases, sorted.
    """

    mean: DoubleArray
    whitening: DoubleArray
    distances: DoubleArray
    errors: DoubleArray

    def compare(
        self, codes: npt.NDArray[np.floating], errors: npt.NDArray[np.floating]
    ) -> Likeness:
        """Compare new cases, codes (n, columns) and errors (n,), with the validation cases."""
        distances = self.distance(codes)
        found = [
            (_conformal(new, known), _tail(new, known))
            for new, known in ((distances, self.distances), (errors, self.errors))
        ]
        flags = [
            (p < FLAGGED) | ((p <= 1 / (len(self.errors) + 1)) & (tail < FLAGGED))
            for p, tail in found
        ]
        return Likeness(p_code=found[0][0], p_error=found[1][0], unlike=flags[0] | flags[1])

    def arrays(self) -> dict[str, DoubleArray]:
        """Return plain arrays, to be stored beside the model."""
        return {
            "mean": self.mean,
            "whitening": self.whitening,
            "distances": self.distances,
            "errors": self.errors,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, DoubleArray]) -> Reference:
        """Return the reference that ``arrays`` gave."""
        return Reference(**{name: arrays[name] for name in Reference.__dataclass_fields__})

    def distance(self, codes: npt.NDArray[np.floating]) -> DoubleArray:
        """Return the Mahalanobis distance of codes (n, columns) to the training cases' mean."""
        white = (np.asarray(codes, np.float64) - self.mean) @ self.whitening
        distance: DoubleArray = np.sqrt((white**2).sum(axis=1))
        return distance


def fit_reference(
    training: npt.NDArray[np.floating],
    validation: npt.NDArray[np.floating],
    validation_errors: npt.NDArray[np.floating],
) -> Reference | None:
    """Fit on training codes (n, columns), calibrate on validation cases; None with fewer than 3.

    References
    ----------
    METHODS, section 29.
    """
    if len(validation) < FEWEST or len(training) < FEWEST:
        return None
    centre = fit_centre(training)
    return replace(
        centre,
        distances=np.sort(centre.distance(validation)),
        errors=np.sort(np.asarray(validation_errors, np.float64)),
    )


def fit_centre(training: npt.NDArray[np.floating]) -> Reference:
    """Fit mean and covariance of training codes (n, columns), calibrated on nothing.

    References
    ----------
    Ledoit and Wolf, 2004, for the covariance; METHODS, section 15.
    """
    from sklearn.covariance import ledoit_wolf

    codes = np.asarray(training, np.float64)
    mean = codes.mean(axis=0)
    scale = codes.std(axis=0)
    scale = np.where(scale > 1e-9 * max(float(scale.max()), TINY), scale, np.inf)
    standard = (codes - mean) / scale
    _, sizes, right = np.linalg.svd(standard, full_matrices=False)
    kept = right[:COMPONENTS][sizes[:COMPONENTS] > 1e-9 * max(float(sizes[0]), TINY)]
    whitening = np.zeros((codes.shape[1], 0))
    if len(kept):
        covariance, _ = ledoit_wolf(standard @ kept.T)
        eigenvalues, vectors = np.linalg.eigh(np.atleast_2d(covariance))
        whitening = (kept.T / scale[:, None]) @ vectors / np.sqrt(np.maximum(eigenvalues, TINY))
    return Reference(mean=mean, whitening=whitening, distances=np.empty(0), errors=np.empty(0))


def _conformal(new: npt.NDArray[np.floating], known: DoubleArray) -> DoubleArray:
    """Return (1 + known cases at least as far) / (known + 1), never 0."""
    beyond = len(known) - np.searchsorted(known, np.asarray(new, np.float64), side="left")
    return np.asarray((1 + beyond) / (len(known) + 1))


def _tail(new: npt.NDArray[np.floating], known: DoubleArray) -> DoubleArray:
    """Return the upper tail of a t distribution fitted to the logarithms of the known scores."""
    from scipy.stats import t

    logs = np.log(np.maximum(known, TINY))
    spread = max(float(logs.std(ddof=1)), 1e-6) * np.sqrt(1 + 1 / len(logs))
    apart = (np.log(np.maximum(np.asarray(new, np.float64), TINY)) - logs.mean()) / spread
    return np.asarray(t.sf(apart, len(logs) - 1))
