"""What is asked of a finished run: likelihood, variances, samples and paths."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentomics import flow
from latentomics.core import RequestError
from latentomics.features import read_table
from latentomics.planning import Request


@pytest.fixture(scope="module")
def principal(tmp_path_factory: pytest.TempPathFactory, cohort: Path) -> flow.RunRecord:
    """A run of a Gaussian method that needs no training."""
    asked = Request(site="site", latent=4, method="probabilistic-pca")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return flow.run(cohort, tmp_path_factory.mktemp("gaussian") / "RUN", asked, workers=1)


def likelihood_of(folder: Path) -> dict[str, dict]:
    records = json.loads((folder / "results.json").read_text())
    return {one["metric"]: one for one in records if one["evaluation"] == "likelihood"}


@pytest.mark.slow
def test_a_likelihood_is_added_and_replaced_and_the_run_stays_intact(
    principal: flow.RunRecord,
) -> None:
    others = len(json.loads((principal.folder / "results.json").read_text()))
    flow.posterior(principal.folder, nll=3, workers=1)
    first = likelihood_of(principal.folder)
    assert set(first) == {"nll", "nll_bound", "nll_per_voxel", "effective_draws"}  # no step
    assert first["effective_draws"]["value"] == pytest.approx(3, rel=1e-3)  # the true posterior
    assert first["nll"]["value"] == pytest.approx(first["nll_bound"]["value"], rel=1e-5)
    assert first["nll"]["settings"]["split"] == "test"
    assert "How likely held-out cases are" in principal.report.read_text()
    flow.posterior(principal.folder, nll=2, workers=1)
    again = likelihood_of(principal.folder)
    assert again["nll"]["settings"]["draws"] == 2
    assert len(json.loads((principal.folder / "results.json").read_text())) == others + 4
    assert flow.verify(principal.folder)


@pytest.mark.slow
def test_variances_become_columns_once(principal: flow.RunRecord) -> None:
    before = read_table(principal.table)
    flow.posterior(principal.folder, variances=True, workers=1)
    flow.posterior(principal.folder, variances=True, workers=1)
    after = read_table(principal.table)
    names = [f"posterior_variance_{number:03d}" for number in range(4)]
    assert list(after.groups["posterior"]) == names
    assert list(after.frame.columns) == [*before.frame.columns, *names]
    assert after.provenance == before.provenance
    assert (after.values("posterior") > 0).all()
    assert (after.values("posterior") < 1).all()
    card = (principal.folder / "model" / "MODEL_CARD.md").read_text()
    assert "Columns: 4 latent" in card
    assert "posterior" not in card.partition("Columns:")[2]  # which 'encode' does not give
    assert flow.verify(principal.folder)


@pytest.mark.slow
def test_new_cases_get_the_variances_that_the_run_gave(
    principal: flow.RunRecord, cohort: Path, tmp_path: Path
) -> None:
    flow.posterior(principal.folder, variances=True, workers=1)
    own = read_table(principal.table)
    encoded = flow.encode(
        principal.folder, cohort, tmp_path / "new.parquet", posterior=True, workers=1
    )
    new = read_table(encoded.table)
    assert new.groups["posterior"] == own.groups["posterior"]
    names = list(own.groups["posterior"])
    ours, theirs = (t.frame.set_index("case").sort_index()[names] for t in (own, new))
    assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes()
    plain = flow.encode(principal.folder, cohort, tmp_path / "plain.parquet", workers=1)
    assert "posterior" not in read_table(plain.table).groups
    with pytest.raises(RequestError, match="none of its own"):
        flow.encode(principal.folder, cohort, plain.table, per="patient", posterior=True)


@pytest.mark.slow
def test_samples_and_paths_are_pictures_with_a_check_for_repeats(
    principal: flow.RunRecord, tmp_path: Path
) -> None:
    drawn = flow.sample(principal.folder, tmp_path / "a.png", count=4, seed=1, workers=1)
    again = flow.sample(principal.folder, tmp_path / "b.png", count=4, seed=1, workers=1)
    other = flow.sample(principal.folder, tmp_path / "c.png", count=4, seed=2, workers=1)
    assert drawn.picture.read_bytes() == again.picture.read_bytes()
    assert drawn.picture.read_bytes() != other.picture.read_bytes()
    assert np.asarray(Image.open(drawn.picture)).std() > 1
    assert 0.3 < drawn.memorisation < 3
    assert drawn.sentence
    path = flow.sample(
        principal.folder, tmp_path / "p.png", count=5, between=("c000", "c001"), workers=1
    )
    assert path.picture.stat().st_size > 1000
    with pytest.raises(RequestError, match="no case of the run is called 'nobody'"):
        flow.sample(principal.folder, tmp_path / "x.png", between=("c000", "nobody"), workers=1)


def test_what_has_no_prior_or_posterior_is_refused_in_a_sentence(
    finished: flow.RunRecord, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="no posterior"):
        flow.posterior(finished.folder, nll=500)
    with pytest.raises(RequestError, match="no posterior"):
        flow.posterior(finished.folder, variances=True)
    with pytest.raises(RequestError, match="no posterior"):
        flow.encode(finished.folder, tmp_path, tmp_path / "x.parquet", posterior=True)
    with pytest.raises(RequestError, match="to no prior"):
        flow.sample(finished.folder, tmp_path / "s.png")
    with pytest.raises(RequestError, match="nothing is asked for"):
        flow.posterior(finished.folder)
    with pytest.raises(RequestError, match=r"a picture is \.png"):
        flow.sample(finished.folder, tmp_path / "s.jpg")
    with pytest.raises(RequestError, match="no finished run"):
        flow.sample(tmp_path, tmp_path / "s.png")
