"""What a reviewer asks next: which features know the site, hang together, repeat.

In: a ``Question``. Out: records. Each function answers one evaluation; what costs more than seconds
is counted by the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from latentomics.core import IntArray, Result
from latentomics.evaluation import (
    LabelLike,
    Part,
    confounding,
    embedding,
    ks,
    label_by_site,
    principal_map,
    probe,
    site_label,
    site_variance,
    structure,
)
from latentomics.features import fit_combat, posteriors
from latentomics.flow.fitting import Fitting
from latentomics.flow.known import known_besides
from latentomics.flow.question import Question, held_out, size_block
from latentomics.flow.stability import stability_of

BY_FEATURE = ("latent", "pooled", "pca", "intensity")
HARMONISED = "latent harmonised"
FEWEST_ROWS = 10  # training rows of every site
HAND_MADE = ("classic", "intensity")
MIXTURE = 1000  # posteriors of the aggregate
STABILITY = "stability"
Values = npt.NDArray[np.floating]
Table = tuple[tuple[str, ...], Values]  # names of columns, and their values


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


def shifted_features(question: Question) -> list[Result]:
    """Compare the distribution of every feature of held-out patients between sites."""
    rows, sites, patients = held_out(question)
    return [
        result
        for name, (names, values) in tables_of(question.main).items()
        for result in ks(name, names, values[rows], sites, patients)
    ]


def variance_of_sites(question: Question) -> list[Result]:
    """See how much of every feature of held-out patients goes with their site."""
    rows, sites, patients = held_out(question)
    return [
        result
        for name, (names, values) in tables_of(question.main).items()
        for result in site_variance(name, names, values[rows], sites, patients, seed=question.seed)
    ]


def confounded(question: Question) -> list[Result]:
    """See what tells each label without a picture, and what the features add to it."""
    gathered, seed = question.gathered, question.seed
    size = size_block(gathered)
    parts = [_latent_part(fitting) for fitting in question.fittings]
    results = []
    for label in question.labels:
        known = known_besides(gathered, size, label.name)
        draws = question.effort.draws
        results += confounding(label, parts, known, question.patients, seed=seed, draws=draws)
        results += label_by_site(label, question.sites, question.patients, seed=seed)
    return results


def harmonised(question: Question) -> list[Result]:
    """Compare the latent with itself after ComBat, fitted on training cases of known sites."""
    part = _latent_part(question.main)
    rows = harmonisable(question.sites, question.patients, part.train)
    if rows is None:
        return []
    label, known = rows
    latent = part.blocks["latent"][0]
    fitted = fit_combat(latent[known], [str(question.sites[row]) for row in known])
    even = fitted.apply(latent, question.sites, unseen="keep")
    both = replace(part, blocks={"latent": [latent], HARMONISED: [even]})
    asked: list[LabelLike] = [label, *question.labels]
    return [
        result
        for one in asked
        for result in probe(
            one,
            [both],
            question.patients,
            seed=question.seed,
            draws=question.effort.draws,
            evaluation="harmonisation",
            comparisons={HARMONISED: ("latent",)},
        )
    ]


def harmonisable(
    sites: Sequence[str | None], patients: IntArray, train: IntArray
) -> tuple[LabelLike, IntArray] | None:
    """Return the sites as a label and the training rows that ComBat is fitted on, where enough."""
    label = site_label(sites, patients)
    if label is None:
        return None
    known = np.array([row for row in train if label.values[row] is not None], np.int64)
    counts = Counter(sites[row] for row in known)
    enough = len(counts) > 1 and min(counts.values()) >= FEWEST_ROWS
    return (label, known) if enough else None


def mapped(question: Question) -> list[Result]:
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


def structured(question: Question) -> list[Result]:
    """See how the latents of held-out pictures hang together."""
    main, rows, store = question.main, question.test, question.stores.every
    tables = tables_of(main)
    beside: dict[str, Values] = {
        name: table[rows] for name, (_, table) in tables.items() if name in HAND_MADE
    }
    samples = np.flatnonzero([main.split.get(case) == "test" for case in store.cases])
    return structure(
        "latent",
        tables["latent"][1][rows],
        posterior=posteriors(question.network, store, samples[:MIXTURE]),
        beside=beside,
        seed=question.seed,
    )


def repeated(question: Question) -> list[Result]:
    """Measure test cases again, where the budget allows or a user asks, and compare retests."""
    return stability_of(
        question.gathered,
        question.main,
        again=question.effort.remeasured or STABILITY in question.asked,
        seed=question.seed,
        workers=question.workers,
        on_event=question.on_event,
    )


def _latent_part(fitting: Fitting) -> Part:
    side = np.array([fitting.split.get(case, "none") for case in fitting.cases])
    return Part(
        train=np.flatnonzero((side == "train") | (side == "val")),
        test=np.flatnonzero(side == "test"),
        blocks={"latent": [fitting.features["latent"].values]},
    )
