"""What evaluations take of memory grows with the cases, and by little (PROMISES M2)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from latentomics.evaluation import (
    mmd,
    probe,
    site_predictability,
    site_variance,
    statistics,
    structure,
)
from latentomics.evaluation.confounding import label_by_site
from latentomics.evaluation.scoring import Part
from latentomics.evaluation.site import SiteLabel

WIDTH = 16


class Cohort:
    """Cases with features in single precision, a fifth of them held out."""

    def __init__(self, cases: int) -> None:
        generator = np.random.default_rng(0)
        self.patients = np.arange(cases)
        self.sites = generator.choice(["A", "B", "C"], cases).tolist()
        self.features = generator.normal(size=(cases, WIDTH)).astype(np.float32)
        positive = self.features[:, 0] + generator.normal(size=cases) > 0
        values = tuple("yes" if one else "no" for one in positive)
        self.label = SiteLabel(values=values, name="label", kind="binary", positive="yes")
        test = np.arange(cases) % 5 == 0
        blocks = {"latent": [self.features], "pca": [self.features[:, ::-1]]}
        self.part = Part(train=np.flatnonzero(~test), test=np.flatnonzero(test), blocks=blocks)


ASKED: dict[str, tuple[Callable[[Cohort], object], int]] = {  # bytes a case, at most
    "probe": (lambda c: probe(c.label, [c.part], c.patients, draws=20), 1500),
    "site": (lambda c: site_predictability([c.part], c.sites, c.patients), 1000),
    "mmd": (lambda c: mmd("x", [c.features], c.sites, c.patients, permutations=9), 1000),
    "site_variance": (
        lambda c: site_variance("x", ["x"] * WIDTH, c.features, c.sites, c.patients),
        1000,
    ),
    "label_by_site": (lambda c: label_by_site(c.label, c.sites, c.patients), 1000),
    "structure": (lambda c: structure("x", c.features), 2500),
}


@pytest.mark.parametrize("name", ASKED)
def test_M2_an_evaluation_takes_little_of_each_case(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, most = ASKED[name]
    monkeypatch.setattr(statistics, "MOST_WEIGHTS", 10_000)  # resamples as of the largest cohorts
    monkeypatch.setattr(statistics, "FEWEST_DRAWS", 20)
    run(Cohort(500))  # what is loaded at first use
    few, many = (_peak(run, Cohort(cases)) for cases in (5000, 10_000))
    assert (many - few) / 5000 < most


def _peak(run: Callable[[Cohort], object], cohort: Cohort) -> int:
    tracemalloc.start()
    try:
        run(cohort)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
