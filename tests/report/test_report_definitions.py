"""Each section says what its figures mean: links lead to definitions that the report carries."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest
from report_run import write_run

from latentomics.report import definitions, write_report
from latentomics.report.definitions import NEEDED, address, definitions_for, rendered_html

ROOT = Path(__file__).parents[2]
TAGS = {"a", "code", "div", "em", "li", "ol", "p", "pre", "strong", "ul"}
TAGS |= {"table", "tbody", "td", "th", "thead", "tr"}
HOSTILE = "<script>alert(1)</script>"


class Links(HTMLParser):
    """Addresses of a page, the links within each section, and the tags of the definitions."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: dict[str, list[str]] = {}
        self.tags: set[tuple[str, tuple[str, ...]]] = set()
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        if tag == "section":
            self._section = str(attributes["id"])
            self.links[self._section] = []
        if tag == "a" and self._section:
            self.links[self._section].append(str(attributes["href"]))
        if self._section == "definitions":
            self.tags.add((tag, tuple(attributes)))


def every_definition() -> str:
    names = {name for needed in NEEDED.values() for part in needed for name in part.split(" and ")}
    defined = definitions_for(list(NEEDED), names)
    return "".join(one.html for needed in defined.values() for one in needed)


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("defined") / "run"
    return write_report(write_run(folder, case_prefix=HOSTILE, label=HOSTILE)).read_text()


def test_every_section_links_to_definitions_that_the_report_holds(html: str) -> None:
    page = Links(html)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) == {*NEEDED, "definitions"}
    for section in NEEDED:
        assert page.links[section], section
    held = {f"#{name}" for name in page.ids}
    assert [link for links in page.links.values() for link in links if link not in held] == []


def test_a_section_names_what_it_shows_and_no_more(html: str) -> None:
    told = {section: " ".join(links) for section, links in Links(html).links.items()}
    assert "#mmd-" in told["site"]
    assert "#label_efficiency-" in told["evidence"]
    assert "#supervised-" not in told["evidence"]  # the run has no record of it
    assert "what would training on the labels give?" not in html


def test_S3_what_a_run_names_stays_text_beside_what_we_wrote(html: str) -> None:
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<code>icc_median</code>" in html


def test_definitions_are_plain_markup_without_styles() -> None:
    page = Links(f'<section id="definitions">{every_definition()}</section>')
    assert {tag for tag, _ in page.tags} - {"section"} <= TAGS
    assert {name for _, names in page.tags for name in names} <= {"class", "href", "id"}


def test_commands_stay_as_they_are_typed() -> None:
    command = "latentomics evaluate RUN --only label_efficiency,supervised --label malignant"
    assert f"<pre><code>{command}\n</code></pre>" in every_definition()


def test_links_elsewhere_pictures_and_raw_html_become_words() -> None:
    text = "[the plan](plan.md) [above](#here-it-is) [site](https://a.example) ![a map](m.png) <b>x"
    assert rendered_html(text, {"#here-it-is"}) == (
        '<p>the plan <a href="#here-it-is">above</a> site a map &lt;b&gt;x</p>\n'
    )


def test_addresses_are_those_of_the_site_of_the_docs() -> None:
    targets = re.findall(r"\]\(#([^)]+)\)", definitions.page_text())
    titles = re.findall(r"^## (.+)$", definitions.page_text(), flags=re.MULTILINE)
    assert targets
    assert set(targets) <= {address(title) for title in titles}


def test_a_wheel_holds_the_definitions(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "docs/evaluations.md"):
        copy(ROOT / name, tmp_path / name)
    copytree(ROOT / "src", tmp_path / "src", ignore=ignore_patterns("__pycache__", "*.egg-info"))
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    made = subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        shipped = opened.read(f"latentomics/report/{definitions.PAGE}").decode()
    assert shipped == definitions.page_text()
