"""Several methods on one cohort, each with several seeds: a table, a picture and who leads.

In: a cohort, names of methods and a number of seeds. Out: a folder with one run a method and seed,
methods.csv with every figure, and methods.svg. The winner is chosen on patients that are not held
out; how far it leads is told of test patients (PROMISES L4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentomics.core import RequestError, Result
from latentomics.evaluation import development_score, numbered
from latentomics.flow.comparing import Ended, read_ended
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.question import one_thread
from latentomics.flow.records import OnEvent, ignore
from latentomics.flow.reseeded import reseeded
from latentomics.flow.standings import (
    DEVELOPMENT,
    LABELLED,
    TEST,
    WITHOUT_LABELS,
    Ranking,
    ranking_of,
)
from latentomics.flow.sweeping import left_out, refuse_single, run_each, write_figures
from latentomics.methods import method_named
from latentomics.planning import Request
from latentomics.report import MethodFigure, draw_methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A finished comparison: its folder, the order of the methods, and what it rests on.

    A method one of whose seeds came to no end is no part of it; ``left_out`` says why.
    """

    folder: Path
    picture: Path
    table: Path
    seeds: tuple[int, ...]
    ranking: Ranking
    figures: tuple[MethodFigure, ...]
    runs: tuple[Path, ...]
    left_out: tuple[str, ...]
    exit_code: int


def contest(
    source: Path,
    folder: Path,
    methods: Sequence[str],
    asked: Request | None = None,
    *,
    seeds: int = 3,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> Contest:
    """Run a cohort with every method and seed; runs that are done, by the same request, stay.

    Parameters
    ----------
    methods : sequence of str
        Names of methods; two or more.
    asked : Request, optional
        Of every run; a budget is that of each one, the seed that of the first.
    seeds : int
        A seed decides split, first weights and order, the same split for every method.

    Raises
    ------
    RequestError
        When a method is unknown, or there are fewer than two.
    LatentomicsError
        Of the first run that came to no end, when fewer than two methods did.
    """
    request = asked or Request()
    named = tuple(dict.fromkeys(methods))
    _refuse(named, request, seeds)
    numbers = tuple(range(request.seed, request.seed + seeds))
    places = {
        (method, seed): folder / f"{method}-seed-{seed}" for seed in numbers for method in named
    }
    requests = {
        place: request.model_copy(update={"method": method, "seed": seed})
        for (method, seed), place in places.items()
    }
    code, failed = run_each(source, requests, workers=workers, on_event=on_event)
    stopped = {method for (method, _), place in places.items() if place in failed}
    whole = [method for method in named if method not in stopped]
    refuse_single(whole, failed)
    ended = {key: read_ended(place, place.name) for key, place in places.items() if key[0] in whole}
    with one_thread():
        figures = [one for key, run in ended.items() for one in figures_of(*key, run)]
        figures += _matched(ended)
        ranking = ranking_of(figures, whole, numbers, ended)
    table, picture = write_figures(folder, "methods", figures, draw_methods(figures))
    return Contest(
        folder=folder,
        picture=picture,
        table=table,
        seeds=numbers,
        ranking=ranking,
        figures=tuple(figures),
        runs=tuple(places[key] for key in ended),
        left_out=left_out(failed),
        exit_code=code,
    )


def figures_of(method: str, seed: int, run: Ended) -> list[MethodFigure]:
    """Return what a run says of its latent: scores of labels, and what needs no label."""
    found = []
    for one in run.results:
        part = str(one.settings.get("split", TEST))
        if one.features == "latent" and _told(one, part):
            found.append(_figure(method, seed, one, part))
    patients = numbered(run.patients)
    rows = np.flatnonzero([run.split[case] in ("train", "val") for case in run.cases])
    for label in run.labels:
        score = development_score(label, run.latent, rows, patients, seed=seed)
        if score is not None:
            found.append(_figure(method, seed, score, DEVELOPMENT, LABELLED))
    return found


def _matched(ended: Mapping[tuple[str, int], Ended]) -> list[MethodFigure]:
    """Return how nearly the latents of a method's seeds match, where enough cases are shared."""
    matched, _ = reseeded(list(ended.values()))
    by_name = {one.features: one for one in matched}
    return [
        _figure(*key, by_name[run.name], TEST) for key, run in ended.items() if run.name in by_name
    ]


def _told(one: Result, part: str) -> bool:
    if one.evaluation == LABELLED:
        return one.metric in ("auroc", "r2")
    wanted = WITHOUT_LABELS.get(one.evaluation)
    if wanted is None or one.metric != wanted[0]:
        return False
    return part in ("val", TEST) and (wanted[1] is None or one.target == wanted[1])


def _figure(
    method: str, seed: int, one: Result, part: str, evaluation: str | None = None
) -> MethodFigure:
    return MethodFigure(
        method=method,
        seed=seed,
        evaluation=evaluation or one.evaluation,
        target=one.target,
        metric=one.metric,
        part=part,
        value=one.value,
        low=one.low,
        high=one.high,
        n=one.n,
    )


def _refuse(methods: Sequence[str], request: Request, seeds: int) -> None:
    if len(methods) < 2:
        raise RequestError(
            "a comparison needs two methods", "--methods", "write --methods linear,vae"
        )
    if seeds < 1:
        raise RequestError(f"{seeds} seeds make no run", "--seeds", "try --seeds 3")
    if request.folds:
        raise RequestError(
            "folds score the patients that the choice rests on",
            f"--folds {request.folds}",
            "leave --folds out: every seed has another split",
        )
    if request.method is not None:
        raise RequestError(
            "one method and several are asked for", f"--method {request.method}", "leave it out"
        )
    refuse_rows_of_patients(request, "--per patient")
    for name in methods:
        method_named(name, request.settings)
