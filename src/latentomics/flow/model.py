"""The model folder: all that is needed to encode new cases elsewhere.

Holds weights.safetensors, model.json (plan, pipeline, hashes), reference.safetensors (what codes
and errors of the cohort look like, and the components of pooled maps) and MODEL_CARD.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from latentomics import __version__
from latentomics.core import DoubleArray, IntegrityError, file_sha256, write_atomic
from latentomics.features import FeatureTable, Reference, fit_reference
from latentomics.flow.fitting import Fitting
from latentomics.models import Network, build_network
from latentomics.planning import Plan, pipeline_of
from latentomics.training import load_model, save_model

REFERENCE = "reference.safetensors"
POOLED = ("pooled_mean", "pooled_directions")
_WORDS = TypeAdapter(list[list[str]])
_FACTS = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A fitted model as it was stored."""

    network: Network
    plan: Plan
    weights_sha256: str
    reference: Reference | None
    pooled_components: tuple[DoubleArray, DoubleArray] | None
    groups: Mapping[str, tuple[str, ...]]  # columns of the run's table by group
    provenance: Mapping[str, str]  # of the run's table


def write_model(folder: Path, main: Fitting, table: FeatureTable) -> str:
    """Write the model folder, less its card; return the sha256 of the weights.

    ``table`` is the run's: new cases get its columns in its order.
    """
    from safetensors.numpy import save

    folder.mkdir(exist_ok=True)
    arrays = _reference_arrays(main)
    write_atomic(folder / REFERENCE, save(arrays))
    portable = main.plan.model_copy(
        update={"request": main.plan.request.model_copy(update={"manifest": ""})}
    )
    description = {
        "version": __version__,
        "plan": portable.model_dump(mode="json"),
        "pipeline": pipeline_of(main.plan).plain(),
        "pipeline_sha256": pipeline_of(main.plan).hash,
        "reference_sha256": file_sha256(folder / REFERENCE),
        "columns": [[name, *columns] for name, columns in table.groups.items()],  # in this order
        "provenance": dict(table.provenance),
    }
    return save_model(folder, main.fitted.network, description)


def load_fitted(folder: Path) -> Model:
    """Load a model folder; every file is checked against its recorded hash.

    Raises
    ------
    IntegrityError
        When a file is missing or not what was written.
    """
    import torch
    from safetensors.numpy import load

    weights, description = load_model(folder)
    path = folder / REFERENCE
    if not path.is_file() or file_sha256(path) != description.get("reference_sha256"):
        raise IntegrityError(
            "the model's reference is not what was written", str(path), "copy the model again"
        )
    try:
        plan = Plan.model_validate(description["plan"])
        columns = _WORDS.validate_python(description["columns"])
        provenance = _FACTS.validate_python(description["provenance"])
    except (KeyError, ValidationError):
        raise IntegrityError(
            "the model's description is not one of this version",
            str(folder / "model.json"),
            "copy the model again, or repeat the run",
        ) from None
    network = build_network(plan.network.value, plan.seed)
    network.load_state_dict(weights)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    arrays = {
        name: np.asarray(array, np.float64) for name, array in load(path.read_bytes()).items()
    }
    return Model(
        network=network.to(device).eval(),
        plan=plan,
        weights_sha256=str(description["weights_sha256"]),
        reference=Reference.from_arrays(arrays) if "whitening" in arrays else None,
        pooled_components=(arrays[POOLED[0]], arrays[POOLED[1]]) if POOLED[0] in arrays else None,
        groups={name: tuple(own) for name, *own in columns},
        provenance=provenance,
    )


def _reference_arrays(main: Fitting) -> dict[str, DoubleArray]:
    side = np.array([main.split.get(case) for case in main.cases])
    errors = case_errors(main.errors["latent"], main.sample_cases, main.cases)
    values = main.features["latent"].values
    reference = fit_reference(values[side == "train"], values[side == "val"], errors[side == "val"])
    arrays = {"version": np.ones(1)} if reference is None else reference.arrays()
    if main.pooled_components is not None:
        arrays = arrays | dict(zip(POOLED, main.pooled_components, strict=True))
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def case_errors(
    errors: DoubleArray, sample_cases: Sequence[str], cases: Sequence[str]
) -> DoubleArray:
    """Return the mean error of each case's samples."""
    place = {case: number for number, case in enumerate(cases)}
    rows = np.array([place[case] for case in sample_cases])
    means: DoubleArray = np.bincount(rows, errors, len(cases)) / np.bincount(
        rows, minlength=len(cases)
    )
    return means
