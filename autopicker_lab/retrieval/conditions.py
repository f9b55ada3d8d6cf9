"""Which rows of a table a question means: the values that it names or excepts, comparisons with numbers, and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.condition_words import folded_column
from autopicker_lab.retrieval.dates import Span, number_of, one_after_another, said_before, spans_in
from autopicker_lab.retrieval.ngrams import fold, has_name
from autopicker_lab.retrieval.place_patterns import BOTH, RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from autopicker_lab.retrieval.tables import Column

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_LEAST_VALUE = 2  # characters of a cell that a question may name
_LEAST_INFLECTED = 4  # the same of one that it names with another ending
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = r"(?P<number{0}>[+\-−]?\d[\d.,]*\d|\d)\s*(?:€|\$|£|%|k?m|eur|usd)?"
_SIGNS = {"greater": (">",), "at_least": (">=", "≥"), "less": ("<",), "at_most": ("<=", "≤")}
_AFTER = {  # what follows a number
    "at_least": (
        *(
            "or more",
            "or above",
            "or over",
            "and above",
            "and over",
            "oder mehr",
            "und mehr",
            "ou plus",
            "et plus",
            "o más",
        ),
        *(
            "y más",
            "o più",
            "ou mais",
            "of meer",
            "eller mer",
            "lub więcej",
            "a více",
            "или более",
            "и более",
            "以上",
            "이상",
        ),
    ),
    "at_most": (
        *("or less", "or fewer", "or below", "and below", "oder weniger", "ou moins", "o menos", "o meno", "ou menos"),
        *("of minder", "eller mindre", "lub mniej", "или менее", "и менее", "以下", "以内", "이하"),
    ),
    "greater": ("超", "초과", "से अधिक", "से ज़्यादा", "से ज्यादा", "den fazla", "dan fazla", "ten fazla", "tan fazla"),
    "less": ("未満", "미만", "से कम", "den az", "dan az", "ten az", "tan az"),
}
_EXCEPTED_BEFORE = ("を除く", "を除いた", "以外", "제외", "को छोड़कर", "के अलावा", "hariç", "dışında", "kivül", "除外")
_SAID = {"greater": "more than", "at_least": "at least", "less": "less than", "at_most": "at most"}
_GROUPED_AFTER = ("ごと", "別", "毎", "별", "마다", "başına", "göre")


@dataclass(frozen=True)
class Selection:
    """The rows that a question means.

    Attributes:
        rows: by row below the header, whether it is meant.
        conditions: in words.
    """

    rows: Mask
    conditions: tuple[str, ...] = ()

    def with_(self, rows: Mask, condition: str) -> Selection:
        """Those of them that meet one more condition."""
        return Selection(self.rows & rows, (*self.conditions, condition))


def selected(text: str, columns: Sequence[Column], whole: int) -> Selection:
    """The rows that a folded question means: of the values named in a column any, of the columns all.

    Args:
        whole: how many rows there are below the header.
    """
    import numpy as np

    found = Selection(np.ones(whole, bool))
    forms = frozenset(_forms(text))
    spans = spans_in(text)
    for column in columns:
        if not spans or column.days is None:
            found = _by_values(found, text, forms, column)
    if spans:
        found = _by_dates(found, text, spans, columns)
    return _by_numbers(found, text, columns)


def grouped_by(text: str, columns: Iterable[Column]) -> Column | None:
    """The column by whose values a folded question wants its answer: "per city", "都市ごと"."""
    for column in columns:
        for name in _names(column):
            for match in re.finditer(re.escape(name), text):
                before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
                if _ends_with(before, folded_column("per")) or after.startswith(tuple(map(fold, _GROUPED_AFTER))):
                    return column
    return None


def is_named(text: str, column: Column) -> bool:
    """Whether a folded question has the name of a column, in the singular or the plural."""
    return any(has_name(text, name) for name in _names(column))


def _names(column: Column) -> list[str]:
    name = fold(column.name).strip()
    if not name:
        return []
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return [plural, name] if name[-1].isascii() and len(name) >= _LEAST_INFLECTED else [name]


def _forms(text: str) -> Iterator[str]:
    """The words of a question without what endings they may have."""
    for word in _WORD.findall(text):
        for cut in (1, 2):
            if len(word) - cut >= _LEAST_INFLECTED:
                yield word[:-cut]
        if word.endswith("ies"):
            yield f"{word[:-3]}y"


def _by_values(found: Selection, text: str, forms: frozenset[str], column: Column) -> Selection:
    """Those rows whose value in a column a question names, or does not except."""
    import numpy as np

    wanted = {
        code: value
        for code, (value, folded) in enumerate(column.texts.items())
        if len(value) >= _LEAST_VALUE and (has_name(text, folded) or folded in forms)
    }
    if not wanted:
        return found
    there = np.unique(column.codes[found.rows & (column.codes >= 0)])
    named = np.intersect1d(there, list(wanted)).tolist()
    if not 0 < len(named) < len(there):
        return found
    excepted = [code for code in named if _is_excepted(text, fold(wanted[code]))]
    kept = [code for code in named if code not in excepted]
    said = sorted(wanted[code] for code in kept or excepted)
    if kept:
        return found.with_(np.isin(column.codes, kept), f"{column.name} is {' or '.join(said)}")
    return found.with_(~np.isin(column.codes, excepted), f"{column.name} is not {' or '.join(said)}")


def _is_excepted(text: str, value: str) -> bool:
    start = text.find(value)
    if start < 0:
        return False
    before = re.sub(
        r"\s(?:the|die|der|das|den|le|la|les|el|los|las|il|lo|i|gli|de|het|в|от)\s?$", "", text[:start].rstrip()
    )
    return _ends_with(before, folded_column("except")) or text[start + len(value) :].lstrip().startswith(
        tuple(map(fold, _EXCEPTED_BEFORE))
    )


def _ends_with(text: str, words: Iterable[str]) -> bool:
    return any(
        text.endswith(word) and (not word[0].isascii() or not text[: -len(word)][-1:].isalnum()) for word in words
    )


def _by_dates(found: Selection, text: str, spans: list[Span], columns: Sequence[Column]) -> Selection:
    """Those rows whose day is one that a question names, or after it and so on, in the column of days that it means."""
    import numpy as np

    dated = [(column, days) for column in columns if (days := column.days) is not None]
    named = [one for one in dated if is_named(text, one[0])]
    if len(named or dated) != 1:
        return found
    ((column, days),) = named or dated
    for one, other in one_after_another(text, spans):
        if one.first and other.last:
            rows = (days >= number_of(one.first)) & (days <= number_of(other.last))
            return found.with_(rows, f"{column.name} is {one.first} to {other.last}")
    meant = [_days_meant(text, span, days) for span in spans]
    rows = np.any([rows for rows, _ in meant], axis=0)
    return found.with_(rows, f"{column.name} is {' or '.join(said for _, said in meant)}")


def _days_meant(text: str, span: Span, days: Ints) -> tuple[Mask, str]:
    """Which days a question means by a span of them, and what it means in words."""
    which = said_before(text, span)
    if not which or span.first is None or span.last is None:
        return span.among(days), span.said
    first, last = number_of(span.first), number_of(span.last)
    rows: Mask
    if which == "after":
        rows = days > last
    elif which == "since":
        rows = days >= first
    else:
        rows = (days > 0) & (days < first if which == "before" else days <= last)
    return rows, f"{which} {span.last if which in ('after', 'until') else span.first}"


def _by_numbers(found: Selection, text: str, columns: Sequence[Column]) -> Selection:
    """Those rows whose numbers compare so with those of a question, in the column that it names last before them."""
    import numpy as np

    measured = [column for column in columns if np.count_nonzero(~np.isnan(column.numbers)) > len(found.rows) // 2]
    for match in _comparisons().finditer(text):
        try:
            low, high, said = _bounds(match)
        except ValueError:  # 1.2.3 is no number
            continue
        column = _meant(text, match.start(), match.end(), measured)
        if column is None:
            continue
        numbers = column.numbers
        above: Mask = numbers > low[0] if low[1] else numbers >= low[0]
        below: Mask = numbers < high[0] if high[1] else numbers <= high[0]
        found = found.with_(above & below, f"{column.name} is {said}")
    return found


def _bounds(match: re.Match[str]) -> tuple[tuple[float, bool], tuple[float, bool], str]:
    """The lower and upper bound that a comparison says, each with whether it is left out, and both in words."""
    everything = (float("-inf"), False), (float("inf"), False)
    if match["number_low"]:
        low, high = sorted((value_of(match["number_low"]), value_of(match["number_high"])))
        return (low, False), (high, False), f"{low:g} to {high:g}"
    kind = next(kind for kind in _SAID if match[f"{kind}_b"] or match[f"{kind}_a"])
    value = value_of(match["number"] or match["number_a"])
    said = f"{_SAID[kind]} {value:g}"
    if kind in ("greater", "at_least"):
        return (value, kind == "greater"), everything[1], said
    return everything[0], (value, kind == "less"), said


def value_of(text: str) -> float:
    """A number as people write it: 1,234.5, 1.234,5 or 1234."""
    text = text.replace("−", "-").strip(".,")
    comma, dot = text.rfind(","), text.rfind(".")
    if comma > dot and not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text):
        text = text.replace(".", "").replace(",", ".")
    elif dot > comma and re.fullmatch(r"[+-]?\d{1,3}(\.\d{3}){2,}", text):
        text = text.replace(".", "")
    return float(text.replace(",", ""))


def _meant(text: str, start: int, stop: int, columns: Sequence[Column]) -> Column | None:
    """The column of numbers that a comparison is about: the one named last before it, then first after; or the only."""
    before = [(text.rfind(name, 0, start), column) for column in columns for name in _names(column)[-1:]]
    named = [one for one in before if one[0] >= 0]
    if named:
        return max(named, key=lambda one: one[0])[1]
    after = [(at, column) for column in columns for name in _names(column)[-1:] if (at := text.find(name, stop)) >= 0]
    if after:
        return min(after, key=lambda one: one[0])[1]
    return columns[0] if len(columns) == 1 else None


@lru_cache(1)
def _comparisons() -> re.Pattern[str]:
    """Comparisons with numbers, ranges first."""
    links = "|".join(map(re.escape, sorted(RANGES | BOTH, key=len, reverse=True)))
    starts = _alternatives(folded_column("between"))
    forms = [
        rf"{starts}\s*{_NUMBER.format('_low')}\s*(?:{links})\s*{_NUMBER.format('_high')}",
    ]
    kinds = []
    for kind in _SAID:
        words = _alternatives(folded_column(kind))
        signs = "|".join(map(re.escape, _SIGNS[kind]))
        kinds.append(rf"(?P<{kind}_b>{words}|(?:{signs})(?!=))")
    forms.append(rf"(?:{'|'.join(kinds)})\s*{_NUMBER.format('')}")
    ends = "|".join(rf"(?P<{kind}_a>{'|'.join(map(re.escape, map(fold, _AFTER[kind])))})" for kind in _SAID)
    forms.append(rf"{_NUMBER.format('_a')}\s*['’]?(?:{ends})")
    return re.compile("|".join(forms))


def _alternatives(words: Iterable[str]) -> str:
    """Any of some words, at the beginning of one but in scripts without spaces."""
    spaced = "|".join(re.escape(word) for word in words if word[0] < "\u3000")
    others = "|".join(re.escape(word) for word in words if word[0] >= "\u3000")
    return rf"(?:(?<!\w)(?:{spaced})|{others})" if others else rf"(?<!\w)(?:{spaced})"
