"""What the posterior of a finished run's code says, measured when it is asked for.

In: a run folder. Out: the likelihood of held-out cases as records in results.json, and variances of
latents as columns of features.parquet, in place of earlier ones; the report written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentomics.core import Case, DoubleArray, RequestError, Result
from latentomics.dataset import Store
from latentomics.evaluation import description_bits, likelihood, numbered
from latentomics.features import (
    Columns,
    Weighed,
    importance_weights,
    noise_log_sd,
    posterior_variances,
    read_table,
    with_group,
    write_with_dictionary,
)
from latentomics.flow.evidence import without_intervals
from latentomics.flow.folder import read_results, write_results
from latentomics.flow.gather import counter
from latentomics.flow.opened import Opened, load_run, open_run
from latentomics.flow.patients import refuse_rows_of_patients
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.flow.sealing import renew, verify
from latentomics.sources import stored_steps


def posterior(
    run: Path,
    *,
    nll: int | None = None,
    variances: bool = False,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> tuple[Result, ...]:
    """Measure what only a Gaussian code has.

    Parameters
    ----------
    run : Path
        The run folder.
    nll : int, optional
        Negative log likelihood of held-out cases by so many draws from each posterior.
    variances : bool
        Variances of the posterior as columns of the feature table.

    Raises
    ------
    RequestError
        When nothing is asked for, or the run's code has no posterior.
    IntegrityError
        When a file of the run is not what was written.
    """
    if nll is None and not variances:
        raise RequestError("nothing is asked for", "evaluate", "add --nll 500 or --posterior")
    if nll is not None and nll < 1:
        raise RequestError(f"{nll} draws estimate nothing", "--nll", "try --nll 500")
    from latentomics.training import lock_folder

    model, method = load_run(run)
    _refuse_other_codes(method.name, method.code)
    if variances:
        refuse_rows_of_patients(model.plan.request, str(run))
    with lock_folder(run):
        verify(run)
        opened = open_run(run, model, method, workers=workers, on_event=on_event)
        results: list[Result] = []
        changed: list[str] = []
        if nll is not None:
            results += likelihood_results(opened, nll, on_event)
            results = without_intervals(results) if model.plan.request.demonstration else results
            kept = [r for r in read_results(run / "results.json") if r.evaluation != "likelihood"]
            write_results(run / "results.json", [*kept, *results])
            changed.append("results.json")
        if variances:
            _add_variances(run, opened, on_event)
            changed += ["features.parquet", "features_dictionary.csv"]
        on_event(Event(stage="report", done=0, total=1, message="the report, again"))
        renew(run, changed)
    return tuple(results)


def _refuse_other_codes(method: str, code: str) -> None:
    if code != "gaussian":
        raise RequestError(
            f"method {method} gives each sample one code and no posterior, so it has no likelihood "
            "and no variances",
            f"code {code}",
            "use a method with a Gaussian code, such as vae",
        )


def likelihood_results(opened: Opened, draws: int, on_event: OnEvent = ignore) -> list[Result]:
    """Return the likelihood of the held-out cases; the noise level is that of training cases."""
    plan, network = opened.model.plan, opened.model.network
    store, name = opened.part(opened.held_out), opened.method.likelihood
    on_event(Event(stage="evaluate", done=0, total=1, message="noise level of training cases"))
    log_sd = noise_log_sd(network, name, opened.part("train"), plan.seed)
    weighed = importance_weights(
        network,
        name,
        store,
        draws=draws,
        seed=plan.seed,
        log_sd=log_sd,
        on_done=counter("evaluate", len(store), "likelihood", on_event),
    )
    by_id = {case.id: case for case in opened.cases}
    settings: dict[str, object] = {
        "draws": draws,
        "split": opened.held_out,
        "samples": len(store),
        "likelihood": name,
        "region": plan.loss_region.value,
        "unit": "nats, of intensities in normalised units",
    }
    return likelihood(
        weighed.log_weights,
        numbered([by_id[case].patient for case in store.cases]),
        values=weighed.values,
        bits=_bits(name, weighed, store, by_id),
        settings=settings | ({} if log_sd is None else {"noise_sd": float(np.exp(log_sd))}),
        seed=plan.seed,
    )


def _bits(
    likelihood_name: str, weighed: Weighed, store: Store, by_id: dict[str, Case]
) -> DoubleArray | None:
    """Return the bits of each sample's description; None where no density of steps is known."""
    if not likelihood_name.startswith("gaussian"):
        return None
    cases: Sequence[str] = tuple(dict.fromkeys(store.cases))
    steps = {case: stored_steps(by_id[case]) for case in cases}
    if any(step is None for channels in steps.values() for step in channels):
        return None
    log_step = {
        case: float(np.log(np.array(found, np.float64)).sum()) for case, found in steps.items()
    }
    voxels = weighed.values / store.channels
    lattice = np.array([log_step[case] for case in store.cases]) * voxels
    return description_bits(-weighed.log_weights.mean(axis=1), weighed.log_scale, lattice)


def _add_variances(run: Path, opened: Opened, on_event: OnEvent) -> None:
    on_event(Event(stage="evaluate", done=0, total=1, message="variances of the posterior"))
    found = posterior_variances(opened.model.network, opened.model.plan, opened.store)
    path = run / "features.parquet"
    columns = Columns(names=found.names, values=found.values)
    write_with_dictionary(with_group(read_table(path), "posterior", found.cases, columns), path)
