from __future__ import annotations

from pathlib import Path

import pytest
from flow_cohort import write_cohort

from latentomics import flow


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="session")
def options() -> flow.RunOptions:
    return flow.RunOptions(labels=("large",), site="site", epochs=3, latent=8, workers=1)


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, cohort: Path, options: flow.RunOptions
) -> flow.RunRecord:
    folder = tmp_path_factory.mktemp("run") / "RUN"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return flow.run(cohort, folder, request_options=options)
