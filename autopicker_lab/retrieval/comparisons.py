"""Comparisons with numbers that a question has: "above 300", "300以上", "between 1 and 2"; in many languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.condition_words import folded_column, has_comma, is_negated
from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.place_patterns import BOTH, RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_SCALES = {
    **dict.fromkeys(("k", "thousand", "tausend", "tsd", "mille", "mila", "mil", "тыс", "тысяч", "千", "천"), 1e3),
    **dict.fromkeys(("million", "millions", "millionen", "mio", "millones", "milhoes", "milioni", "млн", "백만"), 1e6),
    **dict.fromkeys(("billion", "billions", "milliarden", "mrd", "milliards", "млрд"), 1e9),
    **{"万": 1e4, "萬": 1e4, "만": 1e4, "億": 1e8, "亿": 1e8, "억": 1e8, "lakh": 1e5, "लाख": 1e5, "crore": 1e7},
}
_SCALES_FOLDED = {fold(word): scale for word, scale in _SCALES.items()}
_CURRENCY = r"(?:[$€£¥₹₩₽]|eur|usd|gbp|chf)"
_SCALE = "|".join(
    re.escape(word) + (r"(?!\w)" if word < "\u0900" else "") for word in sorted(_SCALES_FOLDED, key=len, reverse=True)
)
_NUMBER = (
    rf"(?:{_CURRENCY}\s*)?(?<![\d.,])(?P<number{{end}}>[+\-−]?\d(?:[\d.,]*\d)?)(?!\d)"
    rf"(?:\s*(?P<scale{{end}}>{_SCALE}))?\s*(?:{_CURRENCY}|%|k?m(?!\w))?"
)
_SIGNS = {"greater": (">",), "at_least": (">=", "≥"), "less": ("<",), "at_most": ("<=", "≤")}
_AFTER = {  # what follows a number
    "at_least": (
        "or more|or above|or over|and above|and over|oder mehr|und mehr|ou plus|et plus|o más|y más|o più|"
        "ou mais|of meer|eller mer|lub więcej|a více|или более|и более|以上|이상"
    ),
    "at_most": (
        "or less|or fewer|or below|and below|oder weniger|ou moins|o menos|o meno|ou menos|of minder|"
        "eller mindre|lub mniej|или менее|и менее|以下|以内|이하"
    ),
    "greater": "超|초과|से अधिक|से ज़्यादा|से ज्यादा|den fazla|dan fazla|ten fazla|tan fazla",
    "less": "未満|미만|से कम|den az|dan az|ten az|tan az",
}
_SAID = {"greater": "more than", "at_least": "at least", "less": "less than", "at_most": "at most"}


@dataclass(frozen=True)
class NumberBounds:
    """The bounds that a question sets to numbers.

    Attributes:
        at: where it stands in the question.
        low: the least number that is meant.
        high: the greatest one.
        is_strict: whether the bound itself is left out.
        is_not: whether the numbers meant are the others.
        said: in words, but for "not".
    """

    at: tuple[int, int]
    low: float
    high: float
    is_strict: bool
    is_not: bool
    said: str

    @property
    def told(self) -> str:
        """What it says, in words."""
        return f"not {self.said}" if self.is_not else self.said

    @property
    def is_range(self) -> bool:
        """Whether it has two bounds."""
        return self.low > float("-inf") and self.high < float("inf")

    def among(self, numbers: Floats) -> Mask:
        """Which of some numbers, NaN for none, are meant."""
        import numpy as np

        above: Mask = numbers > self.low if self.is_strict else numbers >= self.low
        below: Mask = numbers < self.high if self.is_strict else numbers <= self.high
        within: Mask = above & below
        others: Mask = ~np.isnan(numbers) & ~within
        return others if self.is_not else within


def comparisons_in(text: str) -> list[NumberBounds]:
    """The comparisons of a folded text, in its order."""
    found = []
    for match in _comparisons().finditer(text):
        try:
            found.append(_comparison(match, is_negated(text, match.start())))
        except ValueError:  # 1.2.3 is no number
            continue
    return found


def _comparison(match: re.Match[str], is_not: bool) -> NumberBounds:
    if match["number_low"]:
        low, high = sorted(_value(match, end, match["starts"]) for end in ("_low", "_high"))
        return NumberBounds(match.span(), low, high, False, is_not, f"{low:g} to {high:g}")
    kind = next(kind for kind in _SAID if match[f"{kind}_b"] or match[f"{kind}_a"])
    word = match[f"{kind}_b"] or match[f"{kind}_a"]
    value = _value(match, "" if match["number"] else "_a", word)
    low, high = (value, float("inf")) if kind in ("greater", "at_least") else (float("-inf"), value)
    return NumberBounds(match.span(), low, high, kind in ("greater", "less"), is_not, f"{_SAID[kind]} {value:g}")


def _value(match: re.Match[str], end: str, word: str) -> float:
    is_comma = has_comma(word) and not word.startswith(("or ", "and "))
    scale = match[f"scale{end}"]
    return value_of(match[f"number{end}"], is_comma) * (_SCALES_FOLDED[scale] if scale else 1)


def value_of(text: str, is_comma: bool = False) -> float:
    """A number as people write it: 1,234.5, 1.234,5 or 1234.

    Args:
        is_comma: whether 1.234 is more than a thousand.
    """
    text = text.replace("−", "-").strip(".,")
    comma, dot = text.rfind(","), text.rfind(".")
    if comma > dot and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text):
        text = text.replace(".", "").replace(",", ".")
    elif dot > comma and re.fullmatch(rf"[+-]?\d{{1,3}}(\.\d{{3}}){{{1 if is_comma else 2},}}", text):
        text = text.replace(".", "")
    return float(text.replace(",", ""))


def _number(end: str) -> str:
    return _NUMBER.replace("{end}", end)


@lru_cache(1)
def _comparisons() -> re.Pattern[str]:
    """Comparisons with numbers, ranges first."""
    links = "|".join(map(re.escape, sorted(RANGES | BOTH, key=len, reverse=True)))
    starts = f"(?P<starts>{_alternatives(folded_column('between'))})"
    forms = [
        rf"{starts}\s*{_number('_low')}\s*(?:{links})\s*{_number('_high')}",
    ]
    kinds = []
    for kind in _SAID:
        words = _alternatives(folded_column(kind))
        signs = "|".join(map(re.escape, _SIGNS[kind]))
        kinds.append(rf"(?P<{kind}_b>{words}|(?:{signs})(?!=))")
    forms.append(rf"(?:{'|'.join(kinds)})\s*{_number('')}")
    ends = "|".join(rf"(?P<{kind}_a>{'|'.join(map(re.escape, map(fold, _AFTER[kind].split('|'))))})" for kind in _SAID)
    forms.append(rf"{_number('_a')}\s*['’]?(?:{ends})")
    return re.compile("|".join(forms))


def _alternatives(words: Iterable[str]) -> str:
    """Any of some words, at the beginning of one but in scripts without spaces."""
    spaced = "|".join(re.escape(word) for word in words if word[0] < "\u3000")
    others = "|".join(re.escape(word) for word in words if word[0] >= "\u3000")
    return rf"(?:(?<!\w)(?:{spaced})|{others})" if others else rf"(?<!\w)(?:{spaced})"
