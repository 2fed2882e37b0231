"""Maps of a finished run: what they are held against, and what the report gets."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from answers_cohort import write_answers
from typer.testing import CliRunner

from latentomics import flow
from latentomics.cli.main import app
from latentomics.core import Result
from latentomics.flow import mapping
from latentomics.flow.folder import read_results
from latentomics.flow.mapping import embedded, shown_by_umap
from latentomics.flow.records import Event
from latentomics.planning import Request


def question(code: np.ndarray, components: np.ndarray, test: int = 40) -> SimpleNamespace:
    """Return a run whose first ``test`` cases are held out; what it tells goes into ``told``."""
    cases = tuple(f"c{row}" for row in range(len(code)))
    told: list[Event] = []
    return SimpleNamespace(
        seed=0,
        test=np.arange(test),
        main=SimpleNamespace(
            cases=cases,
            classic=None,
            features={
                name: SimpleNamespace(
                    cases=cases, values=values, names=tuple(map(str, range(values.shape[1])))
                )
                for name, values in (("latent", code), ("pca", components))
            },
        ),
        stores=SimpleNamespace(every=SimpleNamespace(cases=cases)),
        told=told,
        on_event=told.append,
    )


def by_name(results: list[Result]) -> dict[tuple[str, str | None, str], Result]:
    return {(one.features, one.target, one.metric): one for one in results}


@pytest.fixture
def without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "umap_version", lambda: None)


@pytest.mark.usefixtures("without_umap")
def test_METHODS_25_a_code_that_rotates_the_images_has_the_maps_of_the_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draws = np.random.default_rng(0)
    raw = draws.normal(size=(60, 6)) * np.arange(6, 0, -1)
    rotation = np.linalg.qr(draws.normal(size=(6, 6)))[0]
    monkeypatch.setattr(mapping, "raw_values", lambda _: (raw, 6))
    asked = question(raw @ rotation, raw[:, :4])
    results = embedded(asked)
    found = by_name(results)
    metrics = ("trustworthiness", "continuity", "neighbour_overlap", "r_nx_area")
    for metric in metrics:
        assert found["latent_all", "raw", metric].value == 1
        of_code, of_images = found["latent", "raw", metric], found["raw", "raw", metric]
        assert of_code.value == pytest.approx(of_images.value)
        assert found["latent", "code", metric].value == pytest.approx(of_images.value)
        assert found["pca_all", "raw", metric].value < 1
    tsne = found["raw_tsne", "raw", "trustworthiness"]
    assert tsne.n == tsne.settings["cases"] == 40
    assert tsne.settings["each"] == {"perplexity 13": tsne.value}
    assert tsne.value > 0.8
    assert shown_by_umap(asked) == {}
    assert {one.features for one in results} == {
        "latent", "latent_tsne", "latent_all", "raw", "raw_tsne", "pca", "pca_all",
    }  # fmt: skip
    assert any("latentomics[embedding]" in event.remark for event in asked.told)


@pytest.mark.usefixtures("without_umap")
def test_where_samples_have_no_common_size_components_stand_for_the_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draws = np.random.default_rng(0)
    components = draws.normal(size=(50, 5))
    monkeypatch.setattr(mapping, "raw_values", lambda _: None)
    results = embedded(question(draws.normal(size=(50, 3)), components))
    found = by_name(results)
    assert len(found) == len(results)
    assert {target for _, target, _ in found} == {"images", "code"}
    assert {"pca", "pca_tsne", "latent_all"} < {features for features, _, _ in found}


@pytest.mark.usefixtures("without_umap")
def test_rows_of_patients_have_no_raw_images(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0)
    asked = question(draws.normal(size=(30, 3)), draws.normal(size=(30, 5)), test=30)
    asked.stores.every.cases = ("c0", "c0b", *asked.main.cases[1:])
    monkeypatch.setattr(mapping, "raw_values", lambda _: pytest.fail("rows are not cases"))
    assert {one.target for one in embedded(asked)} == {"images", "code"}


def test_fewer_than_20_held_out_cases_have_no_record() -> None:
    assert embedded(question(np.ones((30, 3)), np.ones((30, 3)), test=19)) == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("umap") is None, reason="the extra 'embedding' is not installed")
def test_METHODS_25_a_run_that_is_asked_shows_its_codes_by_umap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    run, request = tmp_path / "RUN", Request(method="probabilistic-pca", latent=4)
    flow.run(write_answers(tmp_path / "c"), run, request, workers=1)
    assert "pip install &#39;latentomics[embedding]&#39;" in (run / "report.html").read_text()
    before = by_name(read_results(run / "results.json"))
    line = ["evaluate", str(run), "--only", "embedding", "--workers", "1"]
    shown = CliRunner().invoke(app, line)
    assert shown.exit_code == 0, shown.stderr
    assert "raw_umap" in shown.stdout
    found = by_name(read_results(run / "results.json"))
    usual = {key: one for key, one in before.items() if one.evaluation == "embedding"}
    assert {key: found[key] for key in usual} == usual
    rival = found["raw_umap", "raw", "trustworthiness"]
    assert len(rival.settings["each"]) == 5
    assert rival.settings["umap"]
    assert rival.value > rival.settings["chance"]["trustworthiness"] + 0.1
    with np.load(run / "pictures" / "data.npz") as stored:
        places = stored["map_umap"]
        assert places.shape == (80, 2)
        assert set(stored["map_umap_case"]) == set(stored["map_case"])
        assert "thumbnails" in stored.files
    page = (run / "report.html").read_text()
    assert "raw images: UMAP" in page
    assert "pip install &#39;latentomics[embedding]&#39;" not in page
    assert (run / "pictures" / "latent_map_umap.png").is_file()
    flow.verify(run)
    assert CliRunner().invoke(app, line).exit_code == 0
    with np.load(run / "pictures" / "data.npz") as stored:
        np.testing.assert_array_equal(stored["map_umap"], places)
