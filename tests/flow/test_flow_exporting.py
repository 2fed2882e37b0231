"""A model as ONNX: compared with torch on the run's own cases, and refused where it differs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentomics import flow
from latentomics.core import IncompleteError
from latentomics.features import read_table
from latentomics.flow import exporting
from latentomics.flow.encoding import usable_cases
from latentomics.flow.fitting import load
from latentomics.flow.model import load_fitted
from latentomics.planning import pipeline_of
from latentomics.sources import read_cohort

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in PACKAGES),
        reason="the extra 'onnx' is not installed",
    ),
]


@pytest.fixture(scope="module")
def exported(
    finished: flow.RunRecord, tmp_path_factory: pytest.TempPathFactory
) -> flow.ExportRecord:
    return flow.export(finished.folder, tmp_path_factory.mktemp("onnx") / "portable", workers=1)


def test_the_exported_encoder_gives_the_features_of_the_run(
    finished: flow.RunRecord, exported: flow.ExportRecord, cohort: Path
) -> None:
    import onnxruntime

    assert exported.cases == 8
    assert exported.difference <= 1e-5
    model = load_fitted(finished.folder / "model")
    cases = read_cohort(cohort, site="site").cases[:5]
    prepared = usable_cases(model.plan, cases, workers=1).prepared
    store = load(model.plan, prepared, [case.id for case in cases])
    ready: Any = onnxruntime.InferenceSession(str(exported.encoder))
    values = np.stack([store.sample(row).values for row in range(5)])
    code = ready.run(["code"], {"values": values})[0]
    assert model.plan.symmetries.value == "none"  # or the mean over the flips would be compared
    known = read_table(finished.table).values("latent")[:5]
    np.testing.assert_allclose(code, known, atol=1e-5 * max(1.0, float(np.abs(known).max())))
    drawn = onnxruntime.InferenceSession(str(exported.decoder)).run(None, {"code": code})[0]
    assert drawn.shape == values.shape


def test_the_metadata_say_how_images_are_prepared(
    finished: flow.RunRecord, exported: flow.ExportRecord
) -> None:
    import onnx

    model = load_fitted(finished.folder / "model")
    for path in (exported.encoder, exported.decoder):
        words = {one.key: one.value for one in onnx.load(path).metadata_props}
        assert words["weights_sha256"] == model.weights_sha256
        assert words["preprocessing"] == "; ".join(pipeline_of(model.plan).describe())
        assert words["preprocessing_sha256"] == pipeline_of(model.plan).hash
        assert "not for clinical use" in words["use"]
        assert b"/src/" not in path.read_bytes()  # no path of the machine that exported


def test_an_export_that_differs_is_not_written(
    finished: flow.RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx_bytes = exporting.onnx_bytes

    def moved(half: Any, example: Any, words: dict[str, str]) -> bytes:
        bias = next(p for name, p in half.named_parameters() if name.endswith("bias"))
        bias += 0.1  # what is exported is not what it is compared with
        content = onnx_bytes(half, example, words)
        bias -= 0.1
        return content

    monkeypatch.setattr(exporting, "onnx_bytes", moved)
    with pytest.raises(IncompleteError, match="differs from torch"):
        flow.export(finished.folder / "model", tmp_path / "portable", workers=1)
    assert not (tmp_path / "portable").exists()
