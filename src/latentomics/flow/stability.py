"""Stability of a run's features: test cases measured again by perturbing them, and real retests.

In: the fitting of the run's split and its cohort. Out: records of agreement for the learned
features and, on the same perturbed cases, for pooled intensities and size. How many test cases are
measured again depends on the budget that was asked for, never on how fast the machine is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from latentomics.core import Case, DoubleArray, Result, Sample, stream
from latentomics.dataset import Store, store_of
from latentomics.evaluation import numbered, retest_pairs, stability
from latentomics.features import (
    CHAINED,
    ByCase,
    Repeated,
    encode_store,
    intensity_features,
    repeated_features,
)
from latentomics.flow.baselines import reduce_pooled
from latentomics.flow.fitting import Fitting
from latentomics.flow.gather import Gathered, Split, counter
from latentomics.flow.records import OnEvent, ignore
from latentomics.models import Network
from latentomics.planning import Plan, Request, pipeline_of

MOST, FEWEST = 30, 10  # test cases measured again
SECONDS_A_CASE = 10.0  # of the budget: a run of a minute and a half measures ten again
RETEST = "retest"
RETESTED = ("latent", "pooled", "pca", "intensity")


def stability_of(
    gathered: Gathered,
    main: Fitting,
    *,
    again: bool = True,
    seed: int,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> list[Result]:
    """Report how far each set of features agrees with itself.

    Without ``again`` no case is perturbed, and only real retests are compared.
    """
    chosen = remeasured_cases(gathered, main, seed) if again else []
    repeated = measured_again(
        chosen,
        main.plan,
        main.fitted.network,  # type: ignore[arg-type]
        main.pooled_components,
        seed=seed,
        workers=workers,
        on_done=counter("stability", len(chosen), "measuring test cases again", on_event),
    )
    results = [] if repeated is None else _perturbed(gathered, repeated, seed)
    return results + _retested(gathered, main, seed)


def measured_again(
    cases: Sequence[Case],
    plan: Plan,
    network: Network,
    pooled: tuple[DoubleArray, DoubleArray] | None,
    *,
    seed: int,
    workers: int | None = None,
    on_done: Callable[[object], None] | None = None,
) -> Repeated | None:
    """Measure cases again in every way, and describe them; ``pooled`` reduces the pooled maps."""
    return repeated_features(
        cases,
        pipeline_of(plan),
        lambda samples: _store(plan, samples),
        lambda store: _describe(plan, network, pooled, store),
        classic=None if plan.classic is None else plan.classic.value,
        seed=seed,
        workers=workers,
        on_done=on_done,
    )


def cases_for(request: Request) -> int:
    """Return how many test cases a run measures again.

    Examples
    --------
    >>> [cases_for(Request(manifest="", budget_s=s)) for s in (60.0, 200.0, None)]
    [10, 20, 30]
    """
    if request.budget_s is None:
        return MOST
    return int(np.clip(request.budget_s / SECONDS_A_CASE, FEWEST, MOST))


def remeasured_cases(gathered: Gathered, main: Fitting, seed: int) -> list[Case]:
    """Return test cases in random order, every patient once before any comes twice."""
    known = set(main.cases)
    test = [c for c in gathered.cases if main.split.get(c.id) == "test" and c.id in known]
    return in_turn(test, stream(seed, "stability"))[: cases_for(gathered.request)]


def in_turn(cases: Sequence[Case], draws: np.random.Generator) -> list[Case]:
    """Return cases in random order, every patient once before any comes twice."""
    order = [cases[row] for row in draws.permutation(len(cases))]
    seen: Counter[str] = Counter()
    turn = {}
    for case in order:
        turn[case.id] = seen[case.patient]
        seen[case.patient] += 1
    return sorted(order, key=lambda case: turn[case.id])


def remeasuring_s(
    gathered: Gathered, plan: Plan, network: Network, split: Split, now: Callable[[], float]
) -> float:
    """Return the seconds that measuring test cases again will take, from one of them."""
    test = [case for case in gathered.cases if split.get(case.id) == "test"]
    begun = now()
    repeated_features(
        test[:1],
        pipeline_of(plan),
        lambda samples: _store(plan, samples),
        lambda store: {"latent": encode_store(network, plan, store).latent},
        classic=None if plan.classic is None else plan.classic.value,
        seed=plan.seed,
        workers=1,
    )
    return (now() - begun) * min(len(test), cases_for(gathered.request))


def _store(plan: Plan, samples: Sequence[Sample]) -> Store:
    return store_of(
        samples,
        patch=plan.size.value if plan.view.value == "local" else None,
        loss_region=plan.loss_region.value,
        ring_mm=plan.margin.value,
        mask_channel=plan.mask_channel.value,
        several=plan.several,
    )


def _describe(
    plan: Plan, network: Network, pooled: tuple[DoubleArray, DoubleArray] | None, store: Store
) -> Mapping[str, ByCase]:
    encoded = encode_store(network, plan, store)
    found = {"latent": encoded.latent}
    if encoded.pooled is not None and pooled is not None:
        found["pooled"] = reduce_pooled(encoded.pooled, pooled)
    by_region = plan.loss_region.value != "all"
    return found | {"intensity": intensity_features(store, by_region=by_region)}


def _perturbed(gathered: Gathered, repeated: Repeated, seed: int) -> list[Result]:
    patient = {case.id: case.patient for case in gathered.cases}
    patients = numbered([patient[case] for case in repeated.cases])
    return [
        result
        for name, table in repeated.tables.items()
        for kind in repeated.kinds
        for result in stability(
            name,
            repeated.names[name],
            table[:, repeated.raters(kind)],
            patients,
            target=kind,
            detail=kind == CHAINED,
            seed=seed,
        )
    ]


def _retested(gathered: Gathered, main: Fitting, seed: int) -> list[Result]:
    by_id = {case.id: case for case in gathered.cases}
    test = [case for case in main.cases if main.split.get(case) == "test"]
    pairs = retest_pairs(test, [by_id[case].retest_of for case in test])
    if not pairs:
        return []
    patients = numbered([by_id[test[first]].patient for first, _ in pairs])
    place = {case: row for row, case in enumerate(main.cases)}
    rows = np.array([place[case] for case in test])[np.array(pairs)]  # (pairs, 2)
    return [
        result
        for name in RETESTED
        if name in main.features
        for result in stability(
            name,
            main.features[name].names,
            main.features[name].values[rows],
            patients,
            target=RETEST,
            detail=True,
            settings={"pairs": len(pairs)},
            seed=seed,
        )
    ]
