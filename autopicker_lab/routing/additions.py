"""What is added to a question and not asked: a signature, a note in brackets, numbers before sentences, emoji.

Each is told by a sign that questions of the tables in hand do not have, so that reading these stays as it was.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.routing.normal_form import is_numbering

if TYPE_CHECKING:
    from collections.abc import Sequence

_PICTURES = re.compile("[\U0001f300-\U0001faff\ufe0f]+")
_PICTURES_BEGIN = b"\xf0\x9f"  # in UTF-8, where they are sought many times as fast
_SEPARATOR = "--"  # between a message and its signature (RFC 3676, 4.3)
_MOST = 40  # words of a signature or a note
_REACHED_BY = frozenset(("tel", "phone", "mobile", "fax", "iphone", "android", "e-mail", "email", "www"))
_WORDS_OF_NOTES = """
note notes translated translation edit edited update updated source disclaimer forwarded attachment external automatic
automatically auto-generated caution warning anmerkung übersetzt übersetzung nota traducido tradotto traduit
"""
_NOTES = frozenset(_WORDS_OF_NOTES.split())


def without_additions(words: Sequence[str], line: str) -> Sequence[str]:
    """Folded words without a signature, notes in brackets at both ends, numbers of sentences, and emoji.

    Args:
        line: the words with single spaces between them, in which signs are sought faster.
    """
    if f" {_SEPARATOR} " in line:
        words = _without_signature(words)
    if line[:1] == "[" or line[-1:] == "]":
        words = _without_notes(words)
    if line[:1] in ("1", "("):
        words = _without_numbers(words)
    if not line.isascii() and _PICTURES_BEGIN in line.encode("utf-8", "replace"):
        words = [bare for word in words if (bare := _PICTURES.sub("", word))] or words
    return words


def _without_signature(words: Sequence[str]) -> Sequence[str]:
    last = next((i for i in range(len(words) - 1, 0, -1) if words[i] == _SEPARATOR), 0)
    after = words[last + 1 :]
    if not last or len(after) > _MOST or any("?" in word for word in after) or not any(map(_reaches, after)):
        return words
    return words[:last]


def _reaches(word: str) -> bool:
    """Whether a word tells where somebody is reached."""
    return "@" in word or word.strip(".:,") in _REACHED_BY or (word[0] == "+" and word[1:3].isdigit())


def _without_notes(words: Sequence[str]) -> Sequence[str]:
    if words and _begins_note(words[0]):
        end = next((i for i, word in enumerate(words[:_MOST]) if word.rstrip(".:").endswith("]")), None)
        words = words if end is None else words[end + 1 :] or words
    if words and words[-1].endswith("]"):
        start = next((i for i in range(len(words) - 1, max(len(words) - _MOST, 0), -1) if words[i][0] == "["), None)
        words = words if start is None or not _begins_note(words[start]) else words[:start]
    return words


def _begins_note(word: str) -> bool:
    return word[0] == "[" and word[1:].rstrip(":;,]") in _NOTES


def _without_numbers(words: Sequence[str]) -> Sequence[str]:
    """The words without "1.", "2." and so on in order, where they begin so."""
    if not words or not is_numbering(words[0]):
        return words
    kept, wanted = [], 1
    for word in words:
        if is_numbering(word) and word.strip("(.):") == str(wanted):
            wanted += 1
        else:
            kept.append(word)
    return kept or words
