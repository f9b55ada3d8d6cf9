"""Numbers as people and models write them: exact values, with the readings that a unit allows.

What replies look like was taken from reports on public graders: a currency, a unit or a comma at the number
(https://github.com/EleutherAI/lm-evaluation-harness/issues/3214), LaTeX around and within it
(https://github.com/open-compass/opencompass/issues/2647), arithmetic in the line of the answer
(https://github.com/antirez/ds4/pull/319), and what is said after it (https://github.com/sgl-project/sglang/pull/29933).
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_EXPONENT = 400  # a greater one would be written out
_LONGEST = 1000  # characters of a number, and of the sentence of an answer
_MOST_CUES = 20  # mentions of an answer that are looked into, from the last
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_MARKS = {ord(mark): None for mark in "$€£¥₹ "}  # a space groups digits, or stands after a currency
_STYLE = re.compile(
    r"\\(?:text|mathrm|mathbf|textbf|mathit|operatorname|mathsf|textrm|left|right|displaystyle|bf|rm)\b ?"
)
_SPACES = re.compile(r"(?<=\d)(?:\{,\}|\\[,;:! ]|~)(?=\d{3})")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
_POWER = re.compile(r" {0,2}(?:\\times|\\cdot|×|·|\*|(?<=[\d ])x)\s*10\s*(?:\^|\*\*)\s*[({]?\s*([-+]?\d+)\s*[)}]?")
_MINUS = re.compile(r"(?<![\w)])[-−–]\s?(?=[$€£¥₹])|(?<=[=(≈])\s*[-−]\s+(?=[\d.$€£¥₹])|(?<![\w)])–(?=[\d.])|−")
_WORDED_MINUS = re.compile(r"(?<!\d )\b(?:minus|negative)\s+(?=[$€£¥]?[\d.])", re.I)
_ITEM = re.compile(r"^[ \t]*\d+[.)][ \t]+(?=.*\d)", re.M)
_DIGITS = (
    r"(?:\d{1,3}(?:(?P<group>[.,'’_\u00a0\u202f\u2009 ])\d{3})(?:(?P=group)\d{3})*(?!\d)"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d+)?(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
)
_NUMBER = re.compile(
    r"(?<![\w.,^/])(?P<sign>[-+]?)(?:[$€£¥₹] ?)?(?:(?P<whole>\d+) )?(?P<top>\d+) ?/ ?(?P<bottom>\d+)(?![\d/]|\.\d)"
    rf"|(?<![\w.,^])(?P<number>[-+]?(?:[$€£¥₹] ?)?{_DIGITS})"
)
_UNIT = re.compile(
    r"\s*(?:(?P<percent>\\?%|percent\b|per cent\b|Prozent\b|pour ?cent\b|por ciento\b)"
    r"|(?P<thousand>thousand\b|tausend\b|mille\b|mil\b)|(?P<million>million|millón|Mio\b)"
    r"|(?P<billion>billion\b|Milliarde|milliard\b|Mrd\b)|(?P<trillion>trillion\b))",
    re.I,
)
_TIMES = {
    "percent": Fraction(1, 100),
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
}
_NOT = re.compile(r"(?:\bnot|\brather than|\binstead of|\bnicht|\bstatt|\bet non|\bpas|≠|!=)\s*[\W_]{0,4}$", re.I)
_DECIMAL_COMMA = re.compile(r"(?<![\d(\[,.])(?:\d+,\d{1,2}(?![\d,])|\d{1,3}(?:\.\d{3})+,\d)(?!\))")
_FOREIGN = re.compile(
    r"\b(?:antwort|ergebnis|lösung|réponse|résultat|respuesta|resultado|risposta|risultato|resposta)\b", re.I
)
_CUE = re.compile(
    r"\b(?:answer|result|antwort|ergebnis|lösung|réponse|résultat|respuesta|resultado|risposta|risultato|resposta)\b"
    r"[^\n.]{0,60}?(?:\bis\b|\bist\b|\best\b|\bes\b|\bè\b|\bé\b|\bequals\b|:|=|≈)|(?:答案|ответ|答え|답)[^\n]{0,10}?[:：是为는은は]",
    re.I,
)
_MARKED = re.compile(r"^#{4}[ \t]*([-+$€£]?\d[\d.,]*)[ \t]*\S{0,12}[ \t]*$", re.M)
_BOX = re.compile(r"\\f?boxed\s*\{")
_END = re.compile(r"\n|[.;!?](?=\s|$)")


def settled_numbers(reply: str) -> list[frozenset[Fraction]]:
    """The number that a reply settles on, with its readings, as a list of one; an empty list where there is none.

    That is the one in the last \\boxed{}; else the one marked by "####"; else the one after the last "answer is" or
    "answer:", after the last "=" of that sentence; else the last one that is not said after "not".
    """
    comma = bool(_DECIMAL_COMMA.search(reply) or _FOREIGN.search(reply))
    marked = _MARKED.search(reply)
    for span in (last_box(reply), marked and marked[1]):
        if span and (found := list(_numbers(_plain(span), comma))):
            return found[-1:]
    plain = _plain(reply)
    for cue in list(_CUE.finditer(plain))[: -_MOST_CUES - 1 : -1]:
        rest = plain[cue.end() : cue.end() + _LONGEST].lstrip(" \n\t*_:")
        end = _END.search(rest)
        sentence = rest[: end.start()] if end else rest
        last = max(sentence.rfind("="), sentence.rfind("≈")) + 1
        if found := list(_numbers(sentence[last:], comma)):
            return found[:1]
    return list(_numbers(plain, comma))[-1:]


def number(text: object) -> Fraction | None:
    """The value of what is one number alone (3, "1,234.5", "3/4", "\\frac{3}{4}", "50 %"); None for anything else."""
    if isinstance(text, bool) or text is None:
        return None
    found = list(_numbers(_plain(str(text)), False))
    if len(found) != 1 or not re.fullmatch(r"[^a-zA-Z^]*|.*\\[dtc]?frac.*|.*\d[eE][-+]?\d+.*", str(text)):
        return None
    return max(found[0], key=abs)


def last_box(reply: str) -> str | None:
    """What stands in the last \\boxed{}, in which braces may nest; None where there is none."""
    begins = [match.end() for match in _BOX.finditer(reply)]
    if not begins:
        return None
    depth = 1
    for end in range(begins[-1], len(reply)):
        depth += {"{": 1, "}": -1}.get(reply[end], 0)
        if not depth:
            return reply[begins[-1] : end]
    return reply[begins[-1] :]


def _plain(text: str) -> str:
    """The text with every number written as `_NUMBER` reads it."""
    text = re.sub(r"([⁻⁺]?[⁰¹²³⁴-⁹]+)", lambda m: "^" + m[1].translate(_SUPERSCRIPTS), text)
    text = re.sub(r"(?<=\d)(?=[¼-¾⅐-⅞])", " ", text)  # 2½
    text = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char for char in unicodedata.normalize("NFKC", text)
    )
    text = _SPACES.sub("", _STYLE.sub("", text.replace(r"\$", "$").replace(r"\%", "%")))
    text = _FRACTION.sub(lambda m: f" {m[1] or m[2]}/{m[3] or m[4]} ", text).replace("⁄", "/")
    text = re.sub(r"([-−])\s+(?=\d+/\d+ )", "-", text)
    text = re.sub(r"[{}]", " ", _POWER.sub(lambda m: f"e{m[1]}", text))
    return _ITEM.sub("", _WORDED_MINUS.sub("-", _MINUS.sub("-", text)))


def _numbers(plain: str, comma: bool) -> Iterator[frozenset[Fraction]]:
    """Each number that is not said after "not", with what its unit makes of it."""
    for match in _NUMBER.finditer(plain):
        value = _value(match, comma)
        if value is None or _NOT.search(plain[max(match.start() - 24, 0) : match.start()]):
            continue
        unit = _UNIT.match(plain, match.end())
        name = unit.lastgroup if unit else None
        yield frozenset((value, value * _TIMES[name]) if name else (value,))


def _value(match: re.Match[str], comma: bool) -> Fraction | None:
    if match["top"]:
        if max(len(match["top"]), len(match["bottom"])) > _LONGEST or not int(match["bottom"]):
            return None
        value = Fraction(int(match["top"]), int(match["bottom"])) + int(match["whole"] or 0)
        return -value if match["sign"] == "-" else value
    text, separator = match["number"].translate(_MARKS), match["group"]
    if not any(char.isdigit() for char in text) or len(text) > _LONGEST:
        return None
    several = separator is not None and text.count(separator) > 1
    groups = separator not in (None, *".,") or several or _groups(text, separator, comma)
    if groups or (separator and "," in text and "." in text):
        text = text.replace(separator or "", "")
    if text.count(",") > 1:  # 12,34,567
        text = text.replace(",", "")
    try:
        exact = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return Fraction(exact) if abs(exact.adjusted()) <= _LONGEST_EXPONENT else None


def _groups(text: str, separator: str | None, comma: bool) -> bool:
    """Whether the only separator, before three digits, groups them: a comma does, a point where commas are decimal."""
    return separator == ("." if comma else ",") and not text.lstrip("-+").startswith("0")
