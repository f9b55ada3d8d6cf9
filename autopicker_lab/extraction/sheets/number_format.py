"""Number formats of spreadsheets: whether one carries meaning beyond the number, and what a cell shows by it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.extraction.sheets.digits import show_duration, show_number
from autopicker_lab.extraction.sheets.format_sections import PLAIN, Section, parse_section, split_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import Cell

_DOLLARS = '"$"#,##0{0}_);\\("$"#,##0{0}\\)'
_ACCOUNTS = '_({1}* #,##0{0}_);_({1}* \\(#,##0{0}\\);_({1}* "-"_);_(@_)'
_EAST_ASIAN_DATES = (*range(27, 32), 36, *range(50, 55), 57, 58)
BUILT_IN = {
    **{0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"},
    **{5: _DOLLARS.format(""), 6: _DOLLARS.format(""), 7: _DOLLARS.format(".00"), 8: _DOLLARS.format(".00")},
    **{12: "# ?/?", 13: "# ??/??", 48: "##0.0E+0", 49: "@"},
    **{41: _ACCOUNTS.format("", ""), 42: _ACCOUNTS.format("", '"$"')},
    **{43: _ACCOUNTS.format(".00", ""), 44: _ACCOUNTS.format(".00", '"$"')},
    **dict.fromkeys((*range(14, 18), 22, *_EAST_ASIAN_DATES), "yyyy-mm-dd"),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47, 55, 56), "h:mm:ss"),
    46: "[h]:mm:ss",
}
_COMMON = re.compile("[ymdhs]", re.IGNORECASE)  # letters that every reader takes for a date's


@dataclass(frozen=True)
class NumberFormat:
    """A number format; `number_format(code)` makes it.

    Attributes:
        carries_meaning: what cells show says more than their values do.
        is_date: the values are days since the file's epoch, or times.
        hides: cells show nothing at all.
        is_late_date: a date by a code that other readers take for a number's.
    """

    sections: tuple[Section, ...]
    carries_meaning: bool
    is_date: bool
    hides: bool
    is_late_date: bool = False

    @property
    def is_elapsed(self) -> bool:
        """Whether the values are durations."""
        return self.is_date and self._numeric[0].has("elapsed")

    @property
    def matters(self) -> bool:
        """Whether a cell is to be looked at again, its value being known."""
        return self.carries_meaning or self.hides or self.is_late_date or self.is_elapsed

    def show(self, value: Cell) -> str | None:
        """What a cell of this value shows; None where that is just the value, or cannot be told.

        Shares are shown without zeros at their end.
        """
        if isinstance(value, str):
            return self._show_text(value)
        if value is None or isinstance(value, bool) or not math.isfinite(value):
            return None
        section, is_signed = self._section(value)
        if section is None or section.is_date:
            return None
        number = Decimal(repr(value))
        try:
            return show_number(section, number if is_signed else abs(number)).strip() or None
        except ArithmeticError:
            return None

    @cached_property
    def _numeric(self) -> list[Section]:
        return [section for section in self.sections if not section.has("text")][:3]

    @cached_property
    def _is_conditional(self) -> bool:
        return any(section.condition for section in self._numeric)

    def _show_text(self, value: str) -> str | None:
        if self.is_elapsed:
            shown = show_duration(self._numeric[0], value)
            return None if shown == value else shown
        section = self.sections[-1]
        if not section.has("text") or not section.has("literal"):
            return None
        return "".join({"text": value, "literal": token.text}.get(token.kind, "") for token in section.tokens).strip()

    def _section(self, value: float) -> tuple[Section | None, bool]:
        """The section for a number, and whether the number keeps its sign in it."""
        numeric = self._numeric
        if self._is_conditional:
            default = next((s for s in reversed(numeric) if s.condition is None), None)
            found = next((s for s in numeric if s.condition and _holds(s.condition, value)), default)
            return found, not (found and found.condition and found.condition[0].startswith("<") and value < 0)
        if value < 0 and len(numeric) > 1:
            return numeric[1], False
        if value == 0 and len(numeric) > 2:
            return numeric[2], False
        return (numeric[0] if numeric else None), True


@lru_cache(512)
def number_format(code: str) -> NumberFormat:
    """The format that a code such as `0.00%` or `[>99]"many";0` means."""
    sections = tuple(map(parse_section, split_sections(code[:1000])))
    numeric = [section for section in sections if not section.has("text")]
    hides = bool(numeric) and len(sections) > 1 and not any(section.tokens for section in numeric)
    is_date = bool(numeric) and numeric[0].is_date
    words = sections[-1].has("text") and any(
        token.kind == "literal" and not set(token.text) <= PLAIN for token in sections[-1].tokens
    )
    meaning = words or any(section.carries_meaning for section in numeric[:3])
    is_late = is_date and not any(t.kind in ("date", "elapsed") and _COMMON.search(t.text) for t in numeric[0].tokens)
    return NumberFormat(sections, meaning and not is_date, is_date, hides, is_late)


def format_of(identifier: int, codes: Mapping[int, str]) -> NumberFormat:
    """The format of an identifier: one of the workbook's own codes, or one that every workbook knows."""
    if identifier in codes:
        return number_format(codes[identifier])
    form = number_format(BUILT_IN.get(identifier, "General"))
    return replace(form, is_late_date=True) if identifier in _EAST_ASIAN_DATES else form


def _holds(condition: tuple[str, float], value: float) -> bool:
    sign, bound = condition
    tests = {"<": value < bound, ">": value > bound, "<=": value <= bound, ">=": value >= bound, "<>": value != bound}
    return tests.get(sign, value == bound)
