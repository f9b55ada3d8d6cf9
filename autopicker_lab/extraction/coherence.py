"""How far a text is words of a language, and not chance: of one script, with capitals at their beginning."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

from autopicker_lab.extraction.language_letters import ALPHABETS, WORDS

_QUIET = frozenset(
    "“”‘’‚„«»‹›–—…€£¥§°·•©®™¿¡´`\u00a0\u00ad‐‑′″№º\u060c\u061b\u061f\u3001\u3002「」『』、。，！？：；（）\u200c\u200d"
)
_IN_WORDS = frozenset("’·\u00ad‐‑\u200c\u200d")
_TWO_LETTERS = re.compile(r"[^\W\d_\x00-\x7f]{2}")
_HALF_RUN = re.compile("[\uff66-\uff9f]{2}")
_HALF_ASTRAY = re.compile(
    "[\u4e00-\u9fff][\uff66-\uff9f]|[\uff66-\uff9f][\u4e00-\u9fff]|(?<![\uff66-\uff9f])[\uff66-\uff9f](?![\uff66-\uff9f])"
    "|(?<![\uff73\uff76-\uff84\uff8a-\uff8e])\uff9e|(?<![\uff8a-\uff8e])\uff9f"  # marks of sound behind what has none
)
_FULL_WIDTH = re.compile("[\u3041-\u30fe\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+")
_ALPHABETIC = frozenset({"greek", "cyrillic", "hebrew", "arabic"})
_STRAY = 0.15  # of the letters
_FAULT = 3.0
_FOREIGN = 0.6  # of a score, where the letters are not those of one language
_KNOWN = 2.0  # added to its factor, where all words are common ones
MOST_COHERENT = 2.0  # more than that words hardly raise a score
_FEW_FAULTS = 0.01
_LATIN, _OTHER = "latin", "other"
_SCRIPTS = (
    (0x0250, _LATIN),
    (0x0370, _OTHER),
    (0x0400, "greek"),
    (0x0530, "cyrillic"),
    (0x0590, _OTHER),
    (0x0600, "hebrew"),
    (0x0780, "arabic"),
    (0x0E00, _OTHER),
    (0x0E80, "thai"),
    (0x1E00, _OTHER),
    (0x1F00, _LATIN),
    (0x2000, "greek"),
    (0x2E80, _OTHER),
    (0xAC00, "han"),
    (0xD7B0, "hangul"),
    (0xF900, _OTHER),
    (0xFB00, "han"),
)


@cache
def script_of(character: str) -> str:
    """The script of a letter, roughly: latin, greek, cyrillic, hebrew, arabic, thai, han (with kana), hangul, other."""
    code = ord(character)
    return next((script for end, script in _SCRIPTS if code < end), _OTHER)


class Coherence(NamedTuple):
    """What speaks for and against a text.

    Attributes:
        faults: of its characters beyond ASCII, how many stand where they would not in words, as a share.
        is_foreign: whether its letters are not those of one language.
        known: of its words beyond ASCII, how many are common ones, as a share.
    """

    faults: float = 0.0
    is_foreign: bool = False
    known: float = 0.0

    @property
    def score(self) -> float:
        """How far it is words and not chance, about 0 to 1; `MOST_COHERENT` where all words are known."""
        return (
            max(1.0 - _FAULT * self.faults, 0.05) * (_FOREIGN if self.is_foreign else 1.0) * (1.0 + _KNOWN * self.known)
        )

    @property
    def is_faultless(self) -> bool:
        """Whether its letters are those of a language, and stand as in words."""
        return self.faults <= _FEW_FAULTS and not self.is_foreign


def coherence(text: str) -> Coherence:
    """Judge what bytes became."""
    text = unicodedata.normalize("NFKC" if is_half_width_japanese(text) else "NFC", text)
    beyond = [at for at, character in enumerate(text, 1) if character > "\x7f"]
    if not beyond:
        return Coherence()
    padded = f" {text} "
    faults = sum([_fault(padded[at - 1 : at + 2]) for at in beyond])
    faults += abs(text.count("„") - sum(map(text.count, "”“‟"))) if "„" in text else 0
    lowered = text.lower()
    special = {c for c in set(lowered) if c > "\x7f" and c.isalpha()}
    scripts = {script_of(letter) for letter in special}
    is_foreign = scripts <= {_LATIN, "cyrillic"} and not any(special <= known for known in ALPHABETS)
    if scripts and scripts <= _ALPHABETIC and _are_few(special, lowered) and not _TWO_LETTERS.search(text):
        faults += len(beyond)  # a letter or two of another script among Latin words
    words = [word for word in _WORD.findall(lowered) if not word.isascii()]
    known = sum([word in WORDS for word in words]) / len(words) if words else 0.0
    return Coherence(faults / len(beyond), is_foreign, known)


def is_half_width_japanese(text: str) -> bool:
    """Whether katakana of half the width, which any bytes may become, stand as in Japanese.

    They are in runs of two or more, apart from common ideographs, of which there are some as well.
    """
    if not _HALF_RUN.search(text):
        return False
    full = _FULL_WIDTH.findall(text)
    common = sum(character.encode("cp932", "ignore")[:1] < b"\xa0" for character in full)
    return len(full) > 1 and common >= 0.9 * len(full) and not _HALF_ASTRAY.search(text)


def _are_few(special: set[str], text: str) -> bool:
    return sum(map(text.count, special)) < _STRAY * sum(map(str.isalpha, text))


@lru_cache(maxsize=8192)
def _fault(around: str) -> float:
    """What speaks against the middle one of three characters, 0 to 3."""
    before, character, after = tuple(around)
    category = unicodedata.category(character)
    if category in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return 3.0
    if "\u2500" <= character <= "\u259f":  # lines and blocks, which stand together
        return 0.0 if "\u2500" <= before <= "\u259f" or "\u2500" <= after <= "\u259f" else 0.5
    if category[0] not in "LM":
        inside = before.isalpha() and after.isalpha() and character not in _IN_WORDS and character < "\u3000"
        return 1.0 if inside else 0.0 if character in _QUIET else 0.5
    script = script_of(character)
    if script == _OTHER or "\uff61" <= character <= "\uff9f" or (category == "Mn" and not before.isalpha()):
        return 1.0
    if any(c.isalpha() and script_of(c) != script for c in (before, after)):
        return 1.0
    if script == "han" and before == " " and after != " " and character < "\uac00":
        return 0.5  # what is written in them has no blanks
    if character.isupper() and before.islower():
        return 1.0
    return 0.5 if character.islower() and before.isupper() and after.isupper() else 0.0
