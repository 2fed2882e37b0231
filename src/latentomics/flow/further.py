"""What a reviewer asks next: which features know the site, and whether they repeat.

In: the fitting of the run's split and its cohort. Out: records. Each evaluation is one entry
of ``FURTHER``; what costs more than seconds is counted by the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from latentomics.core import IntArray, Result
from latentomics.dataset import Store
from latentomics.evaluation import (
    LabelLike,
    Part,
    confounding,
    embedding,
    ks,
    label_by_site,
    numbered,
    principal_map,
    probe,
    site_label,
    site_variance,
    structure,
)
from latentomics.features import fit_combat, posteriors
from latentomics.flow.evidence import evidence, one_thread, size_block
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered
from latentomics.flow.known import known_besides
from latentomics.flow.patients import Rows
from latentomics.flow.records import OnEvent, ignore
from latentomics.flow.stability import stability_of
from latentomics.planning import Effort

BY_FEATURE = ("latent", "pooled", "pca", "intensity")
HARMONISED = "latent harmonised"
FEWEST_ROWS = 10  # training rows of every site
HAND_MADE = ("classic", "intensity")
MIXTURE = 1000  # posteriors of the aggregate
Values = npt.NDArray[np.floating]
Table = tuple[tuple[str, ...], Values]  # names of columns, and their values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What every evaluation is given; rows are the cases of the fitting."""

    gathered: Gathered
    main: Fitting
    store: Store  # every sample of the main fitting
    fittings: tuple[Fitting, ...]  # of the folds where there are some, else the main one
    test: IntArray
    patients: IntArray
    sites: tuple[str | None, ...]
    seed: int
    effort: Effort
    workers: int | None = None
    on_event: OnEvent = ignore


