"""The tutorial does what it says: its code is run as it stands.

Only lengths are made shorter here (``SHORTER``), and the cohort is a tiny one that is made with the
columns of the tutorial's own manifest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest
from typer.testing import CliRunner

from latentomics.cli.main import app

DOCS = Path(__file__).parents[1] / "docs"
TUTORIAL = DOCS / "tutorial.md"
EDGE, CASES = 12, 24
SHORTER = {  # lengths alone
    "latentomics run cohort.csv": "latentomics run cohort.csv --epochs 2 --workers 1",
    "latentomics plan cohort.csv": "latentomics plan cohort.csv --epochs 2 --workers 1",
    "epochs=30": "epochs=1",
    "GroupKFold(5)": "GroupKFold(2)",
}


def blocks() -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each code block of the tutorial."""
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```", TUTORIAL.read_text(), re.M | re.S):
        for words, shorter in SHORTER.items():
            text = text.replace(words, shorter)
        yield language, text


def manifest_of_the_tutorial() -> list[str]:
    """Return the columns of the first block."""
    return next(blocks())[1].splitlines()[0].split(",")


def write_cohort(folder: Path) -> None:
    """Write a cohort with the tutorial's columns, and new.csv with two of its images."""
    import SimpleITK

    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*3 * [np.arange(EDGE)], indexing="ij"))
    rows = []
    for number in range(CASES):
        malignant = number % 2
        mask = ((grid - rng.uniform(5, 6, (3, 1, 1, 1))) ** 2).sum(0) < rng.uniform(6, 14)
        values = rng.normal(0, 10, mask.shape) + mask * rng.normal(
            60, 5 + 20 * malignant, mask.shape
        )
        name = f"n{number:03}"
        for part, array in (("images", values), ("masks", mask)):
            (folder / part).mkdir(exist_ok=True)
            image = SimpleITK.GetImageFromArray(array.astype(np.float32))
            SimpleITK.WriteImage(image, str(folder / part / f"{name}.nii.gz"))
        place = f"{name}.nii.gz"
        site = "east" if number % 4 < 2 else "west"
        rows.append((name, f"images/{place}", f"masks/{place}", f"P{number}", site, malignant))
    table = pandas.DataFrame(rows, columns=manifest_of_the_tutorial())
    table.to_csv(folder / "cohort.csv", index=False)
    table.drop(columns=["malignant"])[:2].to_csv(folder / "new.csv", index=False)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.slow
def test_every_block_of_the_tutorial_runs(workplace: Path) -> None:
    write_cohort(workplace)
    (_, first), *others = blocks()
    assert first.startswith("case,image,mask")
    names: dict[str, object] = {}
    for language, text in others:
        if language == "python":
            exec(compile(text, str(TUTORIAL), "exec"), names)
            continue
        for line in text.splitlines():
            program, *words = shlex.split(line, comments=True)
            assert program == "latentomics"
            shown = CliRunner().invoke(app, words)
            assert shown.exit_code == 0, f"{line}\n{shown.stderr}"
    assert {"RUN", "RUN2", "new.parquet", "plan.yaml"} <= {p.name for p in workplace.iterdir()}
    assert names["latent"].shape[0] == CASES  # type: ignore[attr-defined]
