"""One fitting: an encoder and everything beside it, on one split, and the features of all cases.

In: a gathered cohort, its prepared samples, a split and a plan. Out: a ``Fitting``: the fitted
network, features of every case by name, and reconstruction errors of every sample. In folds the
same is done again with other training cases (PROMISES L5), errors left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from latentomics.core import Case, DoubleArray, IntArray, RequestError
from latentomics.dataset import Prepared, Store, open_store
from latentomics.features import ByCase, Classified, Encoded, encode_store, network_errors
from latentomics.flow.baselines import (
    Baselines,
    Unfitted,
    baselines,
    pooled_components,
    reduce_pooled,
    unfitted,
)
from latentomics.flow.gather import Split
from latentomics.flow.records import Event, OnEvent
from latentomics.methods import Method, method_of
from latentomics.planning import Plan, pipeline_of
from latentomics.training import EpochRecord, Fitted, OwnNetwork, Progress, fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitting:
    """What was fitted on one split; rows of features are ``cases``, of errors the samples."""

    plan: Plan
    split: Split
    fitted: Fitted
    cases: tuple[str, ...]
    sample_cases: tuple[str, ...]
    features: Mapping[str, ByCase]
    encoded: Encoded
    errors: Mapping[str, DoubleArray]
    beside: Unfitted
    pooled_components: tuple[DoubleArray, DoubleArray] | None  # mean and components of the maps
    classic: Classified | None = None  # rows are cases
    sizes: DoubleArray | None = None  # log volumes (rows, 1), where rows are patients


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stores:
    """The samples of one split: training, validation, and all cases in the cohort's order."""

    split: Split
    train: Store
    validation: Store
    every: Store
    domains: IntArray  # (training samples,) number of the site, -1 where it is unknown


UNFITTED = ("network", "symmetries", "loss_region", "mask_channel", "pooled")  # beside samples


class Timing(Protocol):
    """Says what a training has time for, once it is known what is there before."""

    def affords(self, encoding_s: float) -> bool:
        """Whether further untrained encoders can be read, each in so many seconds."""

    def allow(self, plan: Plan, stores: Stores, beside: Unfitted, fixed: Baselines) -> Plan:
        """Return the plan with the wall time that training may take."""


def stores_of(plan: Plan, prepared: Prepared, cases: Sequence[Case], split: Split) -> Stores:
    """Open the samples of a split.

    Raises
    ------
    RequestError
        When a part is empty.
    """
    every = load(plan, prepared, [case.id for case in cases])

    def of(part: str) -> Store:
        ids = [case.id for case in cases if split.get(case.id) == part]
        if not ids:
            raise RequestError(
                f"no case is in part {part!r} of the split", "column split", "add such cases"
            )
        return every.of(ids)

    train = of("train")
    return Stores(
        split=split,
        train=train,
        validation=of("val"),
        every=every,
        domains=_domains(cases, train),
    )


def _domains(cases: Sequence[Case], train: Store) -> IntArray:
    sites = {case.id: case.site for case in cases}
    known = [sites[case] for case in train.cases]
    names = sorted({site for site in known if site is not None})
    return np.array([-1 if site is None else names.index(site) for site in known], np.int64)


def load(plan: Plan, prepared: Prepared, ids: Sequence[str]) -> Store:
    """Open the samples of some cases as the plan's network reads them."""
    local = plan.view.value == "local"
    return open_store(
        prepared,
        ids,
        patch=plan.size.value if local else None,
        loss_region=plan.loss_region.value,
        ring_mm=plan.margin.value,
        mask_channel=plan.mask_channel.value,
        mapped=plan.mapped.value,
        several=plan.several,
    )


