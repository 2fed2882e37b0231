"""What a page is made of: sections of words, tables, pictures and folds, as plain records.

In: strings and encoded pictures. Out: records that the template prints one by one; it escapes every
string in them but ``Definition.html``, which is rendered from a page of ours and from no input.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A table cell with a status (ok, warn, fail or none), shown by shape, word and colour."""

    status: str
    text: str
    kind: str = "mark"


Cell = str | Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A figure as bytes: ``suffix`` png or svg, ``width`` in pixels of a page (96 an inch)."""

    suffix: str
    content: bytes
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the page: ``name`` is the stem of its file."""

    name: str
    image: Encoded
    alternative: str  # what it shows, for those who cannot see it
    caption: str
    kind: str = "picture"

    @property
    def uri(self) -> str:
        """The picture as a data URI, so that the page needs no other file."""
        content = base64.b64encode(self.image.content).decode()
        return f"data:{MEDIA_TYPES[self.image.suffix]};base64,{content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures beside each other, ``columns`` in a row where the window is wide enough."""

    pictures: tuple[Picture, ...]
    columns: int = 1
    kind: str = "gallery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; ``numeric`` are the indices of columns set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    numeric: frozenset[int] = frozenset()
    kind: str = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A paragraph; ``tone`` is plain, note (something is not shown) or warn."""

    text: str
    tone: str = "plain"
    kind: str = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: str = "points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading within a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Blocks that open with a click on ``summary``."""

    summary: str
    blocks: tuple[Block, ...]
    kind: str = "fold"


Block = Gallery | Table | Words | Points | Heading | Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One entry of the table of contents: ``anchor`` is its address within the page."""

    anchor: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure of the strip below the title."""

    value: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the figures of a section mean; ``html`` is the one string that is not escaped."""

    name: str  # before the colon of its title
    title: str
    anchor: str  # its address within the page
    html: str  # of our own Markdown, rendered without raw HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    demonstration: str | None
    tiles: tuple[Tile, ...]
    verdict: tuple[Mark, ...]
    verdict_note: str | None  # why there is none
    verdict_summary: str
    verdict_rule: str  # what its words mean; empty where they need no rule
    sections: tuple[Section, ...]
    defined: Mapping[str, tuple[Definition, ...]]  # by the anchor of the section, verdict included

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The definitions that the sections need, each once."""
        every = (one for needed in self.defined.values() for one in needed)
        return tuple({one.anchor: one for one in every}.values())


def pictures_of(blocks: tuple[Block, ...]) -> tuple[Picture, ...]:
    """Return every picture in the blocks, those in folds included."""
    found: list[Picture] = []
    for block in blocks:
        if isinstance(block, Gallery):
            found.extend(block.pictures)
        elif isinstance(block, Fold):
            found.extend(pictures_of(block.blocks))
    return tuple(found)
