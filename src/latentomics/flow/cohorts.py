"""Read cohorts as a run's request says: the run's own again, and others for its model.

In: a request and where the manifest lies. Out: the cohort, with the request's channels, site column
and label of the mask.
"""

from __future__ import annotations

from pathlib import Path

from latentomics.planning import Request
from latentomics.sources import Cohort, read_cohort


def own_cohort(request: Request) -> Cohort:
    """Read the cohort that a request names.

    Raises
    ------
    RequestError
        When its manifest is wrong, or no longer there.
    """
    return read_cohort(
        Path(request.manifest),
        channels=request.channels,
        site=request.site,
        mask_label=request.mask_label,
    )


def new_cohort(source: Path, request: Request) -> Cohort:
    """Read a cohort that need not name the sites as the request's does.

    Raises
    ------
    RequestError
        When its manifest is wrong.
    """
    return read_cohort(
        source,
        channels=request.channels,
        site=request.site,
        mask_label=request.mask_label,
        needs_site=False,
    )
