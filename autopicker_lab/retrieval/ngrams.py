"""What texts are matched by: character n-grams of folded words, as numbers, in any script.

Words that are written apart give n-grams of three and five characters, across the spaces between them (McNamee and
Mayfield 2004, "Character N-Gram Tokenization for European Language Text Retrieval"), so that inflections, compounds
and slips of the pen still meet. Scripts without spaces between words give single characters, pairs and triples.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Ints = np.ndarray[Any, np.dtype[np.int64]]

SIZES = (1, 2, 3, 5)  # the first two for scripts without spaces alone
_SPACED = (3, 5)
_UNSPACED = (1, 2, 3)
_MARKED = r"([\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}])[\p{Mn}\u0640]+"
_WITHOUT_SPACES = (  # code points: Thai and Lao, Tibetan, Myanmar, Khmer, kana, Han
    (0x0E00, 0x0EFF),
    (0x0F00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def fold(text: str) -> str:
    """`text` without what spellings of a word differ in: case, width, accents, vowel points, ligatures."""
    if text.isascii():
        return text.lower()
    marked, *_ = _patterns()
    plain = marked.sub(r"\1", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", plain).replace("ı", "i")


def words(text: str) -> list[str]:
    """The words and numbers of a text, folded; a run of a script without spaces is one."""
    _, word, _ = _patterns()
    found: list[str] = word.findall(fold(text))
    return found


def has_name(text: str, name: str) -> bool:
    """Whether a folded text has a folded name as words of its own; beside letters of another script it may stand."""
    if name not in text or not name.strip():
        return False
    if not name[0].isascii():
        return True
    letter = "[0-9a-z\u00c0-\u024f]"
    return re.search(f"(?<!{letter}){re.escape(name)}(?!{letter})", text) is not None


def ngrams(text: str) -> Ints:
    """The n-grams of a text as numbers (hashes of 62 bits), in no order, shape (n-grams,), int64."""
    return ngrams_of([text])[0]


def ngrams_of(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """The n-grams of some texts as numbers, and which text each is of, both of shape (n-grams,), int64."""
    import numpy as np

    lines = [f" {' '.join(_runs(text))} " for text in texts]
    codes = np.frombuffer("\0".join(lines).encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    of_text = np.repeat(np.arange(len(lines)), [len(line) + 1 for line in lines])
    unspaced = _is_unspaced(codes)
    found, rows = [], []
    for size in SIZES:
        count = max(len(codes) - size + 1, 0)
        hashes = np.full(count, size, np.uint64)
        wide = np.zeros(count, np.int8)
        for i in range(size):
            hashes = (hashes ^ codes[i : i + count]) * np.uint64(0x9E3779B97F4A7C15)
            hashes ^= hashes >> np.uint64(29)
            wide += unspaced[i : i + count]
        keep = (wide == size) if size in _UNSPACED else np.zeros(count, bool)
        if size in _SPACED:
            within = of_text[:count] == of_text[size - 1 : size - 1 + count]
            keep |= (wide == 0) & within & (codes[:count] != 0) & (codes[size - 1 : size - 1 + count] != 0)
        found.append((hashes[keep] >> np.uint64(2)).astype(np.int64))
        rows.append(of_text[:count][keep])
    return np.concatenate(found), np.concatenate(rows)


def _runs(text: str) -> list[str]:
    """The words of a text, those in scripts without spaces apart from what else a word has: the 3 of 第3条."""
    found = words(text)
    if text.isascii():
        return found
    _, _, run = _patterns()
    return [piece for word in found for piece in ([word] if word.isascii() else run.findall(word))]


def _is_unspaced(codes: Any) -> Any:
    import numpy as np

    inside = np.zeros(len(codes), bool)
    if codes.max(initial=0) >= _WITHOUT_SPACES[0][0]:
        for first, last in _WITHOUT_SPACES:
            inside |= (codes >= first) & (codes <= last)
    return inside


@lru_cache(1)
def _patterns() -> tuple[Any, Any, Any]:
    """A letter with its marks; a word, of which vowel signs are part, as `\\w` of `re` does not know; a run of it."""
    import regex

    unspaced = "".join(f"{chr(first)}-{chr(last)}" for first, last in _WITHOUT_SPACES)
    return (
        regex.compile(_MARKED),
        regex.compile(r"[\w\p{M}]+"),
        regex.compile(f"[{unspaced}]+|[^{unspaced}]+"),
    )
