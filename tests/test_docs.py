"""The pages: none is left out of the site, which is built without a warning and fetches nothing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = {"reference/commands.md"}  # while the site is built
lacking = not importlib.util.find_spec("mkdocs") or not importlib.util.find_spec("material")


def pages_of(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for part in entry.values():
            yield from pages_of(part)
    elif isinstance(entry, list):
        for part in entry:
            yield from pages_of(part)


def test_every_page_is_in_the_navigation() -> None:
    named = set(pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    found = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} | MADE
    assert {page for page in found if not page.startswith("decisions/")} == named - {"decisions"}


@pytest.mark.slow
@pytest.mark.skipif(lacking, reason="needs pip install 'latentomics[docs]'")
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    commands = (tmp_path / "reference" / "commands.html").read_text()
    assert "latentomics run COHORT|PLAN.yaml [OPTIONS]" in commands
    assert (tmp_path / "decisions" / "0001-rooms-and-doors.html").is_file()
    pages = [path.read_text() for path in tmp_path.rglob("*.html")]
    assert [found for page in pages for found in re.findall(r'src="(https?:[^"]+)', page)] == []
    assert not any("fonts.g" in page for page in pages)
