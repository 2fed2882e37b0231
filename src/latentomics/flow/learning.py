"""Train on a cohort and describe cases with what was learned: no run folder, no evidence.

In: a cohort that was read and what is asked of it. Out: ``Learned``, and the latent columns of any
cases: (cases, latents) float32, in their order. Every case is trained on but the validation part,
which is dealt out by patient and says when to stop; nothing is held out to test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from latentomics.core import Case, FloatArray, IncompleteError, Rejection
from latentomics.features import encode_store
from latentomics.flow.clock import Clock, budget_of
from latentomics.flow.decide import decide
from latentomics.flow.encoding import usable_cases
from latentomics.flow.fitting import fit_split, load, stores_of
from latentomics.flow.foresight import Alone
from latentomics.flow.gather import gather, prepare_cases, without
from latentomics.flow.records import ignore
from latentomics.methods import Method
from latentomics.models import Network
from latentomics.planning import Plan, Request
from latentomics.sources import Cohort
from latentomics.training import OwnNetwork

SHARES = (0.85, 0.15, 0.0)  # train, validation, test


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A network that was fitted, the plan it was fitted by, and the cases left out of it."""

    network: Network
    plan: Plan
    names: tuple[str, ...]  # of the latent columns
    rejected: tuple[Rejection, ...]

    def __reduce__(self) -> tuple[Callable[..., Learned], tuple[object, ...]]:
        """Pickle the plan as plain values: the types of its choices have no importable name."""
        return _restored, (self.network, self.plan.model_dump(), self.names, self.rejected)


def _restored(
    network: Network,
    plan: Mapping[str, object],
    names: tuple[str, ...],
    rejected: tuple[Rejection, ...],
) -> Learned:
    return Learned(network=network, plan=Plan.model_validate(plan), names=names, rejected=rejected)


def learn(
    cohort: Cohort,
    request: Request,
    *,
    own: Method | None = None,
    own_network: OwnNetwork | None = None,
    workers: int | None = None,
) -> Learned:
    """Plan, prepare and train on these cases alone.

    Parameters
    ----------
    own : Method, optional
        A method of the user's own, in place of the one that the request names.
    own_network : callable, optional
        Makes a network of the user's own from the plan, in place of the one that the plan names.

    Raises
    ------
    RequestError
        When what is asked makes no sense.
    IncompleteError
        When too few cases are left to train.
    """
    clock = Clock(budget_s=budget_of(request))
    gathered = gather(request, cohort=cohort, shares=SHARES, workers=workers)
    plan = decide(gathered, gathered.split, workers=workers, own=own)
    if own_network is not None:
        plan = _for_own(plan, own_network)
    prepared = prepare_cases(gathered.cases, plan, workers=workers)
    gathered = without(gathered, prepared.rejected, held_out="val")
    stores = stores_of(plan, prepared, gathered.cases, gathered.split)
    with TemporaryDirectory(prefix="latentomics-") as folder:
        fitting = fit_split(
            plan,
            stores,
            Path(folder),
            resume=False,
            timing=Alone(clock=clock),
            own=own,
            own_network=own_network,
            on_event=ignore,
        )
    return Learned(
        network=fitting.fitted.network,  # type: ignore[arg-type]
        plan=fitting.plan,
        names=fitting.features["latent"].names,
        rejected=gathered.rejected,
    )


def _for_own(plan: Plan, own_network: OwnNetwork) -> Plan:
    """Return the plan without what only the package's networks have: PCA beside, pooled maps."""
    name = getattr(own_network, "__qualname__", type(own_network).__name__)
    reason = f"a network of the user's own: {name}"
    spec = replace(plan.network.value, linear_path=False)
    network = plan.network.model_copy(update={"value": spec, "reason": reason})
    pooled = plan.pooled.model_copy(update={"value": False, "reason": reason})
    return plan.model_copy(update={"network": network, "pooled": pooled})


def latents(learned: Learned, cases: Sequence[Case], *, workers: int | None = None) -> FloatArray:
    """Return the latent columns of cases, one row each in their order.

    Raises
    ------
    IncompleteError
        When a case cannot be read or prepared: a row of an array cannot be left out.
    """
    usable = usable_cases(learned.plan, cases, workers=workers)
    if usable.rejected:
        first = usable.rejected[0]
        raise IncompleteError(
            f"{len(usable.rejected)} of {len(cases)} cases cannot be described, the first of them: "
            f"{first.reason}",
            f"case {first.case} ({first.file})",
            f"{first.remedy}; or leave these cases out",
        )
    store = load(learned.plan, usable.prepared, [case.id for case in cases])
    found = encode_store(learned.network, learned.plan, store).latent
    place = {case: row for row, case in enumerate(found.cases)}
    return found.values[[place[case.id] for case in cases]]
