"""Maps of a finished run by t-SNE and UMAP, beside its principal ones (METHODS, section 25).

In: a ``Question``. Out: records of how well each map of the code, and of the raw images, keeps
neighbours of held-out cases together; and the map of the code by UMAP for the report. UMAP needs
the extra ``embedding`` and is left out with a remark where that is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, Result, stream
from latentomics.evaluation import (
    averaged,
    embedding,
    perplexities,
    principal_map,
    ranked_rows,
    tsne_map,
    umap_map,
    umap_version,
)
from latentomics.flow.further import mapped
from latentomics.flow.question import Arrays, Question
from latentomics.flow.records import Event, OnEvent
from latentomics.flow.refitted import raw_values

SEEDS = 5  # of UMAP
SHOWN = 2000  # cases on the map by UMAP: its time grows faster than they do
Values = npt.NDArray[np.floating]
Places = Mapping[str, DoubleArray]  # of maps of one kind, by what they differ in; "" nothing


def embedded(question: Question) -> list[Result]:
    """Judge maps of the code against maps of the images.

    Returns
    -------
    list of Result
        Those of every run, and against the target ``raw``, all values of the images, all maps;
        against ``code`` those of the code. Where rows are patients, samples have no common size,
        several belong to a case, or cases are too many, ``images``, their principal components,
        stand in place of ``raw``. Empty with fewer than 20 test cases.
    """
    usual = mapped(question)
    if not usual:
        return []
    if umap_version() is None:
        remark = "UMAP is left out: pip install 'latentomics[embedding]' and ask again"
        question.on_event(Event(stage="evidence", done=0, total=1, remark=remark))
    known = {(one.features, one.target) for one in usual}
    rivals = _rivals(question)
    return [*usual, *(one for one in rivals if (one.features, one.target) not in known)]


def shown_by_umap(question: Question) -> Arrays:
    """Return ``map_umap`` (n, 2) and ``map_umap_case`` of at most 2,000 cases.

    Nothing where the extra is not installed.
    """
    if umap_version() is None:
        return {}
    latent = question.main.features["latent"]
    rows = np.sort(stream(question.seed, "shown map").permutation(len(latent.values))[:SHOWN])
    message = f"map of {len(rows)} cases by UMAP"
    question.on_event(Event(stage="evidence", done=0, total=1, message=message))
    return {
        "map_umap": umap_map(latent.values[rows], seed=question.seed).astype(np.float32),
        "map_umap_case": np.array(latent.cases)[rows],
    }


def _rivals(question: Question) -> list[Result]:
    seed, rows = question.seed, question.test[ranked_rows(len(question.test), question.seed)]
    sets = {name: question.main.features[name].values[rows] for name in ("latent", "pca")}
    raw = _raw(question)
    name, target = ("pca", "images") if raw is None else ("raw", "raw")
    space = sets["pca"] if raw is None else raw[rows]
    results = []
    for of, values in (("latent", sets["latent"]), (name, space)):
        against = {target: space} | ({"code": values} if of == "latent" else {})
        for kind, places in _maps(of, values, seed, question.on_event).items():
            results += _records(f"{of}{kind}", places, against, seed)
    for of in ("latent", "pca") if target == "raw" else ("latent",):  # what a map can keep at most
        results += embedding(f"{of}_all", sets[of], space, of=target, seed=seed)
    return results


def _raw(question: Question) -> Values | None:
    """Return all values of each row's image; None where rows have no image of one size."""
    if tuple(question.stores.every.cases) != tuple(question.main.cases):
        return None
    values = raw_values(question.stores)
    return None if values is None else values[0]


def _maps(of: str, values: Values, seed: int, on_event: OnEvent) -> dict[str, Places]:
    """Return every map of values by the ending of its name."""

    def told(kind: str, done: int) -> None:
        message = f"map of {of} by {kind}"
        on_event(Event(stage="evidence", done=done, total=3, message=message))

    found: dict[str, Places] = {"": {"": principal_map(values)}}
    told("t-SNE", 1)
    found["_tsne"] = {
        f"perplexity {perplexity}": tsne_map(values, perplexity=perplexity, seed=seed)
        for perplexity in perplexities(len(values))
    }
    if umap_version() is not None:
        told("UMAP", 2)
        found["_umap"] = {
            f"seed {seed + one}": umap_map(values, seed=seed + one) for one in range(SEEDS)
        }
    return found


def _records(name: str, places: Places, against: Mapping[str, Values], seed: int) -> list[Result]:
    notes = {"umap": umap_version()} if name.endswith("_umap") else {}
    results = []
    for of, space in against.items():
        each = {kind: embedding(name, one, space, of=of, seed=seed) for kind, one in places.items()}
        found = averaged(each) if all(each) else each[""]
        results += [replace(one, settings={**one.settings, **notes}) for one in found]
    return results
