"""Questions asked of a finished run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from answers_cohort import write_answers
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.core import IncompleteError, IntegrityError, RequestError
from latentomics.features import FeatureTable
from latentomics.flow import few_labels
from latentomics.flow.evaluations import ON_DEMAND
from latentomics.flow.external import Both, _blocks
from latentomics.flow.refitted import raw_values, refit
from latentomics.planning import Request
from latentomics.sources import synthetic


@pytest.fixture(scope="module")
def ended(finished: flow.RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ended") / "RUN"
    shutil.copytree(finished.folder, folder)
    return folder


def test_D1_a_run_that_is_opened_again_has_the_features_that_it_wrote(ended: Path) -> None:
    opened = refit(ended, workers=1)
    table = pandas.read_parquet(ended / "features.parquet")
    latent = opened.main.features["latent"]
    assert tuple(table["case"]) == latent.cases
    written = table[list(latent.names)].to_numpy(np.float32)
    np.testing.assert_allclose(latent.values, written, rtol=1e-5, atol=1e-6)
    rotated, values = raw_values(opened.stores) or pytest.fail("these samples have one size")
    batch = opened.stores.every.batch(np.arange(len(latent.cases)), None).values.numpy()
    plain = batch.reshape(len(batch), -1).astype(np.float64)
    assert values == plain.shape[1]
    np.testing.assert_allclose(
        np.linalg.norm(rotated[0] - rotated[1:], axis=1),
        np.linalg.norm(plain[0] - plain[1:], axis=1),
        rtol=1e-6,
    )


def test_M2_raw_values_of_many_small_samples_need_no_square_of_the_cases(
    ended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = refit(ended, workers=1)
    every = opened.stores.every
    rows = np.arange(300) % len(every)
    many = replace(opened.stores, every=replace(every, samples=every.samples.taken(rows.tolist())))
    monkeypatch.setattr(type(every), "cases", property(lambda self: tuple(range(len(self)))))
    plain = every.whole(rows).reshape(300, -1)
    found, values = raw_values(many) or pytest.fail("these samples have one size")
    assert values == plain.shape[1] < 300
    np.testing.assert_array_equal(found, plain)
    monkeypatch.setattr("latentomics.flow.refitted.MOST_AXES", 200)
    assert raw_values(many) is None


def unchanged(run: Path) -> set[str]:
    """Make every evaluation of a run again; return which there are, all as they were."""
    before = {name: (run / name).read_bytes() for name in ("results.json", "verdict.json")}
    names = {one["evaluation"] for one in json.loads(before["results.json"])} - {*ON_DEMAND}
    found = flow.ask(run, ",".join(names), workers=1)
    assert {one.evaluation for one in found} == names
    for name, content in before.items():
        assert (run / name).read_bytes() == content
    flow.verify(run)
    return names


def test_D1_evaluations_made_again_leave_an_unchanged_run_as_it_was(ended: Path) -> None:
    assert unchanged(ended) >= {"probe", "reconstruction", "collapse", "site", "stability"}


@pytest.mark.slow
def test_D1_evaluations_of_folds_and_sites_are_made_again(tmp_path: Path) -> None:
    asked = Request(labels=("large",), site="site", epochs=1, latent=4, folds=2)
    flow.run(write_cohort(tmp_path / "cohort", cases=140), tmp_path / "RUN", asked, workers=1)
    assert unchanged(tmp_path / "RUN") >= {"probe", "mmd", "ks", "structure"}
    shutil.rmtree(tmp_path / "RUN" / "folds" / "1" / "checkpoint")
    with pytest.raises(RequestError, match="fold 2 of the run is not there"):
        flow.ask(tmp_path / "RUN", "mmd,site", workers=1)


def test_an_evaluation_that_is_made_again_takes_the_place_of_its_own_records(
    ended: Path, tmp_path: Path
) -> None:
    run = tmp_path / "RUN"
    shutil.copytree(ended, run)
    results = json.loads((run / "results.json").read_text())
    stale = {**results[0], "evaluation": "collapse", "target": "gone"}
    broken = [{**one, "value": -1.0} for one in results if one["evaluation"] == "collapse"]
    others = [one for one in results if one["evaluation"] != "collapse"]
    (run / "results.json").write_text(json.dumps([*others, stale, *broken]))
    told = []
    flow.ask(run, "collapse,mmd", workers=1, on_event=lambda event: told.append(event.remark))
    assert any("mmd finds nothing: it needs two sites" in remark for remark in told)
    after = json.loads((run / "results.json").read_text())
    assert [one for one in after if one["evaluation"] == "collapse"] == [
        one for one in results if one["evaluation"] == "collapse"
    ]
    with pytest.raises(RequestError, match="mmd needs two sites"):
        flow.ask(run, "mmd", workers=1)


def test_label_efficiency_goes_into_the_results_and_the_report(ended: Path) -> None:
    before = json.loads((ended / "results.json").read_text())
    found = flow.ask(ended, "label_efficiency", labels=("large",), workers=1)
    sets = {one.features for one in found if one.metric == "auroc"}
    pooled = {"latent+pooled", "random+pooled"}
    assert (
        sets == {"latent", "pca", "random", "raw"} | pooled
    )  # no masks, so neither size nor classic
    after = json.loads((ended / "results.json").read_text())
    assert all(set(one) == set(before[0]) for one in after)
    kept = [one for one in before if one["evaluation"] != "label_efficiency"]
    assert [one for one in after if one["evaluation"] != "label_efficiency"] == kept
    assert len(after) == len(kept) + len(found)
    assert "few_labels_01" in {path.stem for path in (ended / "pictures").iterdir()}
    assert "heuristic" in (ended / "report.html").read_text()
    flow.verify(ended)


@pytest.mark.slow
def test_permutation_gives_chance(ended: Path) -> None:
    (found,) = flow.ask(ended, "permutation", workers=1)
    assert found.settings["at_chance"]
    assert "random dealings" in (ended / "report.html").read_text()


def test_what_cannot_be_answered_says_why(
    ended: Path, tmp_path: Path, finished: flow.RunRecord
) -> None:
    with pytest.raises(RequestError, match="known: collapse, confounding"):
        flow.ask(ended, "everything")
    with pytest.raises(RequestError, match="did you mean stability"):
        flow.ask(ended, "mmd,stabilty")
    with pytest.raises(RequestError, match="no finished run"):
        flow.ask(tmp_path, "permutation")
    with pytest.raises(RequestError, match="no column"):
        flow.ask(ended, "permutation", labels=("grade",), workers=1)
    with pytest.raises(RequestError, match="held-out cases have all of 1 factors"):
        flow.ask(ended, "disentanglement", workers=1)


def test_L4_a_cohort_that_has_changed_is_refused(tmp_path: Path, ended: Path) -> None:
    moved = tmp_path / "RUN"
    shutil.copytree(ended, moved)
    manifest = write_cohort(tmp_path / "other", cases=58)
    plan = (moved / "plan.yaml").read_text()
    line = next(line for line in plan.splitlines() if line.startswith("  manifest:"))
    (moved / "plan.yaml").write_text(plan.replace(line, f"  manifest: {manifest}"))
    with pytest.raises(IntegrityError, match="has changed since the run"):
        refit(moved, workers=1)


@pytest.mark.slow
def test_METHODS_29_an_encoder_trained_on_labels_stands_beside_the_probe(ended: Path) -> None:
    found = flow.ask(ended, "supervised", workers=1)
    figures = {one.features: one for one in found if one.metric == "auroc"}
    assert set(figures) == {"latent", "supervised", "fine-tuned"}
    assert figures["fine-tuned"].settings["trained_on"] > 30
    assert figures["supervised"].settings["stopped_on"] == "validation patients"
    differences = {(one.features, one.metric) for one in found if "_minus_" in one.metric}
    assert differences == {
        ("supervised", "auroc_minus_latent"),
        ("fine-tuned", "auroc_minus_latent"),
        ("fine-tuned", "auroc_minus_supervised"),
    }
    probed = json.loads((ended / "results.json").read_text())
    same = [
        one["value"]
        for one in probed
        if (one["features"], one["metric"]) == ("latent", "auroc")
        and one["evaluation"] in ("probe", "supervised")
    ]
    assert len(same) == 2
    assert same[0] == pytest.approx(same[1])
    assert "trained on the label" in (ended / "report.html").read_text()


@pytest.mark.slow
def test_METHODS_29_curves_of_few_labels_take_in_the_encoder_trained_on_them(
    ended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_labels, "STEPS", 20)
    told: list[flow.Event] = []
    found = flow.ask(ended, "supervised,label_efficiency", workers=1, on_event=told.append)
    assert {one.evaluation for one in found} == {"label_efficiency", "supervised"}
    curve = [
        one
        for one in found
        if (one.evaluation, one.features, one.metric) == ("label_efficiency", "supervised", "auroc")
    ]
    assert [one.settings["n_labels"] for one in curve] == [10, 20, 48]
    assert {one.settings["draws_of_labels"] for one in curve} == {5}
    trainings = [event for event in told if "training 15 of 15 on large" in event.message]
    assert trainings
    assert trainings[-1].seconds_left is not None
    assert "few_labels_01" in {path.stem for path in (ended / "pictures").iterdir()}
    flow.verify(ended)


@pytest.mark.slow
def test_METHODS_29_an_encoder_of_maps_is_trained_on_labels_too(tmp_path: Path) -> None:
    asked = Request(labels=("shade",), method="local", epochs=1, latent=4)
    manifest, run = write_answers(tmp_path / "made", masks=True), tmp_path / "RUN"
    frame = pandas.read_csv(manifest)
    frame["noise"] = np.random.default_rng(0).permutation(frame["shade"])
    frame.loc[frame.index % 6 == 4, "split"] = "val"
    frame.to_csv(manifest, index=False)
    flow.run(manifest, run, asked, workers=1)
    found = flow.ask(run, "supervised", labels=("shade", "noise"), workers=1)
    auroc = {(r.target, r.features): r.value for r in found if r.metric == "auroc"}
    assert auroc["shade", "supervised"] > 0.9
    assert auroc["shade", "fine-tuned"] > 0.9
    assert 0.25 < auroc["noise", "supervised"] < 0.75


@pytest.mark.slow
def test_METHODS_24_a_code_is_scored_by_known_factors_on_held_out_cases(tmp_path: Path) -> None:
    made = synthetic.write_lesion_cohort(tmp_path / "made", 180, 0, synthetic.Scan(edge=16))
    run, asked = tmp_path / "RUN", Request(method="vae", latent=4, epochs=2)
    flow.run(made, run, asked, workers=1)
    names = ("diameter_mm", "contrast_hu", "x_mm")
    found = flow.ask(run, "disentanglement", labels=names, workers=1)
    assert {one.features for one in found} == {"latent", "pca"}
    mig = next(one for one in found if (one.features, one.metric) == ("pca", "mig"))
    assert mig.n == mig.settings["cases"] == 54
    assert mig.settings["factors"] == list(names)
    again = flow.ask(run, "disentanglement", labels=names[:2], workers=1)
    kept = [one for one in json.loads((run / "results.json").read_text())
            if one["evaluation"] == "disentanglement"]  # fmt: skip
    assert len(kept) == len(again)
    assert "known_factors" in {path.stem for path in (run / "pictures").iterdir()}
    assert "Where the factors are known" in (run / "report.html").read_text()
    flow.verify(run)


def test_another_cohort_is_scored_by_what_the_run_fitted(ended: Path, tmp_path: Path) -> None:
    manifest = write_cohort(tmp_path / "elsewhere", cases=40, seed=7)
    pandas.read_csv(manifest).drop(columns="site").to_csv(manifest, index=False)
    found = flow.ask_elsewhere(ended, manifest, workers=1)
    figures = {one.metric: one for one in found if one.features == "latent"}
    assert figures["auroc"].n == 40
    assert figures["auroc"].value > 0.7
    assert {"brier", "calibration_slope", "unlike_share"} <= set(figures)
    assert figures["auroc"].settings["patients_of_the_same_name"] == 40  # p000 here and there
    assert figures["auroc"].settings["on"] == "cohort.csv"
    assert "On another cohort" in (ended / "report.html").read_text()
    flow.verify(ended)


def test_what_is_asked_of_cases_is_refused_where_rows_are_patients(
    tmp_path: Path, ended: Path, cohort: Path
) -> None:
    run = tmp_path / "RUN"
    shutil.copytree(ended, run)
    plan = (run / "plan.yaml").read_text()
    assert plan.count("  per: case\n") == 1
    (run / "plan.yaml").write_text(plan.replace("  per: case\n", "  per: patient\n"))
    with pytest.raises(RequestError, match="rows are patients"):
        flow.ask(run, "label_efficiency", workers=1)
    with pytest.raises(RequestError, match="rows are patients"):
        flow.ask_elsewhere(run, cohort, workers=1)
    with pytest.raises(RequestError, match="rows are patients"):
        flow.compare([run, ended])


def test_size_is_no_rival_where_a_case_of_the_other_cohort_has_no_mask() -> None:
    def table(volumes: list[float]) -> FeatureTable:
        rows = np.array([[1.0, volume, volume] for volume in volumes])
        names = ("latent_000", "size_voxels", "size_mm3")
        groups = {"latent": names[:1], "size": names[1:]}
        return FeatureTable(frame=pandas.DataFrame(rows, columns=list(names)), groups=groups)

    def sets(other: list[float]) -> set[str]:
        both = Both(
            cases=(), tables=(table([8.0, 9.0]), table(other)), fitted=2, repeated=0, same_names=0,
            unlike=0.0,
        )  # fmt: skip
        return set(_blocks(both))

    assert sets([7.0, 8.0]) == {"latent", "size", "latent+size"}
    assert sets([7.0, float("nan")]) == {"latent"}


def test_L1_pictures_of_the_run_are_not_scored_again(ended: Path, cohort: Path) -> None:
    with pytest.raises(IncompleteError, match="run's own"):
        flow.ask_elsewhere(ended, cohort, workers=1)
