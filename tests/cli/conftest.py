"""The stand-in flow, and a shell within the process."""

import sys
from collections.abc import Callable

import pytest
from cli_stand_in import Flow
from typer.testing import CliRunner

import latentomics
from latentomics.cli.main import app


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> Flow:
    """Put the stand-in where the commands look for the flow."""
    stand_in = Flow()
    monkeypatch.setitem(sys.modules, "latentomics.flow", stand_in)
    monkeypatch.setattr(latentomics, "flow", stand_in, raising=False)
    return stand_in


@pytest.fixture
def shell() -> Callable:
    """Return a function that runs a command line within this process."""
    return lambda *words: CliRunner().invoke(app, list(words))
