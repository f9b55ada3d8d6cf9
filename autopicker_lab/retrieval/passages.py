"""Passages of documents: cut at headings, sentences and rows, each with the headings that it stands under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import Document, Part
from autopicker_lab.core.files import FORMATS
from autopicker_lab.core.passages import FENCE
from autopicker_lab.core.places import PlaceIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PASSAGE_TOKENS = 100
_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*?)[ \t#]*$", re.MULTILINE)


@dataclass(frozen=True)
class Heading:
    """A heading of a document: its level from 1, its words, and the Part and character where it stands."""

    level: int
    title: str
    part: int
    start: int


@dataclass(frozen=True)
class Passage:
    """A piece of a document that is small enough to be chosen for a question.

    Attributes:
        document: which of the documents it is from, from 0.
        index: which of the Document's Parts it is from, from 0.
        part: its text, label and places.
        headings: which of the document's headings it stands under, the outermost first.
        leads: whether it is the first of its Part.
    """

    document: int
    index: int
    part: Part
    headings: tuple[Heading, ...] = ()
    leads: bool = False

    @property
    def path(self) -> str:
        """The headings above it in words; "" without any."""
        return " > ".join(heading.title for heading in self.headings)

    @property
    def said(self) -> str:
        """What an encoder reads: its headings and its text."""
        return f"{self.path}\n{self.part.text}" if self.headings else self.part.text


def headings_of(document: Document) -> list[Heading]:
    """The headings of a document in order, of all its Parts; programs and data have none."""
    if FORMATS[document.kind].category in ("code", "data") if document.kind in FORMATS else False:
        return []
    found = []
    for number, part in enumerate(document.parts):
        if "#" not in part.text:
            continue
        fences = [match.span() for match in FENCE.finditer(part.text)]
        for match in _HEADING.finditer(part.text):
            if not any(start <= match.start() < stop for start, stop in fences):
                found.append(Heading(len(match[1]), match[2], number, match.start()))
    return found


def passages_of(document: Document, number: int = 0, max_tokens: int = PASSAGE_TOKENS) -> list[Passage]:
    """The passages of a document, in its order.

    Args:
        number: which of the documents it is.
        max_tokens: of a passage, estimated.
    """
    by_part: dict[int, list[Heading]] = {}
    for heading in headings_of(document):
        by_part.setdefault(heading.part, []).append(heading)
    above: list[Heading] = []
    found = []
    for index, part in enumerate(document.parts):
        leads = True
        for slice_, opened in _sections(part, by_part.get(index, [])):
            for heading in opened:
                above = [*(one for one in above if one.level < heading.level), heading]
            for passage in slice_.passages(max_tokens, at_paragraphs=True):
                found.append(Passage(number, index, passage, tuple(above), leads))
                leads = False
    return found


def _sections(part: Part, headings: Sequence[Heading]) -> Iterator[tuple[Part, Sequence[Heading]]]:
    """A Part cut before its headings, each piece with those that open it: several, where no text is between them."""
    if not part.text.strip():
        return
    places = PlaceIndex(part.text, part.places)
    start = 0
    opened: list[Heading] = []
    for heading in headings:
        since = opened[-1] if opened else None
        body = part.text[start : heading.start]
        if body.strip() and not (since and "\n" not in body.strip()):
            yield _slice(part, places, start, heading.start), opened
            start, opened = heading.start, []
        opened.append(heading)
    yield _slice(part, places, start, len(part.text)), opened


def _slice(part: Part, places: PlaceIndex, start: int, stop: int) -> Part:
    if (start, stop) == (0, len(part.text)):
        return part
    return Part(part.label, part.text[start:stop], places=places.within(start, stop))
