"""The numbers that Word shows before list items and headings, counted from numbering.xml."""

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
    """The lists of a document, and how far each has counted."""

    lists: dict[str, str] = field(default_factory=dict)  # numId -> abstractNumId
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)  # (numId, level) -> first number
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    begun: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, root: Any | None) -> Numbering:
        found = cls()
        if root is None:
            return found
        named: dict[str, str] = {}  # a list style -> the definition that carries its levels
        borrowed: dict[str, str] = {}  # a definition without levels -> the list style it goes by
        for abstract in root.iterfind(f"{W}abstractNum"):
            id_ = abstract.get(f"{W}abstractNumId")
            found.levels[id_] = {whole(level.get(f"{W}ilvl")): _level(level) for level in abstract.iterfind(f"{W}lvl")}
            if style := _value(abstract, "styleLink", ""):
                named[style] = id_
            if style := _value(abstract, "numStyleLink", ""):
                borrowed[id_] = style
        for item in root.iterfind(f"{W}num"):
            number, abstract_id = item.get(f"{W}numId"), _value(item, "abstractNumId", "")
            found.lists[number] = named.get(borrowed.get(abstract_id, ""), abstract_id)
            for override in item.iterfind(f"{W}lvlOverride"):
                found._override(number, whole(override.get(f"{W}ilvl")), override)
        return found

    def _override(self, number: str, level: int, override: Any) -> None:
        start, redefined = override.find(f"{W}startOverride"), override.find(f"{W}lvl")
        if redefined is not None:  # a definition of its own, which no other list shares
            own = {**self.levels.get(self.lists[number], {}), level: _level(redefined)}
            self.lists[number] = f"{self.lists[number]} of {number}"
            self.levels[self.lists[number]] = own
        if start is not None:
            self.restarts[number, level] = whole(start.get(VAL), 1)

    def next(self, number: str, level: int) -> str | None:
        """What stands before the next item of a list: "3.", "b)", "-" for a bullet; None where it is no list."""
        abstract = self.lists.get(number)
        levels = self.levels.get(abstract or "", {})
        if abstract is None or level not in levels:
            return None
        counts = self.counts.setdefault(abstract, {})
        if (number, level) in self.restarts and (number, level) not in self.begun:
            counts[level] = self.restarts[number, level]
        else:
            counts[level] = counts[level] + 1 if level in counts else levels[level].start
        self.begun.add((number, level))
        for deeper in [key for key in counts if key > level]:
            del counts[deeper]
        if levels[level].form == "bullet":
            return "-"
        text = levels[level].text
        for index, shown in levels.items():
            if f"%{index + 1}" in text:
                text = text.replace(f"%{index + 1}", _written(counts.get(index, shown.start), shown.form))
        return text.strip()


def whole(text: str | None, otherwise: int = 0) -> int:
    """A whole number of an attribute; `otherwise` where there is none."""
    try:
        return int(text or otherwise)
    except ValueError:
        return otherwise


def _level(level: Any) -> _Level:
    start = whole(_value(level, "start", "1"), 1)
    return _Level(_value(level, "numFmt", "decimal"), _value(level, "lvlText", ""), start)


def _value(element: Any, name: str, default: str) -> str:
    child = element.find(f"{W}{name}")
    return default if child is None else child.get(VAL) or default


def _written(count: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman"):
        written = ""
        for worth, sign in _ROMAN + _ROMAN_SMALL:
            written += sign * (count // worth)
            count %= worth
        return written.upper() if form == "upperRoman" else written
    return "" if form == "none" else f"{count:02d}" if form == "decimalZero" else str(count)
