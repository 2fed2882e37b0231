"""From a plan, a method and two stores to a fitted network.

In: the plan, the method that it names, the network's spec, training and validation samples. Out:
the network with its best weights, and the plan with its length in steps. The closed form of a
linear method is set, not trained.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import IntArray, NetworkSpec, RequestError, content_hash, stream, stream_seed
from latentomics.training.loop import train_network
from latentomics.training.records import EpochRecord, Fitted, Optimisation, Progress, Trained

if TYPE_CHECKING:
    from latentomics.dataset import Pca, Store
    from latentomics.methods import Method
    from latentomics.models import Network
    from latentomics.objectives import Companion
    from latentomics.planning import Plan
    from latentomics.training.task import AutoencoderTask

OwnNetwork = Callable[["Plan"], "Network"]
LOOKED_AT, ROUNDING = 256, 1e-4  # samples; of stored values
NOT_IN_THE_BYTES = {  # of a plan
    "version", "request", "length", "threads", "classic", "mapped", "memory", "effort",
}  # fmt: skip
IN_THE_BYTES = {"settings", "seed"}  # of its request


def fit(
    plan: Plan,
    method: Method,
    spec: NetworkSpec,
    train: Store,
    validation: Store,
    folder: Path | None = None,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    initial: Pca | None = None,
    domains: IntArray | None = None,
    on_record: Callable[[EpochRecord], None] | None = None,
    own: OwnNetwork | None = None,
) -> Fitted:
    """Train the network of a plan and return it with its best weights.

    Parameters
    ----------
    plan : Plan
        Decides everything; its length may be a wall time.
    method : Method
        Likelihood, penalties and corruption.
    spec : NetworkSpec
        Architecture, mask channel included.
    train, validation : Store
        Samples; the validation pass is the same at every time.
    folder : Path, optional
        Run folder for checkpoint/ and history.jsonl.
    resume : bool
        Go on from the folder's checkpoint, where there is one.
    on_progress, on_record : callable, optional
        See ``train_network``.
    initial : Pca, optional
        Of the flattened training samples, channels first: where a linear path starts.
    domains : (training samples,) int, optional
        Site numbers, for methods that ask for them.
    own : callable, optional
        Makes a network of the user's own from the plan; it starts as it was made.

    Raises
    ------
    Interrupted, RequestError, IntegrityError
        See ``train_network``.
    """
    import torch

    _refuse_unbounded(method, train, plan.seed)
    started = _own_network(own, plan, spec) if own else _start(plan, method, spec, initial)
    network = started.to("cuda" if torch.cuda.is_available() else "cpu")
    task = make_task(plan, method, network, train, validation, domains)
    length = plan.length.value
    if method.closed_form:
        length = length.model_copy(update={"steps": 0, "decay_steps": 0})
    how = Optimisation(
        learning_rate=plan.learning_rate.value,
        length=length,
        epoch_steps=task.epoch_steps,
        batch=task.feed.batch,
        precision="float32" if method.closed_form else plan.precision.value,
        threads=plan.threads.value,
        identity=_identity(plan, spec, train, validation),
    )
    trained = train_network(
        network,
        task,
        how,
        folder=folder,
        resume=resume,
        on_progress=on_progress,
        on_record=on_record,
    )
    return Fitted(
        network=network,
        spec=spec,
        plan=_resolved(plan, trained),
        history=trained.history,
        outcome=trained.outcome,
        weights_sha256=trained.weights_sha256,
    )


def _start(plan: Plan, method: Method, spec: NetworkSpec, initial: Pca | None) -> Network:
    import torch

    from latentomics.models import build_network

    network = build_network(spec, plan.seed)
    if initial is not None and (spec.linear_path or spec.kind == "linear"):
        mean, components = torch.from_numpy(initial.mean), torch.from_numpy(initial.components)
        variances = torch.from_numpy(initial.variances).float()
        if spec.code == "gaussian":
            network.set_probabilistic(mean, components, variances, initial.discarded_variance)
        else:
            network.set_linear_path(mean, components, variances, held=method.generates)
    elif method.closed_form:
        raise RequestError(
            "a linear method in closed form needs principal components",
            f"method {plan.method.value}",
            "fit them on the training samples and give them as 'initial'",
        )
    return network


def _own_network(own: OwnNetwork, plan: Plan, spec: NetworkSpec) -> Network:
    """Return a network of the user's own, its weights drawn from the plan's seed.

    Raises
    ------
    RequestError
        When the function makes something else, or a network of another shape than the plan's.
    """
    import torch

    from latentomics.models import Network

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(plan.seed, "weights"))
        network = own(plan)
    if not isinstance(network, Network):
        raise RequestError(
            f"the network's function returned {type(network).__name__}",
            "network=...",
            "return a latentomics.models.Network",
        )
    if network.spec != spec:
        raise RequestError(
            "the network has another spec than the plan",
            "network=...",
            "give plan.network.value to Network.__init__",
        )
    return network


def _refuse_unbounded(method: Method, train: Store, seed: int) -> None:
    """Refuse a likelihood of values in [0, 1] where some of the first samples leave it."""
    import numpy as np

    from latentomics.objectives import LIKELIHOODS

    if not LIKELIHOODS[method.likelihood].bounded:
        return
    rows = np.arange(min(len(train), LOOKED_AT))
    values = train.batch(rows, stream(seed, "range of values")).values
    low, high = float(values.min()), float(values.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise RequestError(
            f"likelihood {method.likelihood} needs values in [0, 1], and there are some from "
            f"{low:.3g} to {high:.3g}",
            f"method {method.name}",
            "set normalisation to percentile, or use a Gaussian likelihood",
        )


def make_task(
    plan: Plan,
    method: Method,
    network: Network,
    train: Store,
    validation: Store,
    domains: IntArray | None = None,
) -> AutoencoderTask:
    """Return what a network is trained for, with the companion of its method."""
    from latentomics.training.feed import Feed
    from latentomics.training.task import AutoencoderTask

    device = next(network.parameters()).device
    feed = Feed(plan=plan, train=train, held_out=validation, device=device)
    return AutoencoderTask(
        network=network,
        plan=plan,
        method=method,
        feed=feed,
        domains=domains,
        companion=_companion(plan, method, network),
    )


def _companion(plan: Plan, method: Method, network: Network) -> Companion | None:
    from latentomics.objectives import COMPANIONS

    if method.companion is None:
        return None
    device = next(network.parameters()).device
    make = COMPANIONS[method.companion].make
    return make(network.spec.latent, device, plan.seed, method.all_options())


def _identity(plan: Plan, spec: NetworkSpec, train: Store, validation: Store) -> str:
    """Hash what decides the weights, apart from the length; no path, so a folder may move."""
    choices = plan.model_dump(mode="json", exclude=NOT_IN_THE_BYTES)
    values = {name: choice["value"] for name, choice in choices.items()}
    asked = plan.request.model_dump(mode="json", include=IN_THE_BYTES)
    return content_hash([values, asked, spec, list(train.cases), list(validation.cases)])


def _resolved(plan: Plan, trained: Trained) -> Plan:
    reason = plan.length.reason
    if plan.length.value.steps is None and trained.length.steps is not None:
        ended = trained.length.stop or trained.length.steps
        reason = f"{reason}; that came to {ended:,} steps here"
    if trained.length.halved_at:
        at = ", ".join(f"{step:,}" for step in trained.length.halved_at)
        reason = f"{reason}; memory ran out at step {at}: batches are computed in halves from there"
    choice = plan.length.model_copy(update={"value": trained.length, "reason": reason})
    return plan.model_copy(update={"length": choice})
