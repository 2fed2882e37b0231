"""Patients as the units of a comparison between sites.

In: features (n, d) of images, the site and patient of each. Out: one row a patient who was seen at
one site alone: patients seen at two are not exchangeable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray

FEWEST_PATIENTS = 10  # a site needs (METHODS, section 29)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patients:
    """Mean features (patients, d), the number of each one's site, and the sites' names."""

    features: DoubleArray
    site: IntArray
    names: tuple[str, ...]

    @property
    def counts(self) -> IntArray:
        """Patients of each site."""
        return np.bincount(self.site, minlength=len(self.names)).astype(np.int64)


def patients_of(
    features: npt.NDArray[np.floating],
    sites: Sequence[str | None],
    patients: IntArray,
    fewest: int = FEWEST_PATIENTS,
) -> Patients | None:
    """Return one row a patient, of sites with enough of them; None with fewer than two such."""
    seen: dict[int, set[str]] = {}
    for patient, site in zip(patients.tolist(), sites, strict=True):
        seen.setdefault(patient, set()).update(() if site is None else (site,))
    home = {patient: next(iter(found)) for patient, found in seen.items() if len(found) == 1}
    counted: dict[str, int] = {}
    for site in home.values():
        counted[site] = counted.get(site, 0) + 1
    names = tuple(sorted(site for site, count in counted.items() if count >= fewest))
    kept = [patient for patient, site in home.items() if site in names]
    if len(names) < 2:
        return None
    place = {patient: row for row, patient in enumerate(kept)}
    rows = np.array([place.get(patient, -1) for patient in patients.tolist()])
    used = rows >= 0
    total = np.zeros((len(kept), features.shape[1]))
    np.add.at(total, rows[used], np.asarray(features, np.float64)[used])
    return Patients(
        features=total / np.bincount(rows[used], minlength=len(kept))[:, None],
        site=np.array([names.index(home[patient]) for patient in kept], np.int64),
        names=names,
    )
