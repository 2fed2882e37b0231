"""Models of volumes as ONNX, from a cohort to the columns of its table."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from latentomics import flow
from latentomics.core import FloatArray
from latentomics.dataset import Store
from latentomics.features import input_of, network_regions, read_table
from latentomics.features.regional import pooled_over
from latentomics.features.samples import flips_of
from latentomics.flow.encoding import usable_cases
from latentomics.flow.fitting import load
from latentomics.flow.model import Model, load_fitted
from latentomics.planning import Request
from latentomics.sources import read_cohort

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
CASES, COMPARED = 14, 3
SIZE = (16, 18, 12)


def write(folder: Path) -> Path:
    """Write small volumes with a ball each, and its mask."""
    rng = np.random.default_rng(0)
    lines = ["case,image,mask,modality"]
    for number in range(CASES):
        centre = np.array(SIZE) / 2 + rng.uniform(-2, 2, 3)
        apart = np.indices(SIZE) - centre[:, None, None, None]
        inside = np.sqrt((apart**2).sum(0)) < rng.uniform(2.5, 4.5)
        values = (100 + 80 * inside + rng.normal(0, 5, SIZE)).astype(np.float32)
        for name, array in (("image", values), ("mask", inside.astype(np.uint8))):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / f"{name}{number}.nii.gz")
        lines.append(f"c{number},image{number}.nii.gz,mask{number}.nii.gz,MR")
    path = folder / "cohort.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES),
    reason="the extra 'onnx' is not installed",
)
@pytest.mark.parametrize("method", ["local", "autoencoder"])
def test_an_exported_model_of_volumes_gives_the_columns_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    import onnxruntime

    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    manifest = write(tmp_path)
    asked = Request(method=method, latent=4, epochs=1)
    record = flow.run(manifest, tmp_path / "RUN", asked, workers=1)
    exported = flow.export(record.folder, tmp_path / "portable", workers=1)
    assert exported.cases == 8
    assert exported.difference <= 1e-5
    model = load_fitted(record.folder / "model")
    spec = model.network.spec
    assert (spec.kind, spec.dimension) == ("local" if method == "local" else "convolutional", 3)
    cases = read_cohort(manifest).cases[:COMPARED]
    usable = usable_cases(model.plan, cases, workers=1)
    store = load(model.plan, usable.prepared, [case.id for case in cases])
    session: Any = onnxruntime.InferenceSession(str(exported.encoder))
    known = read_table(record.table).values("latent")[:COMPARED]
    found = np.stack([described(model, store, row, session) for row in range(COMPARED)])
    largest = max(1.0, float(np.abs(known).max()))
    np.testing.assert_allclose(found, known, atol=1e-5 * largest)
    code = session.run(["code"], {"values": input_of(store, 0, spec.channels_in)[None]})[0]
    decoder: Any = onnxruntime.InferenceSession(str(exported.decoder))
    drawn = decoder.run(None, {"code": code})[0]
    assert drawn.shape == (1, spec.channels_out, *store.sample(0).mask.shape)


def described(model: Model, store: Store, row: int, session: Any) -> FloatArray:
    """Return the latent columns of a case from what the exported encoder says of its flips."""
    values = input_of(store, row, model.network.spec.channels_in)
    flips = flips_of(3, model.plan.symmetries.value)
    name = "read" if model.network.spec.block else "code"
    of_flips = []
    for axes in flips:
        turned = np.ascontiguousarray(np.flip(values, [1 + axis for axis in axes]))
        (said,) = session.run([name], {"values": turned[None]})
        back = [1 + axis for axis in axes] if name == "read" else []
        of_flips.append(np.flip(said[0], back))
    if name == "code":
        return np.mean(of_flips, axis=0, dtype=np.float64).astype(np.float32)
    regions = network_regions(model.network, model.plan, store)
    members = None if regions is None else regions[row]
    return pooled_over(np.stack(of_flips), members).ravel()
