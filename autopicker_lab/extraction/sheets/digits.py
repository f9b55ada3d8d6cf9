"""Numbers as a section of a number format shows them, in English marks whatever the language of the file's program."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from autopicker_lab.extraction.sheets.format_sections import Section, Token, literal

_MAX_DIGITS = 30
_DURATION = re.compile(r"(?:(-?\d{1,7}) days?, )?(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?")
_UNITS = {"h": 3600, "m": 60, "s": 1}


def show_number(section: Section, value: Decimal) -> str:
    """What a cell of this number shows by a section, with the spaces that line it up.

    Raises:
        ArithmeticError: the number has too many digits for it.
    """
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


def _fixed(tokens: list[Token], value: Decimal) -> str:
    """A number by the placeholders of its whole and its decimal part."""
    point = next((i for i, t in enumerate(tokens) if t == Token("mark", ".")), len(tokens))
    places = [i for i, t in enumerate(tokens) if t.kind == "digit"]
    decimals = sum(i > point for i in places)
    last = max(places)
    for token in tokens[last + 1 :]:  # commas behind the last place divide by a thousand each
        if token != Token("mark", ","):
            break
        value /= 1000
    if point < len(tokens) and point > 0:
        for token in reversed(tokens[max([i for i in places if i < point], default=point) + 1 : point]):
            value /= 1000 if token == Token("mark", ",") else 1
    rounded = value.quantize(Decimal(1).scaleb(-min(decimals, _MAX_DIGITS)), ROUND_HALF_UP)
    whole, _, rest = f"{rounded:f}".partition(".")
    head = _whole_part(tokens[:point], "" if whole == "0" else whole)
    return head + (_decimal_part(tokens[point:], rest) if point < len(tokens) else "")


def _whole_part(tokens: list[Token], digits: str) -> str:
    """Digits put into places from the right; those that are left over stand before the first."""
    places = [i for i, token in enumerate(tokens) if token.kind == "digit"]
    if not places:
        return "".join(map(literal, tokens)) + digits
    grouped = any(t == Token("mark", ",") for t in tokens[places[0] : places[-1]])
    out: list[str] = []
    written = 0
    for i in range(len(tokens) - 1, -1, -1):
        if tokens[i].kind != "digit":
            out.append(literal(tokens[i]))
            continue
        digits, mine = ("", digits) if i == places[0] else (digits[:-1], digits[-1:])
        for digit in reversed(mine) if mine else ["0"] if tokens[i].text == "0" else []:
            out.append("," if grouped and written and written % 3 == 0 else "")
            out.append(digit)
            written += 1
    return "".join(reversed(out))


def _decimal_part(tokens: list[Token], digits: str) -> str:
    out: list[str] = []
    needed = max((n for n, t in enumerate([t for t in tokens if t.kind == "digit"], 1) if t.text == "0"), default=0)
    kept = max(len(digits.rstrip("0")), needed)
    used = 0
    for token in tokens:
        if token.kind == "digit":
            out.append(digits[used : used + 1] if used < kept else "")
            used += 1
        else:
            out.append("." if token == Token("mark", ".") and kept else literal(token))
    return "".join(out)


def _scientific(tokens: list[Token], value: Decimal) -> str:
    at = next(i for i, token in enumerate(tokens) if token.kind == "exponent")
    mantissa, tail = tokens[:at], tokens[at + 1 :]
    point = next((i for i, t in enumerate(mantissa) if t == Token("mark", ".")), len(mantissa))
    whole = max(sum(t.kind == "digit" for t in mantissa[:point]), 1)
    decimals = sum(t.kind == "digit" for t in mantissa[point:])
    exponent = value.adjusted() if value else 0
    exponent -= exponent % whole if whole > 1 else 0
    scaled = value.scaleb(-exponent).quantize(Decimal(1).scaleb(-min(decimals, _MAX_DIGITS)), ROUND_HALF_UP)
    if scaled >= 10**whole:
        exponent, scaled = exponent + whole, scaled.scaleb(-whole)
    sign = "-" if exponent < 0 else "+" if tokens[at].text[1] == "+" else ""
    width = sum(t.kind == "digit" and t.text == "0" for t in tail)
    rest = "".join(map(literal, tail))
    return f"{_fixed(mantissa, scaled)}E{sign}{abs(exponent):0{width}d}{rest}"


def _fraction(tokens: list[Token], value: Decimal) -> str | None:
    """A number with a fraction, its denominator given or of so many digits; None for a slash between words."""
    slash = next(i for i, t in enumerate(tokens) if t == Token("mark", "/"))
    below = "".join(t.text for t in tokens[slash + 1 :] if t.kind == "digit" or t.text.isdigit())
    places = [i for i in range(slash) if tokens[i].kind == "digit"]
    if not below or not places:
        return None
    start = places[-1]
    while start > 0 and tokens[start - 1].kind == "digit":
        start -= 1
    has_whole = start > places[0]
    head = tokens[:start]
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
    before = _whole_part(head, str(whole) if whole else "")
    digits = [i for i, t in enumerate(tokens) if t.kind == "digit" or t.text.isdigit()]
    after = "".join(literal(t) for t in tokens[max(digits) + 1 :])
    if has_whole and not top:
        return f"{before.rstrip() or 0}{after}"
    return f"{before}{top}/{bottom}{after}"


def show_duration(section: Section, duration: str) -> str | None:
    """What a cell shows of a duration such as "1 day, 6:05:00" by a section such as [h]:mm; None for another text."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = days * 86_400 + hours * 3600 + minutes * 60 + seconds
    sign, total = ("-", -total) if total < 0 else ("", total)
    shown = ""
    for token in section.tokens:
        letters = token.text.strip("[]").lower()
        unit = _UNITS.get(letters[:1]) if token.kind in ("elapsed", "date") else None
        if unit is not None:
            number = total // unit if token.kind == "elapsed" else total // unit % (24 if unit == 3600 else 60)
            shown += f"{number:0{len(letters)}d}"
        elif token.kind == "literal":
            shown += token.text
    return sign + shown.strip()
