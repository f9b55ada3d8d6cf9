"""Days, months, quarters and years: those that a column has, and those that a question names, in many languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.condition_words import ends_with, folded_column, is_negated, months
from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.place_patterns import BOTH, RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_ISO = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?:[T ].*)?")
_DOTTED = re.compile(r"(?P<d>\d{1,2})[.\-](?P<m>\d{1,2})[.\-](?P<y>\d{4})(?: .*)?")
_SLASHED = re.compile(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4})(?: .*)?")
_TRIED = 20  # texts of a column that tell that it has no dates
_READ = 0.9  # of a column's different texts that are dates
_AMBIGUOUS = frozenset(
    {"may", "mar", "march", "mars", "mart", "mai", "maj", "mei", "sept", "sep", "dec", "jan", "jun", "nov", "oct"}
)  # without a year or day
_COUNTED = {
    word: n
    for n, words in enumerate(
        (
            "1 1. 1st 1er 1º first erste ersten erstes premier primer primeiro primo 一",
            "2 2. 2nd 2e 2º second zweite zweiten zweites deuxieme segundo secondo 二",
            "3 3. 3rd 3e 3º third dritte dritten drittes troisieme tercer terceiro terzo 三",
            "4 4. 4th 4e 4º fourth vierte vierten viertes quatrieme cuarto quarto 四",
        ),
        1,
    )
    for word in words.split()
}
_BEFORE_MONTH = re.compile(  # "how many may be late" names none
    r"\b(?:in|of|on|since|until|till|from|before|after|by|for|during|to|and|between|through|month|im|seit|ab|vor|nach|bis"
    r"|von|vom|und|en|de|du|des|depuis|avant|apres|et|entre|desde|hasta|antes|y|em|ate|di|da|dal|dopo|e|van|sinds|vanaf"
    r"|voor|tot|i|fra|til|och|og|w|od|do|v)\s$"
)
_LONG_MONTH = 6  # letters of a Latin name that may have an ending
_CYRILLIC_ENDINGS = "ь я ю е ем ём а у ом и і ем ов"
_LINK = 5  # letters of what joins two days
_BETWEEN = re.compile(r"\s(?:in|on|during|the|year|month|of|im|am|den|en|el|la|le|em|no|na|i|w|v|в|у)$")
_YEAR = r"(?P<y>(?:19|20)\d\d)(?!\d)"


@dataclass(frozen=True)
class Span:
    """Days that a question names: from the first to the last, or of every year where it names none.

    Attributes:
        at: where it stands in the question.
        said: in words, for the reader.
        month: of every year; 0 where the days tell.
    """

    at: tuple[int, int]
    first: date | None
    last: date | None
    said: str
    month: int = 0

    @property
    def is_of_years(self) -> bool:
        """Whether it is of whole years."""
        ends = [(day.month, day.day) for day in (self.first, self.last) if day]
        return ends == [(1, 1), (12, 31)]

    def among(self, days: Ints) -> Mask:
        """Which of some days, as YYYYMMDD with 0 for none, are within it."""
        within: Mask
        if self.first is None or self.last is None:
            within = days // 100 % 100 == self.month
        else:
            within = (days >= number_of(self.first)) & (days <= number_of(self.last))
        return within


def days_of(texts: Iterable[str]) -> list[int] | None:
    """The day of each text as YYYYMMDD, 0 for none; None where most are no dates, or day and month cannot be told."""
    said = [text.strip() for text in texts]
    if not _are_days(said[:_TRIED]) or not _are_days(said):
        return None
    found = [_match(text) for text in said]
    slashed = [match for match in found if match and match.re is _SLASHED]
    is_month_first = any(int(match["b"]) > 12 for match in slashed)
    if slashed and is_month_first == any(int(match["a"]) > 12 for match in slashed):
        return None
    return [0 if match is None else _day_of(match, is_month_first) for match in found]


def _match(text: str) -> re.Match[str] | None:
    return _ISO.fullmatch(text) or _DOTTED.fullmatch(text) or _SLASHED.fullmatch(text)


def _are_days(said: Sequence[str]) -> bool:
    return bool(said) and sum(_match(text) is not None for text in said) >= _READ * len(said)


def spans_in(text: str) -> list[Span]:
    """The days, months, quarters and years that a folded question names, in its order."""
    found: list[Span] = []
    for match in _pattern().finditer(text):
        span = _span(match, text)
        if span is not None:
            found.append(span)
    return _with_years(text, found)


def _span(match: re.Match[str], text: str) -> Span | None:
    groups = {name.rstrip("0123456789"): value for name, value in match.groupdict().items() if value}
    year = int(groups["y"]) if "y" in groups else None
    day = int(groups["d"]) if "d" in groups else None
    for name, length in (("q", 3), ("h", 6)):
        if name in groups and year is not None:
            first = length * (_COUNTED[groups[name]] - 1) + 1
            last = first + length - 1
            return _between(match.span(), date(year, first, 1), _end(year, last)) if last <= 12 else None
    month = int(groups["m"]) if "m" in groups else months()[groups["name"]] if "name" in groups else None
    if month is None:
        return None if year is None else _between(match.span(), date(year, 1, 1), date(year, 12, 31))
    if not 1 <= month <= 12:
        return None
    if year is None:
        named = groups.get("name", "")
        if named in _AMBIGUOUS and (match[0].strip() == named) and not _BEFORE_MONTH.search(text[: match.start()]):
            return None
        return Span(match.span(), None, None, f"in month {month}", month)
    if day is None:
        return _between(match.span(), date(year, month, 1), _end(year, month))
    try:
        on = date(year, month, day)
    except ValueError:
        return None
    return _between(match.span(), on, on)


def _between(at: tuple[int, int], first: date, last: date) -> Span:
    said = str(first) if first == last else f"{first} to {last}"
    return Span(at, first, last, said)


def _end(year: int, month: int) -> date:
    return date(year, 12, 31) if month == 12 else date.fromordinal(date(year, month + 1, 1).toordinal() - 1)


def _day_of(match: re.Match[str], is_month_first: bool) -> int:
    groups = match.groupdict()
    month, day = (groups["m"], groups["d"]) if "m" in groups else (groups["a"], groups["b"])
    if "a" in groups and not is_month_first:
        month, day = day, month
    try:
        return number_of(date(int(groups["y"]), int(month), int(day)))
    except ValueError:
        return 0


def number_of(day: date) -> int:
    """A day as YYYYMMDD."""
    return day.year * 10_000 + day.month * 100 + day.day


def _month_pattern() -> str:
    """A month's name, a long one and those of Greek and Cyrillic letters with their endings: "mayor" has none."""
    endings = "|".join(map(fold, _CYRILLIC_ENDINGS.split()))
    forms = []
    for name in sorted(months(), key=len, reverse=True):
        ending = ""
        if name[0] < "\u0370" and len(name) >= _LONG_MONTH:
            ending = "[a-z]{0,5}"
        elif "\u0370" <= name[0] < "\u0530":
            ending = f"(?:{endings})?" if name[0] >= "\u0400" else r"\w{0,4}"
        forms.append(rf"{re.escape(name)}(?={ending}(?![^\W\d_]))")
    return rf"(?<![^\W_])(?P<name>{'|'.join(forms)})[^\W\d_]{{0,5}}\.?"


