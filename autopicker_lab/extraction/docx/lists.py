"""Numbers before list items and headings, counted by the rules of numbering.xml as Word does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.docx.names import VAL, W, is_on, parse_int, value
from autopicker_lab.extraction.docx.numerals import numeral
from autopicker_lab.extraction.docx.symbols import BOXES, translated

if TYPE_CHECKING:
    from autopicker_lab.extraction.docx.styles import ListPlace

_DEEPEST = 8
_PLACEHOLDER = re.compile(r"%([1-9])")


@dataclass(frozen=True)
class _Level:
    """How one level of a list is numbered.

    Attributes:
        form: "decimal", "lowerLetter", "bullet" ...; a custom form's pattern ("001, 002, ...") in its place.
        text: "%1.%2)", or what a bullet shows.
        restart: the level, from 0, down to which others restart this one; None: any above it.
        legal: the numbers of other levels are shown in decimal.
        style: id of the paragraph style that is numbered at this level.
    """

    form: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int | None = None
    legal: bool = False
    style: str = ""


@dataclass
class Numbering:
    """The lists of a document, and the number that each has reached."""

    lists: dict[str, str] = field(default_factory=dict)  # numId -> abstractNumId
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)  # (numId, level) -> first number
    counts: dict[str, dict[int, int]] = field(default_factory=dict)  # by the definition that lists share
    started: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, root: Any | None) -> Numbering:
        """The lists that the root of numbering.xml defines; none for None."""
        numbering = cls()
        if root is None:
            return numbering
        style_definitions: dict[str, str] = {}  # a list style -> the definition that carries its levels
        style_links: dict[str, str] = {}  # a definition without levels -> the list style that it refers to
        for abstract in root.iterfind(f"{W}abstractNum"):
            id_ = abstract.get(f"{W}abstractNumId")
            levels = {parse_int(level.get(f"{W}ilvl")): level for level in abstract.iterfind(f"{W}lvl")}
            numbering.levels[id_] = {i: _level(level) for i, level in levels.items() if 0 <= i <= _DEEPEST}
            if style := value(abstract, "styleLink"):
                style_definitions[style] = id_
            if style := value(abstract, "numStyleLink"):
                style_links[id_] = style
        for item in root.iterfind(f"{W}num"):
            number, abstract_id = item.get(f"{W}numId"), value(item, "abstractNumId")
            numbering.lists[number] = style_definitions.get(style_links.get(abstract_id, ""), abstract_id)
            for override in item.iterfind(f"{W}lvlOverride"):
                numbering._override(number, parse_int(override.get(f"{W}ilvl")), override)
        return numbering

    def _override(self, number: str, level: int, override: Any) -> None:
        start, redefined = override.find(f"{W}startOverride"), override.find(f"{W}lvl")
        if redefined is not None and 0 <= level <= _DEEPEST:  # a definition of its own, which no other list shares
            levels = {**self.levels.get(self.lists[number], {}), level: _level(redefined)}
            self.lists[number] = f"list {number}"
            self.levels[self.lists[number]] = levels
        if start is not None:
            self.restarts[number, level] = parse_int(start.get(VAL), 1)

    def place(self, own: ListPlace | None, style_id: str, by_style: ListPlace | None) -> tuple[str, int] | None:
        """The list and level of a paragraph, by what it says itself and by its style; None where it is in no list."""
        number = (own.number if own else None) or (by_style.number if by_style else None)
        if number is None:
            return None
        if own is not None and (own.level is not None or own.number is not None):
            return number, own.level or 0
        levels = self.levels.get(self.lists.get(number, ""), {})
        linked = next((index for index, level in levels.items() if style_id and level.style == style_id), None)
        if linked is not None:
            return number, linked
        return number, (by_style.level if by_style and by_style.level is not None else 0)

    def next(self, number: str, level: int) -> str | None:
        """Count the next item and give what precedes it: "3.", "b)", "-" for a bullet; None for an unknown list."""
        abstract = self.lists.get(number)
        levels = self.levels.get(abstract or "", {})
        if abstract is None or level not in levels:
            return None
        counts = self.counts.setdefault(abstract, {})
        self._count(counts, number, level, levels[level])
        for deeper in [key for key in counts if key > level and _restarts(levels.get(key), level)]:
            del counts[deeper]
        own = levels[level]
        if own.form == "bullet":
            return f"- {own.text}" if own.text in BOXES else "-"

        def shown(match: re.Match[str]) -> str:
            index = int(match[1]) - 1
            form = levels.get(index, _Level())
            return numeral(counts.get(index, form.start), "decimal" if own.legal else form.form)

        return _PLACEHOLDER.sub(shown, own.text).strip()

    def _count(self, counts: dict[int, int], number: str, level: int, form: _Level) -> None:
        start = self.restarts.get((number, level))
        if start is not None and (number, level) not in self.started:
            counts[level] = start
        elif level in counts:
            counts[level] += 1
        else:
            counts[level] = form.start if start is None else start
        self.started.add((number, level))


def _restarts(deeper: _Level | None, level: int) -> bool:
    """Whether an item of `level` lets a deeper level begin anew."""
    return deeper is None or deeper.restart is None or level < deeper.restart


def _level(level: Any) -> _Level:
    form = next(level.iter(f"{W}numFmt"), None)
    kind = "decimal" if form is None else form.get(VAL) or "decimal"
    restart, legal, text = level.find(f"{W}lvlRestart"), level.find(f"{W}isLgl"), value(level, "lvlText")
    if kind == "bullet":
        fonts = level.find(f"{W}rPr/{W}rFonts")
        text = translated(text, "" if fonts is None else fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") or "")
    return _Level(
        form.get(f"{W}format") or "decimal" if kind == "custom" and form is not None else kind,
        text,
        parse_int(value(level, "start", "1"), 1),
        None if restart is None else parse_int(restart.get(VAL)),
        legal is not None and is_on(legal),
        value(level, "pStyle"),
    )