def fit_split(
    plan: Plan,
    stores: Stores,
    folder: Path,
    *,
    resume: bool,
    sharing: Sequence[Split] = (),
    timing: Timing | None = None,
    like: Fitting | None = None,
    own: Method | None = None,
    own_network: OwnNetwork | None = None,
    on_event: OnEvent,
    on_record: Callable[[EpochRecord], None] | None = None,
) -> Fitting:
    """Fit baselines, then the network, and describe every case with both.

    Parameters
    ----------
    sharing : sequence of Split
        Those of folds that will share what learns nothing.
    timing : Timing, optional
        Where the plan's length does not stand.
    like : Fitting, optional
        That of the run's own split, for a fold: what learns nothing is shared where samples and
        shape are the same, and errors of reconstruction are not measured again.
    own : Method, optional
        The plan's method, where it is the user's and has no entry.
    own_network : callable, optional
        Makes the network, where it is the user's.
    on_record : callable, optional
        Told each line of the history when it is written.
    """
    import torch

    torch.set_num_threads(plan.threads.value)
    on_event(Event(stage="baselines", done=0, total=1, message="PCA and untrained encoders"))
    shared = _shared(plan, stores, like)
    beside = shared or unfitted(
        plan,
        stores.every,
        trainings_of(stores, sharing),
        affords=timing.affords if timing else lambda _: True,
    )
    fixed = baselines(plan, stores.train, stores.every, beside, judged=like is None)
    if timing is not None:
        plan = timing.allow(plan, stores, beside, fixed)
    fitted = fit(
        plan,
        method_of(plan, own),
        plan.network.value,
        stores.train,
        stores.validation,
        folder,
        resume=resume,
        on_progress=_teller(on_event),
        initial=fixed.initial,
        domains=stores.domains,
        own=own_network,
        on_record=on_record,
    )
    on_event(Event(stage="encode", done=0, total=1, message="encoding every case"))
    return described(fitted, stores, beside, fixed, judged=like is None)


def trainings_of(stores: Stores, sharing: Sequence[Split] = ()) -> list[frozenset[str]]:
    """Return the training cases of a split, and of those that share what learns nothing."""
    every = dict.fromkeys(stores.every.cases)
    others = [frozenset(case for case in every if one.get(case) == "train") for one in sharing]
    return list(dict.fromkeys([frozenset(stores.train.cases), *others]))


def _shared(plan: Plan, stores: Stores, like: Fitting | None) -> Unfitted | None:
    if like is None or like.sample_cases != stores.every.cases or not alike(like.plan, plan):
        return None
    return like.beside if like.beside.serves(frozenset(stores.train.cases)) else None


def alike(plan: Plan, other: Plan) -> bool:
    """Whether what learns nothing is the same for both plans, given the same cases."""
    if plan is other:
        return True
    same = all(getattr(plan, name).value == getattr(other, name).value for name in UNFITTED)
    return same and pipeline_of(plan) == pipeline_of(other)


def described(
    fitted: Fitted,
    stores: Stores,
    beside: Unfitted,
    fixed: Baselines,
    *,
    judged: bool,
    components: tuple[DoubleArray, DoubleArray] | None = None,
) -> Fitting:
    """Describe every case with a fitted network and with what stands beside it.

    Parameters
    ----------
    judged : bool
        Whether errors of reconstruction are measured.
    components : tuple, optional
        Mean and components of pooled maps, where they were fitted before.
    """
    network, plan = fitted.network, fitted.plan
    encoded = encode_store(network, plan, stores.every, regions=beside.regions)  # type: ignore[arg-type]
    features = {"latent": encoded.latent, **fixed.features}
    if encoded.pooled is not None:
        if components is None:
            components = pooled_components(encoded.pooled, set(stores.train.cases), plan.seed)
        features["pooled"] = reduce_pooled(encoded.pooled, components)
    errors = dict(fixed.errors)
    if judged:
        errors = {"latent": network_errors(network, stores.every), **errors}  # type: ignore[arg-type]
    return Fitting(
        plan=plan,
        split=stores.split,
        fitted=fitted,
        cases=encoded.cases,
        sample_cases=stores.every.cases,
        features=features,
        encoded=replace(encoded, pooled=None),  # wide; what was kept of it is a feature
        errors=errors,
        beside=beside,
        pooled_components=components,
    )


def _teller(on_event: OnEvent) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        terms = ", ".join(f"{name} {value:.4g}" for name, value in progress.terms.items())
        on_event(
            Event(
                stage="train",
                done=progress.fraction,
                total=1.0,
                seconds_left=progress.seconds_left,
                message=f"step {progress.step}: {terms}",
                remark=progress.remark,
            )
        )

    return tell