@lru_cache(1)
def _pattern() -> re.Pattern[str]:
    """Dates as questions have them, the most exact first; groups: y, m, d, a month's name, q and h, numbered."""
    name = _month_pattern()
    ordinal = "|".join(map(re.escape, sorted(_COUNTED, key=len, reverse=True)))
    of = r"(?:,?\s*(?:of|de|del|do|года|г\.?|року|roku)?\s*)"
    forms = [
        r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<d>\d{1,2})[.\-](?P<m>\d{1,2})[.\-](?P<y>\d{4})(?!\d)",
        r"(?<!\d)(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월](?:\s?(?P<d>\d{1,2})\s?[日号號일])?",
        r"(?<!\d)(?P<y>\d{4})\s?[年년]",
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?\s+(?:of\s|de\s)?{name}{of}{_YEAR}",
        rf"{name}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}",
        rf"{name}{of}{_YEAR}",
        rf"(?<!\w)q(?P<q>[1-4])\s*(?:of\s|/|-|\s)?\s*{_YEAR}",
        rf"(?<!\w)(?P<q>{ordinal})\s?(?:quarter|quartal|trimestre|kwartaal|kvartal|квартал)\w{{0,3}}{of}{_YEAR}",
        rf"{_YEAR}\s?年?第?(?P<q>[1-4一二三四])\s?(?:季度|四半期|분기)",
        rf"(?<!\w)h(?P<h>[12])\s*(?:of\s|/|-|\s)?\s*{_YEAR}",
        rf"(?<!\w)(?P<h>{ordinal})\s?(?:half|halbjahr|halfte|semestre|semester)\w{{0,3}}{of}{_YEAR}",
        r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{1,2})(?![\d\-])",
        rf"(?<![\d/])(?P<m>\d{{1,2}})/{_YEAR}",
        rf"(?<![\d.,\-/]){_YEAR}(?![.,]\d)",
        name,
        r"(?<!\d)(?P<m>\d{1,2})\s?[月월]",
    ]
    numbered = (re.sub(r"\(\?P<(\w+)>", rf"(?P<\g<1>{i}>", form) for i, form in enumerate(forms))
    return re.compile("|".join(numbered))


def said_before(text: str, span: Span) -> tuple[str, bool]:
    """Which of after, since, before and until stands right before a span, "" for none; and whether it is negated."""
    before = text[: span.at[0]].rstrip()
    for which in ("since", "until", "before", "after"):
        if word := ends_with(before, folded_column(which)):
            return which, is_negated(before, len(before) - len(word))
    return "", bool(ends_with(_BETWEEN.sub("", before), folded_column("except")))


def one_after_another(text: str, spans: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Pairs of spans of which a question says that it means what is between them."""
    for one, other in pairwise(spans):
        link = text[one.at[1] : other.at[0]].strip()
        before = text[: one.at[0]].rstrip()
        starts = ends_with(before, (*folded_column("between"), *folded_column("since")))
        if len(link) <= _LINK and starts and (link in RANGES or link in BOTH):
            yield one, other


def _with_years(text: str, spans: list[Span]) -> list[Span]:
    """Those spans, a month that is joined to one of a year being of that year, too: "from March to June 2022"."""
    found = list(spans)
    for i in range(len(found) - 2, -1, -1):
        one, other = found[i], found[i + 1]
        link = text[one.at[1] : other.at[0]].strip()
        is_joined = link in RANGES or link in BOTH or link in ("or", "oder", "ou", "o", "или")
        if one.month and other.first and is_joined:
            year = other.first.year
            found[i] = _between(one.at, date(year, one.month, 1), _end(year, one.month))
    return found
