"""How many tokens a text has, estimated in linear time without a tokenizer."""

from __future__ import annotations

import math
from functools import lru_cache
from operator import add, mul
from typing import TYPE_CHECKING

from autopicker_lab.core.text import ends
from autopicker_lab.core.token_rates import FAMILIES, OTHER, SCRIPT_BYTES, SCRIPT_RATES, SHAPE_RATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REFERENCE = "o200k"  # the family in which texts are measured where no model is meant
UNKNOWN_MARGIN = 1.35  # over the dearest family's estimate, so that a tokenizer nobody knows finds no more tokens
_REMEMBERED = 2_000  # characters; what was counted of a longer text is not kept
_PIECE = 65_536  # characters that are counted at once: other threads wait meanwhile
_READ = 2_000  # characters of beginning and end whose words tell the language
_KNOWN_SHARE = 0.35  # of running text that words such as "the" and "of" make up in their language

_ENGLISH_WORDS = (
    "the of and to in is that for it as was with be by on are or at from this an which not you have has were their its"
)
_WELL_KNOWN_WORDS = (
    "der die und den von zu das mit ist des im nicht ein eine auf dem für sich als auch es an werden aus wurde bei "
    "de la les et du le en un une que dans pour est par sur qui au plus pas ne se sont "
    "el los las y del por con para su al lo como más pero sus "
    "o a os do da em um uma com não no na dos ao ele foi "
    "di il che per della non sono gli nel alla "
    "het een van dat zijn op te voor met niet er om ook door naar "
    "của và là các có được trong cho một những người không với này đã khi để từ về đến"
)
_ENGLISH, _WELL_KNOWN = frozenset(_ENGLISH_WORDS.split()), frozenset(_WELL_KNOWN_WORDS.split())


def _kind_of_byte(byte: int) -> int:
    """What the shape of a text shows for a byte: a for a small letter, A for a capital, 0, x for another script's."""
    if byte >= 0x80:
        return ord("a" if byte <= 0xC9 else "x")
    character = chr(byte)
    if character.isalpha():
        return ord("a" if character.islower() else "A")
    if character.isdigit():
        return ord("0")
    return ord(" " if character == " " else "\n" if character.isspace() else ".")


_SHAPES = bytes(map(_kind_of_byte, range(256)))
_IN_WORDS = bytes(ord(" ") if chr(byte).isspace() else ord("a") for byte in range(256))
_CONTINUATION = bytes(range(0x80, 0xC0))
_NO_LEADS = bytes(range(0xC0))
_BY_LEAD: Mapping[int, tuple[tuple[bytes, str], ...]] = {
    lead: tuple(
        (prefix, script)
        for script, prefixes in SCRIPT_BYTES.items()
        for prefix in map(bytes.fromhex, prefixes.split())
        if prefix[0] == lead
    )
    for lead in range(0xC0, 0x100)
}
MOST_TIMES_REFERENCE = 20  # a text of n tokens by the reference has in no family more than 20 n
_RATES: Mapping[str, tuple[tuple[float, ...], Mapping[str, float]]] = {
    family: (
        tuple(rates[i] for rates in SHAPE_RATES.values()),
        {script: rates[i] for script, rates in SCRIPT_RATES.items()},
    )
    for i, family in enumerate(FAMILIES)
}


def estimate_tokens(text: str, family: str = REFERENCE) -> int:
    """Tokens in `text` by a family of tokenizers (see `token_rates`), estimated.

    Within 15 % of o200k for prose in the languages that models are mostly asked in, and for source code; other
    families are as near, but for languages they hardly know.

    Args:
        family: one of FAMILIES; of any other, such as "", no tokenizer that was measured finds more.
    """
    if not text:
        return 0
    shape, scripts, tokens = _counts_again(text) if len(text) <= _REMEMBERED else _counts(text)
    if family == REFERENCE:
        return tokens
    if family in _RATES:
        return max(round(_total(family, shape, scripts)), 1)
    return math.ceil(UNKNOWN_MARGIN * max([_total(known, shape, scripts) for known in FAMILIES]))


def _total(family: str, shape: Sequence[float], scripts: Mapping[str, int]) -> float:
    rates, script_rates = _RATES[family]
    total: float = sum(map(mul, shape, rates))
    return total + sum([count * script_rates[script] for script, count in scripts.items()]) if scripts else total


def _counts(text: str) -> tuple[Sequence[float], Mapping[str, int], int]:
    """What of SHAPE_RATES a text has, how many characters of each script beside ASCII, and its tokens by REFERENCE."""
    shape: Sequence[float] = ()
    scripts: dict[str, int] = {}
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        data = piece.encode("utf-8", "replace")
        counts = _shape_counts(data)
        shape = list(map(add, shape, counts)) if shape else counts
        if not piece.isascii():
            for script, count in _script_counts(data):
                scripts[script] = scripts.get(script, 0) + count
    english, well_known = _known_shares(text)
    letters = shape[1] + shape[2]
    shape = (*shape, english * letters, well_known * letters)
    return shape, scripts, max(round(_total(REFERENCE, shape, scripts)), 1)


_counts_again = lru_cache(2048)(_counts)  # each turn of a conversation sends its earlier messages again


def _shape_counts(data: bytes) -> tuple[int, ...]:
    shape = data.translate(_SHAPES, _CONTINUATION)
    count = shape.count
    words = shape.translate(_IN_WORDS)  # to count where each begins is faster than to split them
    return (
        words.count(b" a") + words.startswith(b"a"),
        count(b"a"),
        count(b"A"),
        count(b"aaaaaaaaaaaa"),
        count(b"0"),
        count(b"."),
        count(b".a"),
        count(b"\n"),
        count(b"\n "),
        count(b"  "),
    )


def _script_counts(data: bytes) -> Iterator[tuple[str, int]]:
    leads = data.translate(None, _NO_LEADS)
    for lead in frozenset(leads):
        left = leads.count(lead)
        for prefix, script in _BY_LEAD[lead]:
            count = left if len(prefix) == 1 else data.count(prefix)
            if count:
                yield script, count
            left -= count
            if not left:
                break
        else:
            yield OTHER, left


def _known_shares(text: str) -> tuple[float, float]:
    """How far a text is English (0..1), and how far in another language of which tokenizers have the words."""
    words = ends(text, _READ).lower().split()
    share = _KNOWN_SHARE * len(words)
    if not share:
        return 0.0, 0.0
    english = min(sum(map(_ENGLISH.__contains__, words)) / share, 1.0)
    if english == 1.0:
        return english, 0.0
    return english, min(sum(map(_WELL_KNOWN.__contains__, words)) / share, 1.0) * (1 - english)
