"""Numbers before list items and headings, counted by the rules of numbering.xml as Word does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VAL = f"{W}val"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True)
class _Level:
    form: str  # decimal, lowerLetter, bullet ...
    text: str  # "%1.%2)"
    start: int


@dataclass
class Numbering:
    """The lists of a document, and the number that each has reached."""

    lists: dict[str, str] = field(default_factory=dict)  # numId -> abstractNumId
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)  # (numId, level) -> first number
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
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
            numbering.levels[id_] = {
                parse_int(level.get(f"{W}ilvl")): _level(level) for level in abstract.iterfind(f"{W}lvl")
            }
            if style := _value(abstract, "styleLink", ""):
                style_definitions[style] = id_
            if style := _value(abstract, "numStyleLink", ""):
                style_links[id_] = style
        for item in root.iterfind(f"{W}num"):
            number, abstract_id = item.get(f"{W}numId"), _value(item, "abstractNumId", "")
            numbering.lists[number] = style_definitions.get(style_links.get(abstract_id, ""), abstract_id)
            for override in item.iterfind(f"{W}lvlOverride"):
                numbering._override(number, parse_int(override.get(f"{W}ilvl")), override)
        return numbering

    def _override(self, number: str, level: int, override: Any) -> None:
        start, redefined = override.find(f"{W}startOverride"), override.find(f"{W}lvl")
        if redefined is not None:  # a definition of its own, which no other list shares
            levels = {**self.levels.get(self.lists[number], {}), level: _level(redefined)}
            self.lists[number] = f"{self.lists[number]} of {number}"
            self.levels[self.lists[number]] = levels
        if start is not None:
            self.restarts[number, level] = parse_int(start.get(VAL), 1)

    def next(self, number: str, level: int) -> str | None:
        """Count the next item and give what precedes it: "3.", "b)", "-" for a bullet; None for an unknown list."""
        abstract = self.lists.get(number)
        levels = self.levels.get(abstract or "", {})
        if abstract is None or level not in levels:
            return None
        counts = self.counts.setdefault(abstract, {})
        if (number, level) in self.restarts and (number, level) not in self.started:
            counts[level] = self.restarts[number, level]
        else:
            counts[level] = counts[level] + 1 if level in counts else levels[level].start
        self.started.add((number, level))
        for deeper in [key for key in counts if key > level]:
            del counts[deeper]
        if levels[level].form == "bullet":
            return "-"
        text = levels[level].text
        for index, level_of_number in levels.items():
            if f"%{index + 1}" in text:
                text = text.replace(
                    f"%{index + 1}", _format_number(counts.get(index, level_of_number.start), level_of_number.form)
                )
        return text.strip()


def parse_int(text: str | None, default: int = 0) -> int:
    """The integer in an attribute; `default` where there is none."""
    try:
        return int(text or default)
    except ValueError:
        return default


def _level(level: Any) -> _Level:
    start = parse_int(_value(level, "start", "1"), 1)
    return _Level(_value(level, "numFmt", "decimal"), _value(level, "lvlText", ""), start)


def _value(element: Any, name: str, default: str) -> str:
    child = element.find(f"{W}{name}")
    return default if child is None else child.get(VAL) or default


def _format_number(count: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman"):
        numeral = ""
        for value, digit in _ROMAN + _ROMAN_SMALL:
            numeral += digit * (count // value)
            count %= value
        return numeral.upper() if form == "upperRoman" else numeral
    return "" if form == "none" else f"{count:02d}" if form == "decimalZero" else str(count)
