"""ComBat: offsets and scales of sites taken out of features, as a fitted transformer.

In: features (n, d) and the site of each training row, and covariates that must stay (never the
label). Out: a ``Combat`` that brings further rows of the same sites to the common scale; a site
that was not seen when fitting is refused, or left as it is where that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, RequestError

CONVERGED = 1e-6
ROUNDS = 1000
FEWEST = 2  # rows a site needs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combat:
    """What was fitted: ``shift`` and ``scale`` (sites, d) of standardised features."""

    sites: tuple[str, ...]
    mean: DoubleArray  # (d,) over the sites, weighted by their rows
    spread: DoubleArray  # (d,) pooled SD
    slopes: DoubleArray  # (covariates, d)
    centre: DoubleArray  # (covariates,)
    shift: DoubleArray
    scale: DoubleArray

    def apply(
        self,
        features: npt.NDArray[np.floating],
        sites: Sequence[str | None],
        covariates: DoubleArray | None = None,
        *,
        unseen: str = "refuse",
    ) -> DoubleArray:
        """Return features (n, d) on the common scale.

        Parameters
        ----------
        unseen : str
            What to do with rows of a site that was not fitted: ``refuse``, or ``keep`` as they are.

        Raises
        ------
        RequestError
            When a site is unseen and not to be kept.
        """
        number = {site: row for row, site in enumerate(self.sites)}
        place = np.array([-1 if site is None else number.get(site, -1) for site in sites])
        if (place < 0).any() and unseen == "refuse":
            strange = sorted({str(s) for s, p in zip(sites, place, strict=True) if p < 0})
            raise RequestError(
                f"harmonisation has not seen {', '.join(strange[:5])}",
                "column site",
                "fit it with training cases of that site, or leave its rows as they are",
            )
        kept = self._kept(len(features), covariates)
        standard = (np.asarray(features, np.float64) - self.mean - kept) / self.spread
        known = place >= 0
        out = np.asarray(features, np.float64).copy()
        even = (standard[known] - self.shift[place[known]]) / self.scale[place[known]]
        out[known] = even * self.spread + self.mean + kept[known]
        return out

    def _kept(self, rows: int, covariates: DoubleArray | None) -> DoubleArray:
        if covariates is None or not len(self.slopes):
            return np.zeros((rows, len(self.mean)))
        return np.asarray((covariates - self.centre) @ self.slopes)


def fit_combat(
    features: npt.NDArray[np.floating],
    sites: Sequence[str],
    covariates: DoubleArray | None = None,
) -> Combat:
    """Fit the offset and scale of every site, shrunk over features by empirical Bayes.

    Parameters
    ----------
    features : array of shape (n, d)
        Training rows alone.
    sites : sequence of str, of length n
    covariates : DoubleArray of shape (n, k), optional
        Columns whose effect must stay, such as age; never the label.

    Raises
    ------
    RequestError
        When a site has fewer than two rows.

    References
    ----------
    Johnson, Li and Rabinovic, Biostatistics 2007; METHODS, section 21.
    """
    values = np.asarray(features, np.float64)
    names = tuple(sorted(set(sites)))
    place = np.array([names.index(site) for site in sites], np.int64)
    counts = np.bincount(place, minlength=len(names))
    if counts.min() < FEWEST:
        raise RequestError(
            f"site {names[int(counts.argmin())]} has {counts.min()} training rows",
            "harmonisation",
            "leave the site out, or merge it with a scanner of its kind",
        )
    batch = (place[:, None] == np.arange(len(names))).astype(np.float64)
    given = np.zeros((len(values), 0)) if covariates is None else np.asarray(covariates, np.float64)
    centre = given.mean(axis=0)
    design = np.concatenate([batch, given - centre], axis=1)
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    mean = counts @ fitted[: len(names)] / len(values)
    slopes = fitted[len(names) :]
    spread = np.sqrt(((values - design @ fitted) ** 2).mean(axis=0))
    spread = np.where(spread > 1e-12 * (np.abs(mean) + 1e-300), spread, 1.0)
    standard = (values - mean - (given - centre) @ slopes) / spread
    shift, scale = _shrunk(standard, place, len(names))
    return Combat(
        sites=names, mean=mean, spread=spread, slopes=slopes, centre=centre, shift=shift,
        scale=scale,
    )  # fmt: skip


def _shrunk(standard: DoubleArray, place: IntArray, sites: int) -> tuple[DoubleArray, DoubleArray]:
    """Return offsets and scales (sites, d), each drawn to the mean of all features of its site."""
    shift, scale = np.empty((2, sites, standard.shape[1]))
    for site in range(sites):
        rows = standard[place == site]
        shift[site], variance = _bayes(rows) if rows.shape[1] > 2 else _plain(rows)
        scale[site] = np.sqrt(np.maximum(variance, 1e-12))
    return shift, scale


def _plain(rows: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    return rows.mean(axis=0), rows.var(axis=0, ddof=1)


def _bayes(rows: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    n = len(rows)
    first, variance = _plain(rows)
    prior_mean, prior_variance = first.mean(), first.var(ddof=1)
    m, s2 = variance.mean(), variance.var(ddof=1)
    if not (prior_variance > 0 and s2 > 0):
        return first, variance
    a, b = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2
    shift, spread = first, variance
    for _ in range(ROUNDS):
        moved = (n * prior_variance * first + spread * prior_mean) / (n * prior_variance + spread)
        changed = (0.5 * ((rows - moved) ** 2).sum(axis=0) + b) / (n / 2 + a - 1)
        apart = max(
            float(np.abs(moved - shift).max() / max(float(np.abs(shift).max()), 1e-12)),
            float(np.abs(changed - spread).max() / max(float(np.abs(spread).max()), 1e-12)),
        )
        shift, spread = moved, changed
        if apart < CONVERGED:
            break
    return shift, spread
