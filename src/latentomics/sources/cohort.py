"""A cohort: the cases of a manifest or a folder, and those that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentomics.core import Case, CaseError, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Who is studied: cases in the order of the manifest, rejected rows, and column names."""

    name: str
    manifest: Path  # the table, or the folder that stands for one
    cases: tuple[Case, ...]
    rejected: tuple[Rejection, ...]
    columns: tuple[str, ...]

    def __str__(self) -> str:
        left_out = f", {len(self.rejected)} left out" if self.rejected else ""
        return f"{self.name}: {len(self.cases)} cases{left_out}"


def rejection_of(case: Case, error: CaseError) -> Rejection:
    """Return the row of rejected.csv for a case that raised an error."""
    return Rejection(
        case=case.id,
        file=str(case.image[0]),
        code=error.kind,
        reason=error.what,
        remedy=error.remedy,
    )
