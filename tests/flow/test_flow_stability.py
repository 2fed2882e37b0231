"""Test cases of a run measured again, and pairs of test and retest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.planning import Request


def of(record: flow.RunRecord, target: str) -> dict[tuple[str, str], float]:
    return {
        (result.features, result.metric): result.value
        for result in record.results
        if result.evaluation == "stability" and result.target == target
    }


def test_every_run_says_whether_its_features_repeat(finished: flow.RunRecord) -> None:
    chained = of(finished, "chained")
    assert {features for features, _ in chained} == {"latent", "pooled", "intensity"}
    assert all(0 <= chained["latent", f"share_above_0{n}"] <= 1 for n in (75, 90))
    found = {r.target for r in finished.results if r.evaluation == "stability"}
    assert found == {"chained", "rotation", "translation", "noise", "gain"}  # no masks
    assert any("measured again" in sentence for _, sentence in finished.verdict)


def test_noise_alone_moves_less_than_all_at_once(finished: flow.RunRecord) -> None:
    """Pictures of discs with little noise: turning and moving them is what counts."""
    together, noise = (of(finished, kind)["latent", "icc_median"] for kind in ("chained", "noise"))
    assert noise > together
    assert noise > 0.9


def test_every_run_judges_its_map_only_with_enough_test_cases(finished: flow.RunRecord) -> None:
    judged = [r for r in finished.results if r.evaluation in ("embedding", "structure")]
    assert judged == []  # twelve test cases


def test_the_report_draws_every_feature(finished: flow.RunRecord) -> None:
    assert (finished.folder / "pictures" / "stability_chained.svg").is_file()
    assert "Do the features repeat?" in finished.report.read_text()


def test_retests_agree_where_the_second_picture_is_the_first_with_noise(
    asked: Request, tmp_path: Path
) -> None:
    manifest = write_cohort(tmp_path / "cohort", cases=40)
    table = pandas.read_csv(manifest)
    rng = np.random.default_rng(0)
    again = table.assign(retest_of=table["case"], case=[f"{case}_again" for case in table["case"]])
    for row, name in zip(again.itertuples(), again["case"], strict=True):
        values = np.load(manifest.parent / str(row.image))
        noisy = values + rng.normal(0, 1, values.shape).astype("f4")
        np.save(manifest.parent / f"{name}.npy", noisy)
    again["image"] = [f"{case}.npy" for case in again["case"]]
    pandas.concat([table, again]).to_csv(manifest, index=False)
    short = asked.model_copy(update={"epochs": 1})
    record = flow.run(manifest, tmp_path / "RUN", short, workers=1)
    retest = of(record, "retest")
    assert retest["latent", "icc_median"] > 0.9
    assert retest["intensity", "share_above_075"] > 0.5
