"""The plan of a run, made from the training cases.

In: a gathered cohort and a split of it. Out: a ``Plan`` whose precision was measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from latentomics.core import Case, RequestError, usable_cores
from latentomics.dataset import open_store, prepare_cohort
from latentomics.flow.gather import Gathered, Split, cache_folder
from latentomics.flow.memory import need_of
from latentomics.methods import Method, method_named, method_of
from latentomics.objectives import COMPANIONS, LIKELIHOODS, beta_norm
from latentomics.planning import (
    COARSER,
    Architecture,
    Choice,
    Fingerprint,
    Plan,
    available_hardware,
    explained_shares,
    fingerprint_of,
    first_that_fits,
    make_plan,
    smaller_plans,
)
from latentomics.preprocess import Pipeline

SPECTRUM_CASES = 256
PACE = ("network", "batch")  # what decides how long a step takes


def decide(
    gathered: Gathered,
    split: Split,
    *,
    like: Plan | None = None,
    workers: int | None,
    own: Method | None = None,
) -> Plan:
    """Plan a fitting from its training cases alone; ``own`` is a method without an entry.

    A network that ``like`` has too is as fast as it was there, and is not measured again.
    """
    training = [case for case in gathered.cases if split[case.id] == "train"]
    found = fingerprint_of(training, [gathered.facts[case.id] for case in training])
    request = gathered.request

    def architecture(method: str) -> Architecture:
        named = method_named(method, request.settings, own)
        output = LIKELIHOODS[named.likelihood].output
        return Architecture(
            kind=named.kinds[0],
            code=named.code,
            output=output,
            linear=named.linear_start,
            latent=named.latent,
            fields=named.network,
            uses=named.uses,
        )

    def plans() -> Iterator[Plan]:
        for coarser in COARSER:
            plan = make_plan(
                request,
                found,
                available_hardware().threads,
                architecture_of=architecture,
                training=len(training),
                spectrum=_spectrum(training, workers),
                coarser=coarser,
            )
            _refuse_one_site(plan, found)
            method_of(plan, own)  # refuses a pairing that makes no sense before anything is trained
            yield from smaller_plans(plan)

    plan = _that_fits(plans(), gathered, len(training), workers)
    plan = _weighed(plan, own)
    if like is not None and all(getattr(like, n).value == getattr(plan, n).value for n in PACE):
        same = {name: getattr(like, name) for name in ("network", "precision", "threads")}
        return plan.model_copy(update=same)
    return with_measured_pace(_counted(plan))


def within_memory(plan: Plan, gathered: Gathered, split: Split, *, workers: int | None) -> Plan:
    """Return an edited plan, or one begun elsewhere, with its samples mapped where it has to be.

    Raises
    ------
    RequestError
        When it cannot fit in the memory of this machine.
    """
    training = sum(split[case.id] == "train" for case in gathered.cases)
    return _that_fits(smaller_plans(plan, only_mapped=True), gathered, training, workers)


def _that_fits(
    plans: Iterator[Plan], gathered: Gathered, training: int, workers: int | None
) -> Plan:
    facts = [gathered.facts[case.id] for case in gathered.cases]
    return first_that_fits(
        plans,
        lambda plan: need_of(plan, facts, training),
        available_hardware(gathered.request.memory_bytes).memory_bytes,
        workers or usable_cores(),
    )


def _weighed(plan: Plan, own: Method | None = None) -> Plan:
    """Return the plan with the weight of its KL, as it stands and in Higgins' unit (METHODS 1)."""
    method = method_of(plan, own)
    set_by = () if method.companion is None else COMPANIONS[method.companion].sets
    if "kl" in set_by or not method.beta_weighs_kl:
        return plan
    beta = method.penalties["kl"]
    norm = beta_norm(beta, plan.network.value)
    reason = f"{plan.method.reason}; beta {beta:g}, beta_norm {norm:.3g}"
    return plan.model_copy(update={"method": Choice(value=plan.method.value, reason=reason)})


def _refuse_one_site(plan: Plan, found: Fingerprint) -> None:
    if "site" in plan.uses.value and found.sites < 2:
        raise RequestError(
            "a method that learns against the site needs training cases of two sites or more",
            f"method {plan.method.value}: {found.sites} known site(s)",
            "name the column of the sites with --site, or leave the setting out",
        )


def _counted(plan: Plan) -> Plan:
    """Return the plan with the parameters of its network and of a dense one (METHODS 29)."""
    from latentomics.models import parameter_counts

    counts = parameter_counts(plan.network.value)
    reason = (
        f"{plan.network.reason}; {counts.network:,} parameters, {counts.dense:,} with dense maps "
        f"between the same tensors, {counts.one_position:,} where those give one position"
    )
    return plan.model_copy(update={"network": Choice(value=plan.network.value, reason=reason)})


def with_measured_pace(plan: Plan) -> Plan:
    """Return the plan with the precision and threads that this machine trains fastest with."""
    from latentomics.training import measure_pace

    pace = measure_pace(plan.network.value, plan.threads.value, plan.batch.value)
    precision: Choice[Literal["float32", "bfloat16"]] = Choice(
        value=pace.precision, reason=pace.reason
    )
    threads: Choice[int] = Choice(
        value=pace.threads, reason="the faster of one and all, as measured"
    )
    return plan.model_copy(update={"precision": precision, "threads": threads})


def _spectrum(
    training: Sequence[Case], workers: int | None
) -> Callable[[Pipeline], tuple[float, ...]]:
    def shares(pipeline: Pipeline) -> tuple[float, ...]:
        step = max(1, len(training) // SPECTRUM_CASES)
        some = training[::step]
        prepared = prepare_cohort(some, pipeline, cache_folder(), workers=workers)
        ids = [entry.case for entry in prepared.entries]
        store = open_store(prepared, ids)
        values = store.batch(np.arange(min(len(store), 2 * SPECTRUM_CASES)), None).values
        return explained_shares(values.reshape(len(values), -1).numpy())

    return shares
