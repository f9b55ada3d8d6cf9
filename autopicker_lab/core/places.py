"""Where in its file a text stands: the page and a box on it, a range of a sheet, lines, headings, seconds."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.core.text import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Number = TypeVar("Number", int, float)
_MOST_STRETCHES = 3  # that are told one by one
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the characters `start` to `stop` of a Part's text stand in its file; what is not known is None.

    Attributes:
        page: number of the page or picture, from 1.
        box: left, top, right and bottom of the text, as shares (0 to 1) of the page's width and height.
        sheet: name of the sheet; None in a CSV, whose rows are `lines`.
        rows, columns: the first and the last of the sheet, from 1.
        lines: the first and the last of the file, from 1.
        headings: titles that the text stands under, the outermost first.
        seconds: begin and end in a recording.
    """

    start: int
    stop: int
    page: int | None = None
    box: Box | None = None
    sheet: str | None = None
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    lines: tuple[int, int] | None = None
    headings: tuple[str, ...] | None = None
    seconds: tuple[float, float] | None = None

    def __str__(self) -> str:
        return describe([self])

    def to_dict(self) -> dict[str, Any]:
        """What is known, as JSON can hold it."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in known.items() if v is not None}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Place:
        """The Place that `to_dict` told."""
        known: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in raw.items()}
        return cls(**known)


def turn_back(box: Box, degrees: int) -> Box:
    """A box on a page that was turned clockwise by so many degrees, a multiple of 90, as it is on the page."""
    left, top, right, bottom = box
    for _ in range(degrees // 90 % 4):
        left, top, right, bottom = top, 1 - right, bottom, 1 - left
    return round(left, 4), round(top, 4), round(right, 4), round(bottom, 4)


class PlaceIndex:
    """The places of a text, in order and without overlap, and those of any slice of it."""

    def __init__(self, text: str, places: Sequence[Place]):
        self._text = text
        self._places = places
        self._stops = [place.stop for place in places]

    @cached_property
    def _breaks(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self._text)]

    def within(self, start: int, stop: int, shift: int = 0, length: int | None = None) -> tuple[Place, ...]:
        """The places of the slice from `start` to `stop`, counted from its begin plus `shift`.

        A place that has as many rows or lines as its text is narrowed to those of the slice. With a `length`, each
        is that of a whole text so long, which says the slice in other words.
        """
        found = []
        for place in islice(self._places, bisect_right(self._stops, start), None):
            if place.start >= stop:
                break
            first, last = max(place.start, start), min(place.stop, stop)
            narrowed = self._narrowed(place, first, last)
            span = (first - start + shift, last - start + shift) if length is None else (0, length)
            found.append(replace(narrowed, start=span[0], stop=span[1]))
        return tuple(found)

    def _narrowed(self, place: Place, first: int, last: int) -> Place:
        if (first, last) == (place.start, place.stop) or not (place.rows or place.lines):
            return place
        before, within = self.line_breaks(place.start, first), self.line_breaks(first, last)
        whole = self.line_breaks(place.start, place.stop)

        def part(known: tuple[int, int] | None) -> tuple[int, int] | None:
            if known is None or known[0] == known[1] or whole != known[1] - known[0]:
                return known
            return known[0] + before, known[0] + before + within

        return replace(place, rows=part(place.rows), lines=part(place.lines))

    def line_breaks(self, start: int, stop: int) -> int:
        """How many lines end from `start` to `stop`."""
        return bisect_left(self._breaks, stop) - bisect_left(self._breaks, start)


def line_place(text: str, first: int = 1, headings: tuple[str, ...] | None = None) -> Place:
    """The place of a text that stands in a file as it is, from line `first` on."""
    stop = len(text) - text.endswith("\n")  # the end of a line begins no other one
    return Place(0, stop, lines=(first, first + text.count("\n", 0, stop)), headings=headings)


def describe(places: Iterable[Place]) -> str:
    """Places in words, each page, sheet or section once: "page 3", "Prices!A2:D9", "lines 5-9", "Fares > Children"."""
    groups: dict[object, list[Place]] = {}
    for place in places:
        groups.setdefault((place.page, place.sheet, place.headings), []).append(place)
    return ", ".join(dict.fromkeys(filter(None, map(_words, groups.values()))))


def _words(places: Sequence[Place]) -> str:
    """The words for places of one page, sheet or section."""
    one = places[0]
    words = [f"page {one.page}"] if one.page is not None else []
    if one.sheet is not None:
        columns = _hull(p.columns for p in places)
        cells = ", ".join(_range(rows, columns) for rows in _stretches(p.rows for p in places)) if columns else ""
        words.append(f"{one.sheet}!{cells}" if cells else one.sheet)
    if lines := _stretches(p.lines for p in places):
        single = len(lines) == 1 and lines[0][0] == lines[0][1]
        numbers = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in lines)
        words.append(f"line {numbers}" if single else f"lines {numbers}")
    if one.headings:
        words.append(" > ".join(one.headings))
    if seconds := _hull(p.seconds for p in places):
        words.append("-".join(map(clock, seconds)))
    return ", ".join(words)


def _hull(spans: Iterable[tuple[Number, Number] | None]) -> tuple[Number, Number] | None:
    known = [span for span in spans if span is not None]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def joined_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of rows or lines in order, joined where they meet."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _stretches(spans: Iterable[tuple[int, int] | None]) -> list[tuple[int, int]]:
    """Spans joined where they meet; as one from the first to the last where they are many."""
    joined = joined_spans(span for span in spans if span is not None)
    return joined if len(joined) <= _MOST_STRETCHES else [(joined[0][0], joined[-1][1])]


def _range(rows: tuple[int, int], columns: tuple[int, int]) -> str:
    first, last = (f"{column_letters(column)}{row}" for row, column in zip(rows, columns, strict=True))
    return first if first == last else f"{first}:{last}"


def column_letters(number: int) -> str:
    """The letters of a sheet's column, from 1: A, B ... Z, AA."""
    letters = ""
    while number > 0:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters
