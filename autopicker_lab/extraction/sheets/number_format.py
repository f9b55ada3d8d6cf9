"""Number formats of spreadsheets: whether one carries meaning beyond the number, and what a cell shows by it.

The language is that of ECMA-376, 18.8.31: up to four sections, for positive, negative, zero and text, or conditions.
Decimal and thousands marks are written as in English, whatever the language of the program that saved the file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

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
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 46, 47, 55, 56), "h:mm:ss"),
}
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<space>_.|\*.)|\[\$(?P<currency>[^\]\-]*)(?:-[^\]]*)?\]'
    r"|\[(?P<condition>[<>=]{1,2}\s*-?[\d.]+(?:E[+-]?\d+)?)\]|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]"
    r"|(?P<general>General)|(?P<exponent>E[+-])|(?P<half>AM/PM|A/P)|(?P<digit>[0#?])|(?P<text>@)"
    r"|(?P<date>[ymdhsgeb]+|a{3,4})|(?P<mark>[.,%/])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_PLACES = re.compile(r"([0#?][0#?,]*[0#?]|[0#?]|(?=\.))(?:\.([0#?]{0,30}))?(,*)")
_COMMON = re.compile("[ymdhs]", re.IGNORECASE)  # letters that every reader takes for a date's
_DAYS = re.compile(r"(\d{1,7}) days?, (\d{1,2})(:\d\d:\d\d(?:\.\d+)?)")
_PLAIN = frozenset(" ()-+.,:'\u00a0\u202f\u2019")  # literals that say nothing of their own
_BETWEEN = frozenset("-./:")  # but do between digits, as in the mask of a telephone number
_MAX_DIGITS = 30


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True)
class _Section:
    tokens: tuple[_Token, ...]
    condition: tuple[str, float] | None

    @cached_property
    def usual(self) -> tuple[str, re.Match[str], str] | None:
        """Of a usual section its places between what stands before and behind them; None for any other."""
        places = "".join(t.text if t.kind in ("digit", "mark") else "\x00" for t in self.tokens).strip("\x00%/")
        match = _PLACES.fullmatch(places)
        if match is None or self.has("exponent", "general", "text") or self.marks("/"):
            return None
        first = next(i for i, token in enumerate(self.tokens) if token.kind == "digit" or token.text == ".")
        before, behind = self.tokens[:first], self.tokens[first + len(places) :]
        return "".join(map(_literal, before)), match, "".join(map(_literal, behind))

    @cached_property
    def percent(self) -> int:
        return int(100 ** self.marks("%"))

    def has(self, *kinds: str) -> bool:
        return any(token.kind in kinds for token in self.tokens)

    def marks(self, mark: str) -> int:
        return sum(token.kind == "mark" and token.text == mark for token in self.tokens)

    @cached_property
    def is_date(self) -> bool:
        return self.has("date", "elapsed", "half") and not self.has("general", "exponent")

    @property
    def carries_meaning(self) -> bool:
        """Whether what it shows says more than the number: a unit, a share, a mask, leading zeros, words."""
        if self.is_date:
            return False
        if self.condition or self.has("exponent") or self.marks("%") or self.marks("/"):
            return True
        if any(token.kind == "literal" and not set(token.text) <= _PLAIN for token in self.tokens):
            return True
        kinds = [(token.kind, token.text) for token in self.tokens]
        digits = [i for i, (kind, _) in enumerate(kinds) if kind == "digit"]
        inside = kinds[digits[0] : digits[-1]] if digits else []
        if any(kind == "literal" and set(text) & _BETWEEN for kind, text in inside):
            return True
        whole = kinds[: kinds.index(("mark", "."))] if ("mark", ".") in kinds else kinds
        return sum(one == ("digit", "0") for one in whole) > 1


@dataclass(frozen=True)
class NumberFormat:
    """A number format; `number_format(code)` makes it.

    Attributes:
        carries_meaning: what cells show says more than their values do.
        is_date: the values are days since the file's epoch, or times.
        hides: cells show nothing at all.
        is_late_date: a date by a code that other readers take for a number's.
    """

    sections: tuple[_Section, ...]
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
        shown = _show(section, Decimal(repr(value)) if is_signed else abs(Decimal(repr(value))))
        return shown.strip() if shown and shown.strip() else None

    @cached_property
    def _numeric(self) -> list[_Section]:
        return [section for section in self.sections if not section.has("text")][:3]

    @cached_property
    def _is_conditional(self) -> bool:
        return any(section.condition for section in self._numeric)

    def _show_text(self, value: str) -> str | None:
        if self.is_elapsed:
            return _hours(value)
        section = self.sections[-1]
        if not section.has("text") or not section.has("literal"):
            return None
        return "".join({"text": value, "literal": token.text}.get(token.kind, "") for token in section.tokens).strip()

    def _section(self, value: float) -> tuple[_Section | None, bool]:
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


def _hours(duration: str) -> str | None:
    """A duration of days as the hours that [h]:mm:ss shows; None for one of less than a day, which is shown so."""
    match = _DAYS.fullmatch(duration)
    return f"{int(match[1]) * 24 + int(match[2])}{match[3]}" if match else None


@lru_cache(512)
def number_format(code: str) -> NumberFormat:
    """The format that a code such as `0.00%` or `[>99]"many";0` means."""
    sections = tuple(map(_parse_section, _split(code[:1000])))
    numeric = [section for section in sections if not section.has("text")]
    hides = bool(numeric) and len(sections) > 1 and not any(section.tokens for section in numeric)
    is_date = bool(numeric) and numeric[0].is_date
    words = sections[-1].has("text") and any(
        token.kind == "literal" and not set(token.text) <= _PLAIN for token in sections[-1].tokens
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


def _split(code: str) -> list[str]:
    """A code's sections: cut at semicolons that are not quoted, escaped, or in brackets."""
    sections = [""]
    for piece in re.findall(r'"[^"]*"?|\\.|[_*].|\[[^\]]*\]|.', code, re.DOTALL):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections[:4]


