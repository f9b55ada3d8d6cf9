"""Which rows of a table a question means: the values that it names or excepts, comparisons with numbers, and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.comparisons import comparisons_in
from autopicker_lab.retrieval.condition_words import common_words, ends_with, folded_column
from autopicker_lab.retrieval.dates import number_of, one_after_another, said_before, spans_in
from autopicker_lab.retrieval.ngrams import fold, has_name
from autopicker_lab.retrieval.place_patterns import BOTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    from autopicker_lab.retrieval.comparisons import NumberBounds
    from autopicker_lab.retrieval.dates import Span
    from autopicker_lab.retrieval.tables import Column

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_LEAST_VALUE = 2  # characters of a cell that a question may name
_LEAST_INFLECTED = 4  # the same of one that it names with another ending
_WORD = re.compile(r"[^\W\d_]+")
_YEAR = 4  # characters
_CODE = 2  # letters of a code of a country or a unit, which are words as well
_ENDING = re.compile("[a-z\u00c0-\u024f\u0400-\u04ff]{0,3}")
_ARTICLE = re.compile(r"\s(?:the|die|der|das|den|le|la|les|el|los|las|il|lo|i|gli|de|het|в|от)\s?$")
_NOT_DONE = re.compile(r"(?:\bnot|n't)\s\w+\s(?:by|to|in|from|for|of|at|with)$")  # not sold by
_EXCEPTED_BEFORE = ("を除く", "を除いた", "以外", "제외", "को छोड़कर", "के अलावा", "hariç", "dışında", "kivül", "除外")
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


def selected(question: str, text: str, columns: Sequence[Column], whole: int) -> Selection:
    """The rows that a question means: of the values named in a column any, of the columns all.

    Args:
        text: the question, folded.
        whole: how many rows there are below the header.
    """
    import numpy as np

    spans = spans_in(text)
    dated = _day_column(text, columns, spans)
    measured = [column for column in columns if np.count_nonzero(~np.isnan(column.numbers)) > whole // 2]
    every = _without_days(text, comparisons_in(text), spans, dated is not None)
    spans = spans if dated else []
    compared = [(one, column) for one in every if (column := _meant(question, text, one.at, measured))]
    spans = [span for span in spans if not any(_overlap(one.at, span.at) for one, _ in compared)]
    left = _blank(text, [*(one.at for one in every), *(span.at for span in spans)])
    found = Selection(np.ones(whole, bool))
    forms = frozenset(_forms(left))
    for column in columns:
        if not spans or column.days is None:
            found = _by_values(found, question, left, forms, column)
    if dated and spans:
        found = _by_dates(found, text, spans, *dated)
    for one, column in compared:
        is_named_no = text[: one.at[0]].rstrip().endswith(f" {fold(column.name)}")  # a column "No" denies nothing
        bounds = replace(one, is_not=one.is_not and not is_named_no)
        found = found.with_(bounds.among(column.numbers), f"{column.name} is {bounds.told}")
    return found


def grouped_by(text: str, columns: Iterable[Column]) -> Column | None:
    """The column by whose values a folded question wants its answer: "per city", "都市ごと"."""
    for column in columns:
        for name in _names(column):
            for match in re.finditer(re.escape(name), text):
                before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
                if ends_with(before, folded_column("per")) or after.startswith(tuple(map(fold, _GROUPED_AFTER))):
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


def _by_values(found: Selection, question: str, text: str, forms: frozenset[str], column: Column) -> Selection:
    """Those rows whose value in a column a question names, or does not except."""
    import numpy as np

    wanted = {
        code: value
        for code, (value, folded) in enumerate(column.texts.items())
        if len(value) >= _LEAST_VALUE and (has_name(text, folded) or folded in forms) and _is_meant(question, value)
    }
    if not wanted:
        return found
    there = np.unique(column.codes[found.rows & (column.codes >= 0)])
    named = np.intersect1d(there, list(wanted)).tolist()
    if not 0 < len(named) < len(there):
        return found
    excepted = _excepted(text, {code: fold(wanted[code]) for code in named})
    kept = [code for code in named if code not in excepted]
    said = sorted(wanted[code] for code in kept or excepted)
    if kept:
        return found.with_(np.isin(column.codes, kept), f"{column.name} is {' or '.join(said)}")
    return found.with_(~np.isin(column.codes, excepted), f"{column.name} is not {' or '.join(said)}")


def _is_meant(question: str, name: str) -> bool:
    """Whether a question writes a name as it is, where it is one of two letters or a word that most questions have."""
    name = name.strip()
    folded = fold(name)
    return (folded not in common_words() and not (len(folded) <= _CODE and folded.isascii() and folded.isalpha())) or (
        next(_named_in(question, name), None) is not None
    )


def _named_in(text: str, name: str) -> Iterator[re.Match[str]]:
    """Where a text has a name as words of its own; beside letters of another script it may stand."""
    letter = "[0-9A-Za-z\u00c0-\u024f]" if name[:1].isascii() else "(?!)"
    return re.finditer(f"(?<!{letter}){re.escape(name)}(?!{letter})", text)


def _excepted(text: str, values: Mapping[int, str]) -> list[int]:
    """Those of some values that a question excepts, and those that are joined to them: "except Kelham and Venton"."""
    found: list[int] = []
    reached = -1
    for start, code in sorted((text.find(value), code) for code, value in values.items()):
        link = text[reached:start].strip(" ,") if reached >= 0 else None
        stop = start + len(values[code])
        if start >= 0 and (
            link in BOTH or link in ("", "or", "nor", "oder", "noch", "ou", "o") or _is_excepted(text, start, stop)
        ):
            found.append(code)
            reached = _ENDING.match(text, stop).end()  # type: ignore[union-attr]
        else:
            reached = -1
    return found


def _is_excepted(text: str, start: int, stop: int) -> bool:
    before = _ARTICLE.sub("", text[:start].rstrip())
    after = text[stop:].lstrip()
    return bool(
        ends_with(before, folded_column("except"))
        or ends_with(before, folded_column("not"))
        or _NOT_DONE.search(before)
        or after.startswith(tuple(map(fold, _EXCEPTED_BEFORE)))
    )


def _by_dates(found: Selection, text: str, spans: Sequence[Span], column: Column, days: Ints) -> Selection:
    """Those rows whose day is one that a question names, or after it and so on, in a column of days."""
    import numpy as np

    for one, other in one_after_another(text, list(spans)):
        if one.first and other.last:
            rows = (days >= number_of(one.first)) & (days <= number_of(other.last))
            return found.with_(rows, f"{column.name} is {one.first} to {other.last}")
        if one.month and other.month:
            since, until = _in_months("since", one.month, days), _in_months("until", other.month, days)
            rows = since & until if one.month <= other.month else since | until
            return found.with_(rows, f"{column.name} is in month {one.month} to {other.month}")
    meant = [_days_meant(text, span, days) for span in spans]
    for rows, said, is_not in meant:
        if is_not:
            found = found.with_((days > 0) & ~rows, f"{column.name} is not {said}")
    kept = [(rows, said) for rows, said, is_not in meant if not is_not]
    if not kept:
        return found
    return found.with_(
        np.any([rows for rows, _ in kept], axis=0), f"{column.name} is {' or '.join(s for _, s in kept)}"
    )


def _days_meant(text: str, span: Span, days: Ints) -> tuple[Mask, str, bool]:
    """Which days a question means by a span of them, what it means in words, and whether it means the others."""
    which, is_not = said_before(text, span)
    if which and span.month:
        return _in_months(which, span.month, days), f"{which} month {span.month}", is_not
    if not which or span.first is None or span.last is None:
        return span.among(days), span.said, is_not
    first, last = number_of(span.first), number_of(span.last)
    rows: Mask
    if which == "after":
        rows = days > last
    elif which == "since":
        rows = days >= first
    else:
        rows = (days > 0) & (days < first if which == "before" else days <= last)
    return rows, f"{which} {span.last if which in ('after', 'until') else span.first}", is_not


def _in_months(which: str, month: int, days: Ints) -> Mask:
    """Which days are after, since, before or until a month, of whatever year."""
    months = days // 100 % 100
    compared: dict[str, Mask] = {
        "after": months > month,
        "since": months >= month,
        "before": months < month,
        "until": months <= month,
    }
    return (days > 0) & compared[which]


def _day_column(text: str, columns: Sequence[Column], spans: Sequence[Span]) -> tuple[Column, Ints] | None:
    """The column of days that a folded question means: the one that it names, or the only one, or one of years."""
    dated = [(column, days) for column in columns if (days := column.days) is not None]
    if not dated and all(span.is_of_years for span in spans):
        dated = [(column, years) for column in columns if (years := column.years) is not None]
    named = [one for one in dated if is_named(text, one[0])]
    return (named or dated)[0] if len(named or dated) == 1 else None


def _without_days(
    text: str, compared: Sequence[NumberBounds], spans: Sequence[Span], has_days: bool
) -> list[NumberBounds]:
    """The comparisons that are not of days, nor, where there are days, of years: "between 2021 and 2023"."""
    return [
        one
        for one in compared
        if not any(
            _overlap(one.at, span.at)
            and (span.at[1] - span.at[0] > _YEAR or (has_days and (one.is_range or said_before(text, span)[0])))
            for span in spans
        )
    ]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, stop in spans:
        text = text[:start] + "\n" * (stop - start) + text[stop:]
    return text


def _meant(question: str, text: str, at: tuple[int, int], columns: Sequence[Column]) -> Column | None:
    """The column of numbers that a comparison is about: the one named last before it, then first after; or the only."""
    named = [
        (match.start(), column)
        for column in columns
        if _is_meant(question, column.name)
        for name in _names(column)
        for match in _named_in(text, name)
    ]
    before = [one for one in named if one[0] < at[0]]
    after = [one for one in named if one[0] >= at[1]]
    if before:
        return max(before, key=lambda one: one[0])[1]
    if after:
        return min(after, key=lambda one: one[0])[1]
    return columns[0] if len(columns) == 1 else None
