"""Export a model to ONNX, and see that the exported halves give what the network gives.

In: a run folder (its ``model/`` alone is needed). Out: ``encoder.onnx`` and ``decoder.onnx``, which
run without this package, with preprocessing in words and as a hash in their metadata. Both are
compared with torch on random inputs and on cases before they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentomics import __version__
from latentomics.core import FloatArray, IncompleteError, NetworkSpec, stream, write_atomic
from latentomics.features import input_of
from latentomics.flow.cohorts import new_cohort
from latentomics.flow.encoding import usable_cases
from latentomics.flow.fitting import load
from latentomics.flow.model import Model, load_fitted
from latentomics.flow.records import Event, ExportRecord, OnEvent, ignore
from latentomics.models import (
    DecoderHalf,
    EncoderHalf,
    free_size,
    onnx_bytes,
    require_onnx,
)
from latentomics.planning import Plan, load_plan, pipeline_of

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-5  # of the largest value, or of 1 where all are smaller
CASES = 8  # that both halves are compared on
RANDOM = 3  # inputs
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"


def export(
    run: Path,
    output: Path,
    *,
    cohort: Path | None = None,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> ExportRecord:
    """Write a run's encoder and decoder as ONNX.

    Parameters
    ----------
    run : Path
        A run folder, or a model folder alone.
    output : Path
        A folder; made where it is missing.
    cohort : Path, optional
        Cases to compare on; those of the run where its manifest is still there.

    Raises
    ------
    RequestError
        When the extra ``onnx`` is not installed, or the cohort cannot be read.
    IntegrityError
        When the model is not what was written.
    IncompleteError
        When an exported half differs from the network by more than 1e-5; nothing is written.
    """
    require_onnx()
    model = load_fitted(run / "model" if (run / "model").is_dir() else run)
    network = model.network.cpu().requires_grad_(False)
    spec = network.spec
    on_event(Event(stage="export", done=0, total=1, message="reading cases to compare on"))
    cases = _cases(model, cohort or _own_cohort(run), workers, on_event)
    inputs = [*_random(spec), *cases]
    encoder = EncoderHalf(network, pooled=model.plan.pooled.value)
    decoder = DecoderHalf(network)
    on_event(Event(stage="export", done=0, total=1, message="converting and comparing"))
    codes = [encoder(values)[0] for values in inputs]
    words = _properties(model)
    written = {
        ENCODER: onnx_bytes(encoder, inputs[0], words | _of_encoder(model, encoder)),
        DECODER: onnx_bytes(decoder, codes[0], words | _of_decoder(spec)),
    }
    difference = max(
        _difference(written[ENCODER], encoder, inputs),
        _difference(written[DECODER], decoder, codes),
    )
    if not difference <= TOLERANCE:
        raise IncompleteError(
            f"the exported model differs from torch by {difference:.1e}, more than {TOLERANCE:g}",
            str(run),
            "use this model through latentomics; nothing was written",
        )
    output.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        write_atomic(output / name, content)
    return ExportRecord(
        encoder=output / ENCODER,
        decoder=output / DECODER,
        difference=difference,
        tolerance=TOLERANCE,
        cases=len(cases),
        random=RANDOM,
    )


def _own_cohort(run: Path) -> Path | None:
    """Return the run's own manifest, where it still lies there."""
    plan = run / "plan.yaml"
    manifest = Path(load_plan(plan).request.manifest) if plan.is_file() else None
    return manifest if manifest is not None and manifest.exists() else None


def _cases(
    model: Model, source: Path | None, workers: int | None, on_event: OnEvent
) -> list[Tensor]:
    """Return some cases as the network reads them, (1, channels, *size) each."""
    import torch

    if source is None:
        return []
    request = model.plan.request
    cohort = new_cohort(source, request)
    usable = usable_cases(model.plan, cohort.cases[:CASES], workers=workers, on_event=on_event)
    if not usable.cases:
        return []
    store = load(model.plan, usable.prepared, [case.id for case in usable.cases])
    spec = model.network.spec
    found = (input_of(store, row, spec.channels_in) for row in range(len(store)))
    return [torch.from_numpy(_fitted(values, spec))[None] for values in islice(found, CASES)]


def _fitted(values: FloatArray, spec: NetworkSpec) -> FloatArray:
    """Return a sample (channels, *size) of a size that the exported encoder takes."""
    size = values.shape[1:]
    wanted = [-(-n // spec.stem) * spec.stem for n in size] if free_size(spec) else spec.size
    missing = [(0, max(0, n - have)) for n, have in zip(wanted, size, strict=True)]
    whole = np.pad(values, [(0, 0), *missing], mode="edge")
    return np.ascontiguousarray(whole[(slice(None), *(slice(n) for n in wanted))])


def _random(spec: NetworkSpec) -> Iterator[Tensor]:
    """Give standard normal inputs: several at once, and one alone."""
    import torch

    for count in (RANDOM, 1):
        shape = (count, spec.channels_in, *spec.size)
        yield torch.from_numpy(stream(0, "export", count).standard_normal(shape, np.float32))


def _difference(content: bytes, half: EncoderHalf | DecoderHalf, inputs: Sequence[Tensor]) -> float:
    """Return the largest difference between ONNX and torch, in units of the largest value."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    largest = 0.0
    for values in inputs:
        for one, other in zip(session.run(None, {name: values.numpy()}), half(values), strict=True):
            known = other.numpy()
            apart = float(np.abs(one - known).max() / max(1.0, float(np.abs(known).max())))
            largest = max(largest, apart if np.isfinite(apart) else np.inf)
    return largest


def _properties(model: Model) -> dict[str, str]:
    pipeline = pipeline_of(model.plan)
    return {
        "written_by": f"latentomics {__version__}",
        "use": "research only; not for clinical use",
        "method": model.plan.method.value,
        "weights_sha256": model.weights_sha256,
        "preprocessing": "; ".join(pipeline.describe()),
        "preprocessing_sha256": pipeline.hash,
    }


def _of_encoder(model: Model, encoder: EncoderHalf) -> dict[str, str]:
    plan, spec = model.plan, model.network.spec
    flips = plan.symmetries.value == "flips"
    return {
        "input": f"values: {_input_words(plan, spec)}",
        "output": "; ".join(_OUTPUTS[name] for name in encoder.names),
        "symmetries": f"features are means over all {2**spec.dimension} flips of a sample"
        if flips
        else "features are read once",
    }


def _of_decoder(spec: NetworkSpec) -> dict[str, str]:
    return {
        "input": "code: what the encoder gives",
        "output": f"reconstruction: {spec.channels_out} channels of expected intensities, in the "
        "unit of the encoder's input",
    }


def _input_words(plan: Plan, spec: NetworkSpec) -> str:
    masked = plan.mask_channel.value
    size = " x ".join(map(str, spec.size))
    if free_size(spec):
        size = f"any size in multiples of {spec.stem}, an axis filled with its last voxel"
    last = f", the last one {masked:g} inside the mask and 0 outside" if masked else ""
    return f"(batch, {spec.channels_in}, {size}) float32, prepared as said; channels first{last}"


_OUTPUTS = {
    "code": "code: the code, of a Gaussian the posterior's mean",
    "log_var": "log_var: logarithm of the posterior's variance",
    "read": "read: the map at half the stride, which features are pooled from",
    "pooled": "pooled: mean, SD and maximum of each encoder map",
}
