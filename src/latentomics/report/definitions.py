"""What the figures of a section mean: our own page of definitions, of which a report takes a part.

In: ``docs/evaluations.md``, which a wheel holds beside this file, and the names of the evaluations
that a run has records of. Out: definitions as HTML, rendered without raw HTML, by the anchors of
the sections that need them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.report.page import Definition

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PAGE = "evaluations.md"
# By section. The first always stands there; others where the run has records of their evaluation.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "verdict": ("verdict",),
    "cohort": ("cohort",),
    "plan": ("plan",),
    "pictures": ("pictures",),
    "training": ("training",),
    "reconstruction": ("reconstruction",),
    "latent": ("latent and collapse", "embedding", "likelihood"),
    "structure": ("structure", "disentanglement"),
    "evidence": ("probe", "supervised", "external", "permutation", "label_efficiency"),
    "confounding": ("confounding",),
    "site": ("site", "mmd", "ks and site_variance", "harmonisation"),
    "stability": ("stability",),
    "features": ("features", "curation"),
    "rejected": ("rejected",),
    "limits": ("limits",),
    "provenance": ("provenance",),
}


def definitions_for(
    sections: Sequence[str], evaluations: Collection[str]
) -> dict[str, tuple[Definition, ...]]:
    """Return what each section needs to be understood.

    Parameters
    ----------
    sections : sequence of str
        Anchors, in the order of the report.
    evaluations : collection of str
        Names of the evaluations that the run has records of.
    """
    needed = {
        anchor: tuple(
            name
            for row, name in enumerate(NEEDED[anchor])
            if row == 0 or not set(name.split(" and ")).isdisjoint(evaluations)
        )
        for anchor in sections
    }
    written = _written(page_text())
    shown = {name: written[name] for name in _distinct(needed.values())}
    addresses = {f"#{address(title)}" for title, _ in shown.values()}
    rendered = {
        name: Definition(
            name=name, title=title, anchor=address(title), html=rendered_html(body, addresses)
        )
        for name, (title, body) in shown.items()
    }
    return {anchor: tuple(rendered[name] for name in names) for anchor, names in needed.items()}


def page_text() -> str:
    """Return our page of definitions: the installed copy, else that of the checkout."""
    installed = resources("latentomics.report").joinpath(PAGE)
    if installed.is_file():
        return installed.read_text("utf-8")
    return Path(__file__).parents[3].joinpath("docs", PAGE).read_text("utf-8")


def address(title: str) -> str:
    """Return the anchor of a heading, the same as on the site of the docs.

    Examples
    --------
    >>> address("ks and site_variance: which features know the site?")
    'ks-and-site_variance-which-features-know-the-site'
    """
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())


def rendered_html(body: str, addresses: Collection[str]) -> str:
    """Return Markdown as HTML without raw HTML, pictures and links to what is not in the report.

    Parameters
    ----------
    body : str
        Markdown of one definition.
    addresses : collection of str
        Targets within the report, with the ``#``; other links become their words.
    """
    markdown = _markdown()
    tokens = markdown.parse(body)
    for token in tokens:
        token.children = _words_of(token.children or [], addresses)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return markdown


def _words_of(tokens: Sequence[Token], addresses: Collection[str]) -> list[Token]:
    """Return the parts of a paragraph, with words in place of pictures and of links elsewhere."""
    from markdown_it.token import Token

    kept, linked = [], False
    for token in tokens:
        if token.type == "link_open":
            linked = token.attrGet("href") in addresses
        if token.type == "image":
            kept.append(Token("text", "", 0, content=token.content))
        elif linked or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept


def _written(text: str) -> dict[str, tuple[str, str]]:
    """Return title and body of each section of the page, by the name before the colon."""
    parts = [part.partition("\n") for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]
    return {title.partition(":")[0]: (title.strip(), body) for title, _, body in parts}


def _distinct(groups: Collection[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(name for names in groups for name in names))
