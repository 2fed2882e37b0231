"""Write the report of a run: one HTML page that needs no network, no script and no other file.

In: a run folder. Out: ``report.html`` and the pictures it shows under ``pictures/``. Every string
of a run is escaped by the template, which prints as markup our own definitions alone; the page's
own policy lets it load nothing but its inlined pictures and its one style sheet, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import write_atomic
from latentomics.report.definitions import definitions_for
from latentomics.report.front import (
    subtitle_of,
    tiles_of,
    title_of,
    verdict_of,
    verdict_rule,
    verdict_summary,
)
from latentomics.report.page import Page, pictures_of
from latentomics.report.reading import RunFiles, read_run
from latentomics.report.sections import SECTIONS
from latentomics.report.words import printable

if TYPE_CHECKING:
    from jinja2 import Environment

_STATUS_WORDS = {"ok": "ok", "warn": "take care", "fail": "fails", "none": ""}
_STATUS_SIGNS = {"ok": "✓", "warn": "!", "fail": "✕", "none": "="}


def write_report(run: Path) -> Path:
    """Write ``report.html`` and its pictures from the files of a run folder alone.

    Files that are absent or damaged are left out, and the page says so.

    Parameters
    ----------
    run : Path
        Folder of a run (DESIGN, section 7).

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RequestError
        When the folder holds none of a run's files.
    """
    page = page_of(read_run(run))
    folder = run / "pictures"
    folder.mkdir(exist_ok=True)
    for section in page.sections:
        for picture in pictures_of(section.blocks):
            file = folder / f"{picture.name}.{picture.image.suffix}"
            write_atomic(file, picture.image.content)
    path = run / "report.html"
    write_atomic(path, render(page))
    return path


def page_of(files: RunFiles) -> Page:
    """Return the whole report as records."""
    verdict = verdict_of(files)
    sections = tuple(section(files) for section in SECTIONS)
    evaluations = {result.evaluation for result in files.results}
    note = None if verdict else files.missing.get("verdict.json", "verdict.json is empty") + "."
    return Page(
        title=title_of(files),
        subtitle=subtitle_of(files),
        demonstration=files.demonstration,
        tiles=tiles_of(files),
        verdict=verdict,
        verdict_note=note,
        verdict_summary=verdict_summary(verdict),
        verdict_rule=verdict_rule(files, verdict),
        sections=sections,
        defined=definitions_for(["verdict", *(one.anchor for one in sections)], evaluations),
    )


def render(page: Page) -> str:
    """Return the page as HTML."""
    from markupsafe import Markup

    style = resources("latentomics.report").joinpath("templates/style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment().get_template("report.html")
    return template.render(
        page=page,
        style=Markup(style),  # noqa: S704 - our own file, no input
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        words=_STATUS_WORDS,
        signs=_STATUS_SIGNS,
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("latentomics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: object) -> object:
    """Make plain strings printable; a string that is already markup is ours."""
    return printable(value) if type(value) is str else value
