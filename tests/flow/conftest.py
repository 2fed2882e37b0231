from __future__ import annotations

from pathlib import Path

import pytest
from flow_cohort import write_cohort

from latentomics import flow
from latentomics.planning import Request


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="session")
def asked() -> Request:
    return Request(labels=("large",), site="site", epochs=3, latent=8)


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, cohort: Path, asked: Request
) -> flow.RunRecord:
    folder = tmp_path_factory.mktemp("run") / "RUN"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return flow.run(cohort, folder, asked, workers=1)
