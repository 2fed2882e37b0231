"""The Python door: small records that show themselves, and the same functions as the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

import latentomics
from latentomics import api
from latentomics.core import RequestError


def test_the_package_offers_what_the_door_has() -> None:
    assert latentomics.posterior is api.posterior
    assert latentomics.sample is api.sample
    assert latentomics.compare is api.compare
    assert latentomics.evaluate is api.evaluate
    assert latentomics.run is api.run
    assert latentomics.plan is api.plan
    assert latentomics.encode is api.encode
    assert latentomics.export is api.export
    with pytest.raises(AttributeError):
        _ = latentomics.nothing


def test_a_word_that_nothing_asks_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(RequestError, match=r"key label(?s:.*)known: labels, site"):
        latentomics.run("cohort.csv", "RUN", label="malignant")
    with pytest.raises(RequestError, match="folds"):
        latentomics.plan("cohort.csv", folds="many")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "features.csv"
    columns = {"case": ["<b>a</b>", "c"], "patient": ["p", "q"], "site": None, "split": "test"}
    frame = pandas.DataFrame({**columns, "latent_000": np.zeros(2)})
    frame.to_csv(path, index=False)
    return path


def test_S3_a_run_shows_itself_and_escapes_what_it_shows(table: Path) -> None:
    run = api.Run(
        folder=table.parent,
        report=table.parent / "report.html",
        table=table,
        verdict=(("ok", "all < well"),),
        results=(),
        rejected=0,
    )
    page = run._repr_html_()
    assert "all &lt; well" in page
    assert "report.html" in page
    assert "<b>a</b>" not in page


def test_encoded_cases_show_themselves(table: Path) -> None:
    page = api.Encoded(table=table, rows=2, flagged=1, rejected=0)._repr_html_()
    assert "2 cases, 1 unlike the training cohort" in page


def test_a_question_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(RequestError, match="stability, structure, supervised"):
        latentomics.evaluate("RUN", "everything")
    with pytest.raises(RequestError, match="two runs"):
        latentomics.compare("RUN")
