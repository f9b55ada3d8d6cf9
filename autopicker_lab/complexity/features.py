"""Counts of words and marks in a text, the features of the heuristic score and of the fitted estimates.

Words are looked up by word or stem; marks are counted by the C loops of `str.count`. Of a very long text only the
beginning and the end are read, but its length is that of the whole.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core.text import CHARS_PER_TOKEN, ends

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_CHARACTERS = 1500  # characters of beginning and of end whose words are counted
_WORD = re.compile(r"[^\W\d_]+")
_WIDE = re.compile("[\u2e80-\U0010ffff]+")
_PIECE = 65_536  # characters that a regular expression reads at once: other threads wait meanwhile
_LETTERS = bytes([ord(chr(code).lower()) if code < 128 and chr(code).isalpha() else 32 for code in range(256)])
_ITEM = re.compile(r"[-*•]\s|\d{1,2}[.)]\s|[a-z]\)\s")
_OPTION = re.compile(r"\(?[A-Ja-j][.)]\s")
_OPERATORS = "-+*/=<>×÷^%"
_QUANTITY = re.compile(r"\d\s?[-+*/=<>×÷^]\s?\d|\d\s?%")

# A word that ends in * is a stem.
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "reasoning": "prove proof proofs derive derivation analy* compar* contrast evaluat* critique justif* explain "
        "why tradeoff* design architect* optimi* implement* refactor* debug* diagnos* synthesi* infer inference "
        "hypothes* strateg* reason* implication* warum beweis* vergleich* begründ* pourquoi démontr* demuestr* porque "
        "perché dimostr* confront*",
        "constraints": "must exactly least most without only ensure unless except between json yaml xml csv markdown "
        "table schema format cite constraint* condition* given assume suppose",
        "code": "def class function return import select async await lambda struct public void python javascript java "
        "assert array string algorithm* code program* compile* bug",
        "mathematics": "equation* integral derivative matrix matri* probability theorem polynomial* modulo percent* "
        "average solve solution sum product square root integer* prime triangle circle angle many much twice half "
        "ratio function graph vector* number* digit* total cost",
        "steps": "first then next finally afterwards step",
        "negation": "not no never none nor except false",
        "questions": "what which who whom whose when where how why was wie wer wann wo warum welche quel quelle que "
        "qué cuál quién cómo dove quale chi",
    }
)
_WORDS: Mapping[str, tuple[str, ...]]
_STEMS: Mapping[str, tuple[str, ...]]


def _index() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    words: dict[str, list[str]] = {}
    stems: dict[str, list[str]] = {}
    for kind, vocabulary in _KINDS.items():
        for word in vocabulary.split():
            (stems if word.endswith("*") else words).setdefault(word.rstrip("*"), []).append(kind)
    return ({w: tuple(k) for w, k in words.items()}, {s: tuple(k) for s, k in stems.items()})


_WORDS, _STEMS = _index()
_STEM_LENGTHS = tuple(sorted({len(stem) for stem in _STEMS}))
_UNSPACED = {  # languages that put no spaces between words
    "reasoning": ("为什么", "证明", "分析", "比较", "なぜ", "証明", "比較"),
    "questions": ("什么", "哪", "谁", "吗", "何", "誰", "どこ", "か？"),
}
_CODE_MARKS = ("```", "{", "};", "()", "=>", "==", "!=", "&&", "||", "</", "__", "self.", "return ", "print(")
_MATH_MARKS = ("\\frac", "\\sum", "\\int", "\\sqrt", "\\begin", "$", "^", "∑", "∫", "√", "≤", "≥", "π", "×", "÷")

_CODE_WORDS = ("self.", "return ")
_LETTERED_MARKS = tuple(mark for mark in (*_CODE_MARKS, *_MATH_MARKS) if mark.isascii() and mark != mark.upper())
_KINDS_OF_SIGNS = {
    b"c": b"`{;()=&|<_",  # every mark of code has one of them, except the words
    b"m": b"\\$^",  # every mark of mathematics that is ASCII has one of them
    b"0": string.digits.encode(),
    b"A": string.ascii_uppercase.encode(),
    b"q": b"\"'",
    b"n": b"\n",
}
_SIGNS = bytes([next((kind[0] for kind, signs in _KINDS_OF_SIGNS.items() if byte in signs), 32) for byte in range(256)])

NAMES = (
    "chars",
    "tokens",
    "words",
    "distinct",
    "word_length",
    "lines",
    "items",
    "options",
    "marks_question",
    "marks_code",
    "marks_math",
    "quantities",
    "digits",
    "capitals",
    "foreign",
    "quotes",
    *_KINDS,
)


_NOTHING = dict.fromkeys(NAMES, 0.0)


def measure(text: str) -> dict[str, float]:
    """The features in NAMES by name: counts, except `distinct` and `foreign` (shares), `word_length` (a mean)."""
    features = _measured(ends(text, READ_CHARACTERS), len(text)).copy()
    features["tokens"] = length_in_tokens(text)
    return features


@lru_cache(16)  # of a request the score is made of them, then estimates
def _measured(excerpt: str, length: int) -> dict[str, float]:
    """The features of a text of so many characters that its excerpt tells: all but its length in tokens."""
    data = excerpt.encode("utf-8", "replace")
    ascii_only = excerpt.isascii()
    # a regular expression, four times as slow, splits text that is not ASCII
    words = data.translate(_LETTERS).decode().split() if ascii_only else _WORD.findall(excerpt.lower())
    total = len(words)
    features = _NOTHING.copy()
    for kinds in filter(None, map(_kinds, words)):
        for kind in kinds:
            features[kind] += 1
    features["chars"] = length
    if total:
        features["words"] = total * length / len(excerpt)
        features["distinct"] = len(set(words)) / total
        features["word_length"] = len("".join(words)) / total
    signs = data.translate(_SIGNS)
    features["marks_question"] = excerpt.count("?") + excerpt.count("？")
    features["marks_code"] = sum(map(excerpt.count, _CODE_MARKS if b"c" in signs else _CODE_WORDS))
    if not ascii_only or b"m" in signs:
        features["marks_math"] = sum(map(excerpt.count, _MATH_MARKS))
    if b"0" in signs:
        features["digits"] = signs.count(b"0")
        if any(map(excerpt.__contains__, _OPERATORS)):  # an expression looks at each character
            features["quantities"] = sum(1 for _ in _QUANTITY.finditer(excerpt))
    features["quotes"] = signs.count(b"q")
    features["capitals"] = signs.count(b"A")
    if b"n" in signs:
        _count_lines(excerpt, features)
    if not ascii_only:
        features["foreign"] = 1 - len(excerpt.encode("ascii", "ignore")) / len(excerpt)
        for kind, marks in _UNSPACED.items():
            features[kind] += sum(map(excerpt.count, marks))
    return features


def same_but_for_case(text: str, small: str) -> bool:
    """Whether a text has the words, marks and digits of one in small letters."""
    return text.isascii() and text.lower() == small and not any(map(small.__contains__, _LETTERED_MARKS))


def length_in_tokens(text: str) -> int:
    """Length in units of about a token: four characters of most scripts, one of CJK.

    Not `core.tokens.estimate_tokens`: policies are fitted to this number, so it stays when that one gets better.
    """
    if text.isascii():
        return round(len(text) / CHARS_PER_TOKEN)
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)] if len(text) > _PIECE else [text]
    wide = len(text) - sum([len(_WIDE.sub("", piece)) for piece in pieces])
    return round((len(text) - wide) / CHARS_PER_TOKEN + wide)


@lru_cache(20_000)
def _kinds(word: str) -> tuple[str, ...]:
    kinds = _WORDS.get(word)
    if kinds is not None:
        return kinds
    for length in _STEM_LENGTHS:
        kinds = _STEMS.get(word[:length])
        if kinds is not None:
            return kinds
    return ()


def _count_lines(text: str, features: dict[str, float]) -> None:
    for line in text.split("\n"):
        if not line:
            continue
        features["lines"] += 1
        start = line.lstrip()[:4] + " "
        if _OPTION.match(start):
            features["options"] += 1
        elif _ITEM.match(start):
            features["items"] += 1