def answers(
    rows: Rows,
    gathered: Gathered,
    main: Fitting,
    store: Store,
    *,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> list[Result]:
    """Answer everything: of rows what a table can answer, of cases what needs the network."""
    seed, effort = gathered.request.seed, main.plan.effort.value
    table = (rows.gathered, rows.main)
    results = evidence(*table, rows.folds, effort=effort, seed=seed)
    results += further(*table, store, rows.folds, seed=seed, questions=OF_ROWS)
    return results + further(
        gathered,
        main,
        store,
        seed=seed,
        workers=workers,
        on_event=on_event,
        questions=OF_CASES,
    )


Questions = Mapping[str, Callable[[Question], list[Result]]]


def further(
    gathered: Gathered,
    main: Fitting,
    store: Store,
    folds: Sequence[Fitting] = (),
    *,
    seed: int,
    workers: int | None = None,
    on_event: OnEvent = ignore,
    questions: Questions | None = None,
) -> list[Result]:
    """Answer further questions about a fitting, all of ``FURTHER`` by default, in their order."""
    import torch

    torch.set_num_threads(main.plan.threads.value)  # the last fold may have had others
    of_case = {case.id: case for case in gathered.cases}
    cases = [of_case[case] for case in main.cases]
    question = Question(
        gathered=gathered,
        main=main,
        store=store,
        fittings=tuple(folds) or (main,),
        test=np.flatnonzero([main.split.get(case) == "test" for case in main.cases]),
        patients=numbered([case.patient for case in cases]),
        sites=tuple(case.site for case in cases),
        seed=seed,
        effort=main.plan.effort.value,
        workers=workers,
        on_event=on_event,
    )
    results = []
    for name, answer in (FURTHER if questions is None else questions).items():
        limit = nullcontext() if name in OF_CASES else one_thread()
        with limit:
            results += answer(question)
    return results


def tables_of(main: Fitting) -> dict[str, Table]:
    """Return the features of a fitting as tables, classic ones without columns that have gaps."""
    tables: dict[str, Table] = {
        name: (main.features[name].names, main.features[name].values)
        for name in BY_FEATURE
        if name in main.features
    }
    if main.classic is not None:
        columns = main.classic.columns
        whole = np.flatnonzero(np.isfinite(columns.values).all(axis=0))
        names = tuple(columns.names[column] for column in whole)
        tables["classic"] = (names, columns.values[:, whole])
    return {name: table for name, table in tables.items() if table[0]}


def _by_site(question: Question) -> list[Result]:
    """Compare every feature of held-out patients between sites."""
    rows = question.test
    sites, patients = [question.sites[row] for row in rows], question.patients[rows]
    results = []
    for name, (names, values) in tables_of(question.main).items():
        results += ks(name, names, values[rows], sites, patients)
        results += site_variance(name, names, values[rows], sites, patients, seed=question.seed)
    return results


def _structure(question: Question) -> list[Result]:
    """See how the latents of held-out pictures hang together."""
    main, rows = question.main, question.test
    tables = tables_of(main)
    beside: dict[str, Values] = {
        name: table[rows] for name, (_, table) in tables.items() if name in HAND_MADE
    }
    samples = np.flatnonzero([main.split.get(case) == "test" for case in question.store.cases])
    return structure(
        "latent",
        tables["latent"][1][rows],
        posterior=posteriors(main.fitted.network, question.store, samples[:MIXTURE]),  # type: ignore[arg-type]
        beside=beside,
        seed=question.seed,
    )


def _maps(question: Question) -> list[Result]:
    """See whether maps of the code, and of the images' components, keep neighbours together."""
    tables = tables_of(question.main)
    latent, images = (tables[name][1][question.test] for name in ("latent", "pca"))
    if len(question.test) < 2:
        return []
    of_latent, of_images = principal_map(latent), principal_map(images)
    seed = question.seed
    return [
        *embedding("latent", of_latent, latent, of="code", seed=seed),
        *embedding("latent", of_latent, images, of="images", seed=seed),
        *embedding("pca", of_images, images, of="images", seed=seed),
    ]


def _besides(question: Question) -> list[Result]:
    """See what tells each label without a picture, and what the features add to it."""
    gathered, seed = question.gathered, question.seed
    size = size_block(gathered)
    parts = [_latent_part(fitting) for fitting in question.fittings]
    results = []
    for label in gathered.labels(gathered.cases):
        known = known_besides(gathered, size, label.name)
        results += confounding(label, parts, known, question.patients, seed=seed)
        results += label_by_site(label, question.sites, question.patients, seed=seed)
    return results


def _latent_part(fitting: Fitting) -> Part:
    side = np.array([fitting.split.get(case, "none") for case in fitting.cases])
    return Part(
        train=np.flatnonzero((side == "train") | (side == "val")),
        test=np.flatnonzero(side == "test"),
        blocks={"latent": [fitting.features["latent"].values]},
    )


def _harmonised(question: Question) -> list[Result]:
    """Compare the latent with itself after ComBat, fitted on training cases of known sites."""
    label = site_label(question.sites, question.patients)
    part = _latent_part(question.main)
    known = [row for row in part.train if label is not None and label.values[row] is not None]
    sites = [str(question.sites[row]) for row in known]
    if label is None or len(set(sites)) < 2 or min(Counter(sites).values()) < FEWEST_ROWS:
        return []
    latent = part.blocks["latent"][0]
    even = fit_combat(latent[known], sites).apply(latent, question.sites, unseen="keep")
    both = replace(part, blocks={"latent": [latent], HARMONISED: [even]})
    asked: list[LabelLike] = [label, *question.gathered.labels(question.gathered.cases)]
    return [
        result
        for one in asked
        for result in probe(
            one,
            [both],
            question.patients,
            seed=question.seed,
            evaluation="harmonisation",
            comparisons={HARMONISED: ("latent",)},
        )
    ]


def _repeated(question: Question) -> list[Result]:
    return stability_of(
        question.gathered,
        question.main,
        again=question.effort.remeasured,
        seed=question.seed,
        workers=question.workers,
        on_event=question.on_event,
    )


OF_ROWS: Questions = {
    "sites by feature": _by_site,
    "confounding": _besides,
    "harmonisation": _harmonised,
    "maps": _maps,
}
OF_CASES: Questions = {  # these use the network, and as many threads as it likes
    "structure": _structure,
    "stability": _repeated,
}
FURTHER: Questions = {**OF_ROWS, **OF_CASES}
