"""What the features are worth, as records: probes, sites, shift, reconstruction, collapse.

In: the fitting of the run's split, those of its folds, and the cohort. Out: ``Result``s. Labels
meet features here and nowhere earlier (PROMISES L3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import (
    Part,
    collapse,
    comparable,
    label_efficiency,
    mmd,
    numbered,
    probe,
    reconstruction,
    site_columns,
    site_predictability,
)
from latentomics.features import ByCase, Classified
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered, Split
from latentomics.planning import Effort

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

Blocks = dict[str, list[npt.NDArray[np.floating]]]
SITE_SETS = ("latent", "pca", "intensity", "classic", "size")
UNTRAINED_POOLED = "random pooled/"


class Described(Protocol):
    """What a split's sets of features are made of; ``Fitting`` is one."""

    @property
    def cases(self) -> tuple[str, ...]:
        """Rows of the features."""

    @property
    def features(self) -> Mapping[str, ByCase]:
        """By name: latent, pca, random/0, ..."""

    @property
    def classic(self) -> Classified | None:
        """Classic features, where they were asked for."""


def evidence(
    gathered: Gathered,
    main: Fitting,
    folds: Sequence[Fitting],
    *,
    effort: Effort | None = None,
    seed: int,
) -> list[Result]:
    """Answer what a reviewer asks first."""
    with one_thread():
        return _evidence(gathered, main, folds, effort or Effort(), seed)


def one_thread() -> threadpool_limits:
    """Return a context in which linear algebra has one thread.

    The matrices are small: where another process keeps a core busy, threads that wait for each
    other make them ten times slower.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


def _evidence(
    gathered: Gathered, main: Fitting, folds: Sequence[Fitting], effort: Effort, seed: int
) -> list[Result]:
    sizes = size_block(gathered)
    parts = [_part_of(fitting, sizes) for fitting in folds or (main,)]
    single = _part_of(main, sizes)
    patients = numbered([case.patient for case in gathered.cases])
    sites = [case.site for case in gathered.cases]
    results = [*_reconstruction(gathered, main, seed), *_collapse(main)]
    if len({site for site in sites if site is not None}) > 1:
        columns = site_columns(sites)
        for part in parts:
            part.blocks["site"] = [columns]  # type: ignore[index]
    for label in gathered.labels(gathered.cases):
        results += probe(label, parts, patients, draws=effort.draws, seed=seed, calibrated=True)
        if not folds:
            few = effort.few_labels
            results += label_efficiency(label, single, patients, n_labels=few, seed=seed)
    chosen = [
        replace(part, blocks={name: part.blocks[name] for name in SITE_SETS if name in part.blocks})
        for part in parts
    ]
    results += site_predictability(chosen, sites, patients, seed=seed)
    results += _shift(single, sites, patients, seed)
    return results


def _part_of(fitting: Fitting, sizes: DoubleArray | None) -> Part:
    own = sizes if fitting.sizes is None else fitting.sizes
    return part_of(fitting, fitting.split, own)


def size_block(gathered: Gathered) -> DoubleArray | None:
    """Return the logarithm of each case's volume (n, 1), None where cases have no masks."""
    volumes = [gathered.facts[case.id].mask_mm3 for case in gathered.cases]
    if any(not volume for volume in volumes):
        return None
    return np.log(np.array(volumes, np.float64))[:, None]


def part_of(fitting: Described, split: Split, sizes: DoubleArray | None) -> Part:
    """Return a split with its sets of features; a probe fits on training and validation cases."""
    side = np.array([split.get(case, "none") for case in fitting.cases])
    train = np.flatnonzero((side == "train") | (side == "val"))
    sets = _sets(fitting, sizes)
    if fitting.classic is not None:  # it knows the size already
        sets["classic"] = [comparable(fitting.classic.columns.values.astype(np.float64), train)]
        sets["latent+classic"] = [*sets["latent"], *sets["classic"]]
    return Part(train=train, test=np.flatnonzero(side == "test"), blocks=sets)


def _sets(fitting: Described, sizes: DoubleArray | None) -> Blocks:
    values = {name: features.values for name, features in fitting.features.items()}
    sets: Blocks = {
        name: [block] for name, block in values.items() if not name.startswith(UNTRAINED_POOLED)
    }
    if "pooled" in values:
        sets["latent+pooled"] = [values["latent"], values["pooled"]]
    for name in values:
        if name.startswith(UNTRAINED_POOLED):
            seed = name.partition("/")[2]
            sets[f"random+pooled/{seed}"] = [values[f"random/{seed}"], values[name]]
    if sizes is not None:
        sets["size"] = [sizes]
        for name in [name for name in sets if "pooled" not in name and name != "size"]:
            base, _, repetition = name.partition("/")
            label = f"{base}+size/{repetition}" if repetition else f"{base}+size"
            sets[label] = [*sets[name], sizes]
    return sets


def _reconstruction(gathered: Gathered, main: Fitting, seed: int) -> list[Result]:
    patient = {case.id: case.patient for case in gathered.cases}
    return reconstruction(
        main.errors,
        [main.split[case] for case in main.sample_cases],
        numbered([patient[case] for case in main.sample_cases]),
        region=main.plan.loss_region.value,
        unit="normalised",
        seed=seed,
    )


def _collapse(main: Fitting) -> list[Result]:
    side = np.array([main.split[case] for case in main.sample_cases])
    test = side[main.encoded.code_samples] == "test"
    return collapse(
        main.encoded.codes[test].astype(np.float64),
        gaussian=main.plan.network.value.code == "gaussian",
        kl=main.encoded.kl,
        split="test",
        n=int((side == "test").sum()),
    )


def _shift(part: Part, sites: Sequence[str | None], patients: IntArray, seed: int) -> list[Result]:
    test = part.test
    of_test = [sites[row] for row in test]
    results = []
    for name in ("latent", "pca"):
        blocks = [block[test] for block in part.blocks[name]]
        results += mmd(name, blocks, of_test, patients[test], seed=seed)
    return results


def without_intervals(results: Sequence[Result]) -> list[Result]:
    """Return records without intervals and p, where they would lie (a demonstration, n = 1)."""
    return [
        replace(
            result,
            low=None,
            high=None,
            settings={
                name: value
                for name, value in result.settings.items()
                if name not in ("p", "interval", "standard_error", "by_feature")
            },
        )
        for result in results
    ]