def _parse_section(code: str) -> _Section:
    tokens: list[_Token] = []
    condition = None
    for match in _TOKEN.finditer(code):
        kind, text = match.lastgroup, match[0]
        if kind == "condition":
            number = text[1:-1].lstrip("<>= ")
            condition = (text[1:-1].removesuffix(number).strip(), float(number))
        elif kind in ("quoted", "escaped", "currency", "other"):
            tokens.append(_Token("literal", match[kind]))
        elif kind is not None:
            tokens.append(_Token("literal", " ") if kind == "space" else _Token(kind, text))
    return _Section(tuple(tokens), condition)


def _holds(condition: tuple[str, float], value: float) -> bool:
    sign, bound = condition
    tests = {"<": value < bound, ">": value > bound, "<=": value <= bound, ">=": value >= bound, "<>": value != bound}
    return tests.get(sign, value == bound)


def _show(section: _Section, value: Decimal) -> str | None:
    value *= section.percent
    if section.usual:
        shown = _usual(*section.usual, abs(value), section.percent > 1)
        return "-" + shown.strip() if value < 0 and re.search("[1-9]", shown) else shown
    tokens = list(section.tokens)
    if section.has("general"):
        plain = f"{value.normalize():f}" if abs(value.adjusted()) < 20 else str(value)
        return "".join(plain if t.kind == "general" else t.text for t in tokens if t.kind in ("general", "literal"))
    if not section.has("digit"):
        return "".join(t.text for t in tokens if t.kind == "literal")
    sign = "-" if value < 0 else ""
    value = abs(value)
    if section.has("exponent"):
        shown = _scientific(tokens, value)
    elif section.marks("/") and (fraction := _fraction(tokens, value)) is not None:
        shown = fraction
    else:
        shown = _fixed(tokens, value)
    return sign + shown.strip() if re.search("[1-9]", shown) else shown


def _usual(before: str, places: re.Match[str], behind: str, value: Decimal, is_share: bool) -> str:
    """A number by places such as #,##0.0# that nothing interrupts; a share without zeros at its end: 17.5%."""
    whole, decimals = places[1], places[2] or ""
    rounded = (value / 1000 ** len(places[3])).quantize(Decimal((0, (1,), -len(decimals))), ROUND_HALF_UP)
    grouped = "," in whole
    digits, _, rest = (f"{rounded:,f}" if grouped else f"{rounded:f}").partition(".")
    needed = whole.count("0")
    if len(digits) < needed:
        digits = f"{int(digits):0{needed + (needed - 1) // 3 if grouped else needed}{',' if grouped else ''}d}"
    elif digits == "0" and not needed:
        digits = ""
    kept = max(len(rest.rstrip("0")), 0 if is_share else decimals.rfind("0") + 1)
    return f"{before}{digits}{'.' if kept else ''}{rest[:kept]}{behind}"


def _fixed(tokens: list[_Token], value: Decimal) -> str:
    """A number by the placeholders of its whole and its decimal part."""
    point = next((i for i, t in enumerate(tokens) if t == _Token("mark", ".")), len(tokens))
    places = [i for i, t in enumerate(tokens) if t.kind == "digit"]
    decimals = sum(i > point for i in places)
    last = max(places)
    for token in tokens[last + 1 :]:  # commas behind the last place divide by a thousand each
        if token != _Token("mark", ","):
            break
        value /= 1000
    if point < len(tokens) and point > 0:
        for token in reversed(tokens[max([i for i in places if i < point], default=point) + 1 : point]):
            value /= 1000 if token == _Token("mark", ",") else 1
    rounded = value.quantize(Decimal(1).scaleb(-min(decimals, _MAX_DIGITS)), ROUND_HALF_UP)
    whole, _, rest = f"{rounded:f}".partition(".")
    head = _whole_part(tokens[:point], "" if whole == "0" else whole)
    return head + (_decimal_part(tokens[point:], rest) if point < len(tokens) else "")


