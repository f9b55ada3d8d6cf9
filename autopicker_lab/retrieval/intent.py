"""What a question names: places of a file by number or name, the whole of it, or a sum; in many languages.

The words stand in `words.tsv`, a line for each language that the transcriber knows, and `concepts.tsv`, a line for each
chapter that is called by what it is. They are beginnings of words, so that inflections meet them; `*` is anything.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.numerals import of_column, with_digits

_WANTED = ("whole", "list", "total")
_NAMED = ("sheet", "section", "chapter")
NUMBERED = ("page", "sheet", "slide", "section", "chapter", "figure", "table", "line", "row")
_QUESTION_MARKS = ("?", "؟", "？", "⸮", "՞")
_SHORT = 14  # words of a question about the whole; a longer one is about what it tells of
_READ = 2_000  # characters of a question that are looked at
_STEM = 4  # letters of a word's beginning that may have any ending
_ASKED = 6  # the same for Latin words of what is wanted: "count" would be read into "country", "alle" into "allein"
_MOST_NUMBERS = 50  # of a range
_SHORT_WORD = 2  # letters of a word that means much else: "no", "wa", "ke"
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_HAN = {d: i for i, d in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_NUMBER = r"(?:\d{1,7}(?:\.\d{1,3}){0,3}(?!\d)|(?<![^\W_])[ivxlc]{1,7}(?![\w])|[〇零一二三四五六七八九十百两兩]{1,5})"
_AT_ONCE = r"\s?(?:[番枚個个つ張张]目?の?|ページ目の?|번째|번)?\s?"
_JOINED = rf"\s*(?P<link>[,&\-–—~〜、]|[^\W\d]{{1,4}})\s*(?P<more>{_NUMBER})(?![^\W_])"
_RANGES = frozenset(
    {"-", "–", "—", "~", "〜", "to", "bis", "a", "au", "al", "tot", "til", "till", "do", "az", "ila"}
) | {
    *("до", "по", "到", "至", "から", "まで", "에서", "الى", "से"),
}
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class NamedPlace:
    """A place that a question names.

    Attributes:
        kind: one of page, sheet, slide, section, chapter, figure, table, line, row.
        number: as it is numbered: "7", "3.2"; "first", "last" or "next"; "" for one that is named in words.
    """

    kind: str
    number: str = ""


@dataclass(frozen=True)
class Intent:
    """What a question names or is about.

    Attributes:
        places: by number, in the question's order; those of words alone have the number "".
        concepts: which of introduction, method, result and so on it calls by name.
        whole: whether it is about the whole of a file (a summary, a translation).
        all_of: whether it wants every one of something.
        total: whether it wants something counted or added up.
    """

    places: tuple[NamedPlace, ...] = ()
    concepts: tuple[str, ...] = ()
    whole: bool = False
    all_of: bool = False
    total: bool = False


def intent_of(question: str) -> Intent:
    """What a question names, of which the beginning is read."""
    text = " ".join(fold(question[:_READ]).split())
    table = _words()
    return Intent(
        places=tuple(dict.fromkeys(_places(text))),
        concepts=tuple(name for name, pattern in _concepts().items() if pattern.search(text)),
        whole=bool(table["whole"].search(text)) and len(text.split()) <= _SHORT,
        all_of=bool(table["list"].search(text)) and not text.endswith(_QUESTION_MARKS),
        total=bool(table["total"].search(text)),
    )


def concepts_in(title: str) -> tuple[str, ...]:
    """What a heading is called by: introduction, method and so on, in any of the languages."""
    text = fold(title)
    return tuple(name for name, pattern in _concepts().items() if pattern.search(text))


def is_caption(text: str, kind: str, number: str) -> bool:
    """Whether a text tells of the figure or table of this number."""
    return NamedPlace(kind, number) in _numbered(" ".join(fold(text).split()))


def number_of(text: str) -> str | None:
    """A number as digits: of any script, Roman, Chinese; None where it is none."""
    text = text.strip().rstrip(".")
    if not text:
        return None
    if text[0].isdigit():
        plain = "".join(str(unicodedata.digit(c, c)) for c in text)
        return ".".join(str(int(piece)) if piece.isdecimal() else piece for piece in plain.split("."))
    if all(c in _ROMAN for c in text):
        values = [_ROMAN[c] for c in text]
        return str(sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)))
    return _han_number(text)


def _han_number(text: str) -> str | None:
    value = digit = 0
    for c in text:
        if c in "十百":
            value += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        elif c in _HAN:
            digit = digit * 10 + _HAN[c]
        else:
            return None
    return str(value + digit)


def _places(text: str) -> list[NamedPlace]:
    found = _numbered(with_digits(text))
    for kind in NUMBERED:
        which = [NamedPlace(kind, name) for name in ("last", "next") if _ordinals(kind, name).search(text)]
        if which and NamedPlace(kind, "1") in found:  # 最后一页 is "the last page"
            found.remove(NamedPlace(kind, "1"))
        elif not which and NamedPlace(kind, "1") not in found and _ordinals(kind, "first").search(text):
            which = [NamedPlace(kind, "first")]
        found += which
    named = {place.kind for place in found}
    found += [NamedPlace(kind) for kind in _NAMED if kind not in named and _named(kind).search(text)]
    return found


def _numbered(text: str) -> list[NamedPlace]:
    found: list[NamedPlace] = []
    reached = 0
    for match in _numbered_pattern().finditer(text):
        if match.start() < reached:
            continue
        kind = next(name for name in NUMBERED if match[f"{name}_a"] or match[f"{name}_b"])
        numbers = [number_of(match["after"] or match["before"])]
        reached = match.end()
        if match["after"]:
            while more := re.compile(_JOINED).match(text, reached):
                numbers += _joined(numbers[-1], more["link"], number_of(more["more"]))
                reached = more.end()
        found += [NamedPlace(kind, number) for number in numbers if number]
    return found


def _joined(last: str | None, link: str, number: str | None) -> list[str | None]:
    """The numbers that a further one adds: those of a range, or itself."""
    if link in _RANGES and last and number and last.isdecimal() and number.isdecimal():
        first, stop = int(last) + 1, int(number)
        if first <= stop < first + _MOST_NUMBERS:
            return [str(n) for n in range(first, stop + 1)]
    return [number]


@lru_cache(1)
def _lines() -> list[str]:
    return files(__package__).joinpath("words.tsv").read_text("utf-8").splitlines()


@lru_cache(1)
def _table() -> dict[str, list[str]]:
    """The words of each column, of all languages, folded, the longest first."""
    lines = _lines()
    names = lines[0].split("\t")
    columns: dict[str, set[str]] = {name: set() for name in names}
    for line in lines[1:]:
        for name, cell in zip(names, line.split("\t"), strict=True):
            columns[name].update(filter(None, map(fold, cell.split("|"))))
    return {name: sorted(found, key=lambda word: (-len(word), word)) for name, found in columns.items()}


def _pattern(words: list[str], ending: str = "", latin: int = _STEM) -> str:
    """An expression for beginnings of words, of short ones for the whole; of scripts without spaces, for any place.

    Args:
        latin: letters of a beginning in ASCII that may have any ending.
    """
    spaced = [word for word in words if not _UNSPACED.search(word)]
    short = [word for word in spaced if len(word) < (latin if word.isascii() and word.isalpha() else _STEM)]
    others = [word for word in words if _UNSPACED.search(word)]
    forms = []
    if long := [word for word in spaced if word not in short]:
        forms.append(rf"(?<![^\W_])(?:{'|'.join(map(_stem, long))}){ending}")
    if short:
        forms.append(rf"(?<![^\W_])(?:{'|'.join(map(_stem, short))})(?![^\W\d_])")
    if others:
        forms.append(f"(?:{'|'.join(map(_stem, others))})")
    return f"(?:{'|'.join(forms)})"


def _stem(word: str) -> str:
    return re.escape(word).replace(r"\*", ".{1,60}?")


@lru_cache(1)
def _words() -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile(_pattern(words, _ENDING.get(name, ""), _ASKED if name in _WANTED else _STEM))
        for name, words in _table().items()
    }


_MARK = "[\\w\u0300-\u036f\u0900-\u0dff]"
_ENDING = dict.fromkeys(NUMBERED, rf"{_MARK}{{0,6}}")


@lru_cache(1)
def _concepts() -> dict[str, re.Pattern[str]]:
    lines = files(__package__).joinpath("concepts.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return {name: re.compile(_pattern(sorted(map(fold, words.split("|")), key=len))) for name, words in rows}


@lru_cache(1)
def _numbered_pattern() -> re.Pattern[str]:
    """A word for a place with a number after it, or one before it."""
    table = _table()
    ending = rf"{_MARK}{{0,6}}"
    ordinal = _ordinal()
    kinds = {kind: _pattern(table[kind], ending) for kind in NUMBERED}
    after = "|".join(f"(?P<{kind}_a>{pattern})" for kind, pattern in kinds.items())
    before = "|".join(
        f"(?P<{kind}_b>{ordinal}{pattern}|{_AT_ONCE}{_pattern(_without_spaces(table[kind]))})"
        for kind, pattern in kinds.items()
    )
    first = rf"(?:{after}){_filler()}(?P<after>{_NUMBER})(?!\d)"
    second = rf"(?<![\d.])(?P<before>{_NUMBER})(?:{before})"
    return re.compile(f"{first}|{second}")


def _filler() -> str:
    """What may stand between a word for a place and its number: "no.", "رقم", "thứ"."""
    words = "|".join(map(re.escape, of_column("number")))
    return rf"[\s.:#\-]*(?:(?:№|第|{words})[\s.:º°\-]*)?"


def _ordinal() -> str:
    """What may stand between a number and a place: a full stop, an ordinal's ending, a word for "number"."""
    endings = of_column("endings")
    apart = [ending for ending in endings if ending > "\u0900"]
    at_once = "|".join(map(re.escape, endings))
    counted = "|".join(re.escape(word) for word in of_column("number") if len(word) > _SHORT_WORD)
    return rf"(?:\.-?|[.\-:']?(?:{at_once})|\s(?:{'|'.join(map(re.escape, apart))})|\s(?:{counted})(?=\s))\s?"


def _without_spaces(words: list[str]) -> list[str]:
    return [word for word in words if _UNSPACED.search(word)]


@lru_cache(8)
def _named(kind: str) -> re.Pattern[str]:
    """A word for a place that a name may stand beside; not "part" and its like, which mean much else."""
    lines = (line.split("\t") for line in _lines()[1:])
    column = _lines()[0].split("\t").index(kind)
    words = {fold(line[column].split("|")[0]) for line in lines}
    kept = [word for word in words if len(word) >= (2 if _UNSPACED.search(word) else _STEM)]
    return re.compile(_pattern(sorted(kept, key=len, reverse=True), rf"{_MARK}{{0,6}}"))


@lru_cache(64)
def _ordinals(kind: str, which: str) -> re.Pattern[str]:
    """First, last or next beside a word for a place."""
    table = _table()
    word, place = _pattern(table[which], r"\w{0,5}"), _pattern(table[kind], rf"{_MARK}{{0,6}}")
    return re.compile(rf"{word}[\s一の]?{place}|{place}\s?{word}")


def load() -> None:
    """Make the expressions ready, which takes a moment."""
    _words(), _concepts(), _numbered_pattern()
