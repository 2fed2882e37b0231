"""The example notebook does what it says: its code is run as it stands."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "example.ipynb"
LARGEST_BYTES = 100_000  # pages are read, not downloaded


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def cells() -> list[dict[str, object]]:
    return json.loads(NOTEBOOK.read_text())["cells"]


def code_of(cell: dict[str, object]) -> str:
    return "".join(cell["source"])  # type: ignore[arg-type]


def test_the_notebook_was_run_from_top_to_bottom_and_stays_small() -> None:
    code = [cell for cell in cells() if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = [output["output_type"] for cell in code for output in cell["outputs"]]  # type: ignore[attr-defined, index]
    assert "error" not in kinds
    assert "execute_result" in kinds
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


@pytest.mark.slow
def test_the_notebook_runs_as_it_stands(workplace: Path) -> None:
    names: dict[str, object] = {}
    shown = []
    for cell in cells():
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse(code_of(cell))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, str(NOTEBOOK), "exec"), names)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names))
    run, new = shown[0], shown[-1]
    assert "<ul>" in run._repr_html_()
    assert new["unlike_training"].tolist() == [0, 0, 1]