def _whole_part(tokens: list[_Token], digits: str) -> str:
    """Digits put into places from the right; those that are left over stand before the first."""
    places = [i for i, token in enumerate(tokens) if token.kind == "digit"]
    if not places:
        return "".join(map(_literal, tokens)) + digits
    grouped = any(t == _Token("mark", ",") for t in tokens[places[0] : places[-1]])
    out: list[str] = []
    written = 0
    for i in range(len(tokens) - 1, -1, -1):
        if tokens[i].kind != "digit":
            out.append(_literal(tokens[i]))
            continue
        digits, mine = ("", digits) if i == places[0] else (digits[:-1], digits[-1:])
        for digit in reversed(mine) if mine else ["0"] if tokens[i].text == "0" else []:
            out.append("," if grouped and written and written % 3 == 0 else "")
            out.append(digit)
            written += 1
    return "".join(reversed(out))


def _decimal_part(tokens: list[_Token], digits: str) -> str:
    out: list[str] = []
    needed = max((n for n, t in enumerate([t for t in tokens if t.kind == "digit"], 1) if t.text == "0"), default=0)
    kept = max(len(digits.rstrip("0")), needed)
    used = 0
    for token in tokens:
        if token.kind == "digit":
            out.append(digits[used : used + 1] if used < kept else "")
            used += 1
        else:
            out.append("." if token == _Token("mark", ".") and kept else _literal(token))
    return "".join(out)


def _literal(token: _Token) -> str:
    return token.text if token.kind == "literal" or token.text == "%" else ""


def _scientific(tokens: list[_Token], value: Decimal) -> str:
    at = next(i for i, token in enumerate(tokens) if token.kind == "exponent")
    mantissa, tail = tokens[:at], tokens[at + 1 :]
    point = next((i for i, t in enumerate(mantissa) if t == _Token("mark", ".")), len(mantissa))
    whole = max(sum(t.kind == "digit" for t in mantissa[:point]), 1)
    decimals = sum(t.kind == "digit" for t in mantissa[point:])
    exponent = value.adjusted() if value else 0
    exponent -= exponent % whole if whole > 1 else 0
    scaled = value.scaleb(-exponent).quantize(Decimal(1).scaleb(-min(decimals, _MAX_DIGITS)), ROUND_HALF_UP)
    if scaled >= 10**whole:
        exponent, scaled = exponent + whole, scaled.scaleb(-whole)
    sign = "-" if exponent < 0 else "+" if tokens[at].text[1] == "+" else ""
    width = sum(t.kind == "digit" and t.text == "0" for t in tail)
    rest = "".join(map(_literal, tail))
    return f"{_fixed(mantissa, scaled)}E{sign}{abs(exponent):0{width}d}{rest}"


def _fraction(tokens: list[_Token], value: Decimal) -> str | None:
    """A number with a fraction, its denominator given or of so many digits; None for a slash between words."""
    slash = next(i for i, t in enumerate(tokens) if t == _Token("mark", "/"))
    below = "".join(t.text for t in tokens[slash + 1 :] if t.kind == "digit" or t.text.isdigit())
    places = [i for i in range(slash) if tokens[i].kind == "digit"]
    if not below or not places:
        return None
    start = places[-1]
    while start > 0 and tokens[start - 1].kind == "digit":
        start -= 1
    has_whole = start > places[0]
    exact = Fraction(value)
    whole = int(exact) if has_whole else 0
    rest = exact - whole
    if re.search("[1-9]", below):
        bottom = int(re.sub("[#?]", "0", below))
        top = round(rest * bottom)
    else:
        near = rest.limit_denominator(10 ** min(len(below), 6) - 1)
        top, bottom = near.numerator, near.denominator
    if has_whole and top == bottom:
        whole, top = whole + 1, 0
    before = "".join(_literal(t) for t in tokens[: places[0]])
    digits = [i for i, t in enumerate(tokens) if t.kind == "digit" or t.text.isdigit()]
    after = "".join(_literal(t) for t in tokens[max(digits) + 1 :])
    if has_whole and not top:
        return f"{before}{whole}{after}"
    return f"{before}{f'{whole} ' if whole else ''}{top}/{bottom}{after}"
