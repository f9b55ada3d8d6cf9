"""The normal form of a question: what fitted estimates read of it. What a model is sent is never changed.

The same words in other letters, layout, quoting or Unicode form are the same question, and so are they between words
that only frame them: greetings, thanks, a role, how to answer. Measured on four tables, case, layout and framing carry
nothing that estimates lack. The work is linear in the length of the text.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from unicodedata import category, is_normalized, normalize

from autopicker_lab.routing.framing_words import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MARKS: Mapping[str, str] = {
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "⁄": "/",
}
_LAYOUT = re.compile(r"^(?:>+|[-*•·●▪◦|]+|#+|={3,}|_{3,}|[`~]{3,}\w*)$")  # marks of quoting, lists, headings, fences
_NUMBERING = re.compile(r"^\(?\d{1,3}[.):]$")
LAYOUT_STARTS = frozenset(">-*•·●▪◦|#=_`~")
_FEW = 20  # different characters that are replaced one by one
_SHORT = 1000  # characters of a text whose set is soon made


def normal_form(text: str) -> str:
    """The words of a text that estimates read, in one form, with single spaces between them."""
    return " ".join(normal_words(text))


def normal_words(text: str) -> Sequence[str]:
    """The same words, one by one."""
    return telling_words(folded(text).split())


def telling_words(words: Sequence[str]) -> Sequence[str]:
    """Folded words without marks of layout, and without those at both ends that only frame a question."""
    return _unframed(without_layout(words))


def without_layout(words: Sequence[str]) -> Sequence[str]:
    """Folded words without marks of quoting, lists, headings and fences."""
    layout = {word for word in set(words) if word[0] in LAYOUT_STARTS and _LAYOUT.match(word)}  # words recur
    return [word for word in words if word not in layout] if layout else words


def is_numbering(word: str) -> bool:
    """Whether a word numbers what follows it: "1." or "(2)"."""
    return bool(_NUMBERING.match(word))


def folded(text: str) -> str:
    """One letter case, one Unicode form, plain quotation marks and dashes, no entities, nothing invisible."""
    found = _in_one_case(text)
    if "&" in found:
        found = _in_one_case(html.unescape(found))
    return found


def _in_one_case(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = _composed(text)
    for sign in _signs(text):  # few differ, and to replace these is many times as fast as to translate each
        if sign in _MARKS or category(sign) == "Cf":
            text = text.replace(sign, _MARKS.get(sign, ""))
    # capitals first: dotless and long letters have no other way back to the plain ones
    return _composed(text.upper().casefold())


def _composed(text: str) -> str:
    if is_normalized("NFKC", text):
        return text
    other = [sign for sign in _signs(text) if not is_normalized("NFKC", sign)]
    if len(other) < _FEW:  # full-width commas in Chinese, say
        for sign in other:
            text = text.replace(sign, normalize("NFKC", sign))
    return normalize("NFKC", text)  # where nothing is left to do, that is seen at once


def _signs(text: str) -> set[str]:
    """The characters of a text that are not ASCII, each once."""
    if len(text) < _SHORT:
        return {sign for sign in set(text) if not sign.isascii()}
    import numpy as np

    found = np.unique(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))
    return set(map(chr, found[found > 127].tolist()))


def _unframed(words: Sequence[str]) -> Sequence[str]:
    """The words between those at both ends that only frame a question; all where nothing else is left."""
    first, last = 0, len(words)
    while first < last and (frames(words[first]) or is_numbering(words[first])):
        first += 1
    while last > first and frames(words[last - 1]):
        last -= 1
    return words[first:last] or words
