"""Further questions about a fitting: the latent before and after harmonisation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from latentomics.flow.further import HARMONISED, harmonisable, harmonised


def test_harmonisation_takes_the_site_out_of_held_out_patients() -> None:
    draws = np.random.default_rng(0)
    site = tuple(np.where(np.arange(120) % 2, "A", "B").tolist())
    latent = draws.normal(size=(120, 6)) + 2.0 * (np.arange(120) % 2)[:, None]
    names = [str(row) for row in range(120)]
    main = SimpleNamespace(
        cases=names,
        split={name: "train" if row < 80 else "test" for row, name in enumerate(names)},
        features={"latent": SimpleNamespace(values=latent)},
    )
    question = SimpleNamespace(
        main=main,
        sites=site,
        patients=np.arange(120),
        seed=0,
        labels=(),
        effort=SimpleNamespace(draws=200),
    )
    found = {(r.features, r.metric): r for r in harmonised(question)}
    assert found["latent", "auroc"].value > 0.95
    assert found[HARMONISED, "auroc"].value < 0.7
    assert found[HARMONISED, "auroc_minus_latent"].high < 0
    question.sites = ("A",) * 120
    assert harmonised(question) == []


def test_harmonisation_needs_ten_training_cases_of_each_site() -> None:
    sites = ("A",) * 40 + ("B",) * 14 + (None,) * 6
    patients = np.arange(60)
    label, rows = harmonisable(sites, patients, np.r_[0:30, 40:50, 54:60]) or (None, [])
    assert label is not None
    assert list(rows) == [*range(30), *range(40, 50)]
    assert harmonisable(sites, patients, np.r_[0:30, 40:49, 54:60]) is None
    assert harmonisable(("A",) * 60, patients, patients) is None
