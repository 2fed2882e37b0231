"""Methods of other codes through the main job: their plans, their tables, their refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from latentomics import flow
from latentomics.core import RequestError
from latentomics.features import read_table
from latentomics.planning import Plan, Request


def planned(cohort: Path, **asked: object) -> Plan:
    return flow.make_plan(cohort, Request.model_validate(asked), workers=1)


def test_L3_a_plan_says_that_the_site_is_used(cohort: Path) -> None:
    blind = planned(cohort, method="invariant", site="site")
    told = planned(cohort, method="invariant", site="site", settings={"against_site": "adversary"})
    assert blind.uses.value == ()
    assert told.uses.value == ("site",)
    assert "uses" in told.to_yaml()


def test_a_cohort_of_one_site_is_refused_before_training(cohort: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(cohort.open()))
    lonely = cohort.parent / "lonely.csv"
    with lonely.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, [name for name in rows[0] if name != "site"])
        writer.writeheader()
        writer.writerows([{k: v for k, v in row.items() if k != "site"} for row in rows])
    with pytest.raises(RequestError, match="two sites or more"):
        planned(lonely, method="invariant", settings={"against_site": "mmd"})


def test_settings_of_network_and_noise_stand_in_the_plan(cohort: Path) -> None:
    sparse = planned(cohort, method="sparse", settings={"kind": "top-k", "active": 3.0})
    assert (sparse.network.value.code, sparse.network.value.active) == ("top-k", 3)
    noisy = planned(cohort, method="denoising", settings={"noise": "coarse", "sigma": 0.5})
    assert noisy.noise.value is not None
    assert (noisy.noise.value.model, noisy.noise.value.sigma) == ("coarse", 0.5)
    deep = planned(cohort, method="deep")
    assert (deep.network.value.latent, deep.network.value.widths) == (30, (1000, 500, 250))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["masked", "vq-vae", "transforming", "sparse"])
def test_a_run_of_another_code_can_be_encoded_again(
    method: str, cohort: Path, tmp_path: Path
) -> None:
    request = Request(labels=("large",), site="site", epochs=2, method=method)
    record = flow.run(cohort, tmp_path / "RUN", request, workers=1)
    again = flow.encode(record.folder, cohort, tmp_path / "again.parquet", workers=1)
    before, after = read_table(record.table).frame, read_table(again.table).frame
    columns = [name for name in before if name.startswith("latent")]
    assert columns
    assert before[columns].to_numpy().tobytes() == after[columns].to_numpy().tobytes()
    records = json.loads((record.folder / "results.json").read_text())
    found = {(r["evaluation"], r["features"]) for r in records}
    assert {("reconstruction", "latent"), ("reconstruction", "pca"), ("probe", "pca")} <= found
