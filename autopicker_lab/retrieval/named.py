"""Which passages stand at the places that a question names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.retrieval.intent import concepts_in
from autopicker_lab.retrieval.ngrams import fold, has_name, words
from autopicker_lab.retrieval.numerals import with_digits
from autopicker_lab.retrieval.place_names import NamedPlace, is_caption, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autopicker_lab.core import Document
    from autopicker_lab.retrieval.intent import Intent
    from autopicker_lab.retrieval.passages import Heading, Passage

_NUMBERING = re.compile(
    r"^\W*(?:[^\W\d_]{0,12}\s*)?((?:\d+\.)*\d+|[ivxlc]+|[一二三四五六七八九十]+)\b|^\W*第([一二三四五六七八九十]+)"
)
_BEGINNING = 100  # characters of a heading among which its number stands
_WITHIN = (("chapter", "section"), ("sheet", "row"), ("page", "line"))
_SHARED = 0.7  # of a heading's words that a question names


def files_named(question: str, documents: Sequence[Document]) -> list[int]:
    """The documents whose file names a question has, with or without what they end in."""
    text = fold(question)
    found = [i for i, document in enumerate(documents) if has_name(text, fold(document.name))]
    if found:
        return found
    return [
        i for i, d in enumerate(documents) if len(stem := fold(d.name).rpartition(".")[0]) > 2 and has_name(text, stem)
    ]


def passages_named(intent: Intent, question: str, passages: Sequence[Passage]) -> list[int]:
    """Which passages stand at the places that a question names, in reading order."""
    at = {place: set(_at(place, question, passages)) for place in intent.places}
    for wide, narrow in _WITHIN:
        _narrow(at, wide, narrow, passages)
    found = set().union(*at.values())
    if not found and intent.concepts:
        concepts = set(intent.concepts)
        found.update(_under([h for h in _headings(passages) if concepts & set(concepts_in(h.title))], passages))
    return sorted(found)


def _narrow(at: dict[NamedPlace, set[int]], wide: str, narrow: str, passages: Sequence[Passage]) -> None:
    """Of a place within a wider one only what stands in both: "chapter 5, section 1", "the last row of sheet 2"."""
    outer = [place for place in at if place.kind == wide]
    inner = [place for place in at if place.kind == narrow]
    if len(outer) != 1 or len(inner) != 1:
        return
    (whole,), (part,) = outer, inner
    both = at[whole] & at[part]
    if narrow == "section":  # it may be numbered as "5.1"
        both = set(_in_section(NamedPlace(narrow, f"{whole.number}.{part.number}"), "", passages)) or both
    if both:
        at[whole] = at[part] = both


def _at(place: NamedPlace, question: str, passages: Sequence[Passage]) -> Iterable[int]:
    if place.kind in ("section", "chapter"):
        return _in_section(place, question, passages)
    if place.kind == "sheet" and not place.number:
        return _on_sheet(question, passages)
    if place.kind in ("page", "slide", "sheet"):
        return _in_part(place, passages)
    if place.kind in ("row", "line"):
        return _at_line(place, passages)
    if not place.number.isdecimal():
        return []
    captions = [i for i, p in enumerate(passages) if is_caption(p.part.text, place.kind, place.number)]
    if place.kind == "table":
        return captions or _nth_table(int(place.number), passages)
    return captions


def _in_part(place: NamedPlace, passages: Sequence[Passage]) -> list[int]:
    """Passages of a page, slide or sheet by its number, or the first or last one of each document."""
    known: dict[int, list[int]] = {}
    standing = [
        {one.page for one in passage.part.places if one.page is not None}
        if place.kind == "page"
        else {passage.index + 1}
        for passage in passages
    ]
    for passage, at in zip(passages, standing, strict=True):
        known.setdefault(passage.document, []).extend(at)
    wanted = {n: place.among(min(at), max(at)) for n, at in known.items() if at}
    return [i for i, at in enumerate(standing) if at and wanted[passages[i].document] in at]


def _on_sheet(question: str, passages: Sequence[Passage]) -> list[int]:
    """Passages of the sheets whose names a question has."""
    text = fold(question)
    names = {place.sheet for passage in passages for place in passage.part.places if place.sheet}
    wanted = {name for name in names if has_name(text, fold(name))}
    return [i for i, p in enumerate(passages) if any(place.sheet in wanted for place in p.part.places)]


def _at_line(place: NamedPlace, passages: Sequence[Passage]) -> list[int]:
    """Passages of a line or a row by its number, or the first or last one of each document."""

    def spans(passage: Passage) -> Iterable[tuple[int, int]]:
        for at in passage.part.places:
            if span := (at.rows or at.lines) if place.kind == "row" else at.lines:
                yield span

    ends: dict[int, list[int]] = {}
    for passage in passages:
        ends.setdefault(passage.document, []).extend(end for span in spans(passage) for end in span)
    wanted = {n: place.among(min(at), max(at)) for n, at in ends.items() if at}
    return [
        i
        for i, passage in enumerate(passages)
        if (number := wanted.get(passage.document)) and any(first <= number <= last for first, last in spans(passage))
    ]


def _nth_table(number: int, passages: Sequence[Passage]) -> list[int]:
    """Passages of the table that is so many-th in its file."""
    seen: dict[int, int] = {}
    found = []
    for i, passage in enumerate(passages):
        begins = len(re.findall(r"^\|[\s:|-]*---[\s:|-]*\|\s*$", passage.part.text, re.MULTILINE))
        if not begins:
            continue
        is_rest = "row" in passage.part.label and seen.get(passage.document, 0) and not passage.leads
        seen[passage.document] = seen.get(passage.document, 0) + (0 if is_rest else begins)
        if seen[passage.document] - (0 if is_rest else begins) < number <= seen[passage.document]:
            found.append(i)
    return found


def _in_section(place: NamedPlace, question: str, passages: Sequence[Passage]) -> list[int]:
    """Passages under the headings that a number or the words of a question name."""
    headings = _headings(passages)
    if not place.number:
        concepts = set(concepts_in(question))
        by_concept = [h for h in headings if concepts & set(concepts_in(h.title))]
        return _under(by_concept or _titled(question, headings), passages)
    if numbered := [heading for heading in headings if _numbering(heading.title) == place.number]:
        return _under(numbered, passages)
    top = min((heading.level for heading in headings), default=1)
    outer = [heading for heading in headings if heading.level == top]
    if len(outer) == 1 and len(headings) > 1:  # a title above all
        top = min(heading.level for heading in headings if heading.level > top)
        outer = [heading for heading in headings if heading.level == top]
    if not place.number.isdecimal():
        which = place.among(1, len(outer))
        return _under(outer[which - 1 : which], passages) if which and which > 0 else []
    if any(_numbering(heading.title) for heading in outer):
        return []
    return _under(outer[int(place.number) - 1 : int(place.number)], passages)


@lru_cache(4096)
def _numbering(title: str) -> str | None:
    """The number that a heading begins with: "3.2 Roads", "Chapter IV", "Chapter Four", "第三章"."""
    match = _NUMBERING.match(with_digits(fold(title[:_BEGINNING])))
    return number_of(match[1] or match[2]) if match else None


def _titled(question: str, headings: Sequence[Heading]) -> list[Heading]:
    """The headings whose words a question has, inflected or not."""
    asked = words(question)
    found = []
    for heading in headings:
        title = [word for word in words(heading.title) if not word.isdecimal()]
        met = sum(any(_same_word(word, other) for other in asked) for word in title)
        if title and met >= _SHARED * len(title):
            found.append(heading)
    return found


def _same_word(one: str, other: str) -> bool:
    """Whether two words begin alike; of scripts without spaces, whether one holds the other."""
    if not one.isascii() and len(one) > 1 and one in other:
        return True
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one == other or (shared >= 4 and max(len(one), len(other)) - shared <= 3)


def _headings(passages: Sequence[Passage]) -> list[Heading]:
    return list(dict.fromkeys(heading for passage in passages for heading in passage.headings))


def _under(headings: Sequence[Heading], passages: Sequence[Passage]) -> list[int]:
    wanted = set(headings)
    return [i for i, passage in enumerate(passages) if wanted & set(passage.headings)] if wanted else []
