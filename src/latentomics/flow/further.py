"""What a reviewer asks next: which features know the site, and whether they repeat.

In: the fitting of the run's split and its cohort. Out: records. Each evaluation is one entry
of ``FURTHER``; what costs more than seconds is counted by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from latentomics.core import IntArray, Result
from latentomics.evaluation import ks, numbered, site_variance
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered
from latentomics.flow.records import OnEvent, ignore
from latentomics.flow.stability import stability_of

BY_FEATURE = ("latent", "pooled", "pca", "intensity", "classic")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What every evaluation is given; rows are the cases of the fitting."""

    gathered: Gathered
    main: Fitting
    test: IntArray
    patients: IntArray
    sites: tuple[str | None, ...]
    seed: int
    workers: int | None = None
    on_event: OnEvent = ignore


def further(
    gathered: Gathered,
    main: Fitting,
    *,
    seed: int,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> list[Result]:
    """Answer every further question about a fitting."""
    of_case = {case.id: case for case in gathered.cases}
    cases = [of_case[case] for case in main.cases]
    question = Question(
        gathered=gathered,
        main=main,
        test=np.flatnonzero([main.split.get(case) == "test" for case in main.cases]),
        patients=numbered([case.patient for case in cases]),
        sites=tuple(case.site for case in cases),
        seed=seed,
        workers=workers,
        on_event=on_event,
    )
    return [result for answer in FURTHER.values() for result in answer(question)]


def _by_site(question: Question) -> list[Result]:
    """Compare every feature of held-out patients between sites."""
    rows = question.test
    sites, patients = [question.sites[row] for row in rows], question.patients[rows]
    results = []
    for name in BY_FEATURE:
        found = question.main.features.get(name)
        if found is not None:
            values = found.values[rows]
            results += ks(name, found.names, values, sites, patients)
            results += site_variance(name, found.names, values, sites, patients, seed=question.seed)
    return results


def _repeated(question: Question) -> list[Result]:
    return stability_of(
        question.gathered,
        question.main,
        seed=question.seed,
        workers=question.workers,
        on_event=question.on_event,
    )


FURTHER: Mapping[str, Callable[[Question], list[Result]]] = {
    "sites by feature": _by_site,
    "stability": _repeated,
}
