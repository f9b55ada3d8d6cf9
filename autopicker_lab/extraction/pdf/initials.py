"""Letters that are set apart from their word: large initials of a chapter, and words in spaced letters."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.words import PageWord

_CAP_HEIGHT = 0.72  # of the type size
_LARGE = 1.7  # type sizes of the text: an initial is as large at least
_FEWEST = 5  # spaced letters


def join_letters(words: Sequence[PageWord], body: float) -> list[PageWord]:
    """The words of an upright page, in pdfium's order, with initials and spaced letters joined to words.

    `body` is the usual type size, points.
    """
    singles = "".join([word.text if len(word.text) == 1 and word.text.isalpha() else " " for word in words])
    joined = _join_spaced(words) if any(len(run) >= _FEWEST for run in singles.split()) else list(words)
    if singles.isspace():
        return joined
    for initial in [w for w in joined if len(w.text) == 1 and w.text.isupper() and w.style.size >= _LARGE * body][:50]:
        word = min((w for w in joined if _begins_beside(initial, w)), key=lambda w: w.base, default=None)
        if word is not None:
            word.text = f"{initial.text}{' ' * _is_word_itself(initial, word, joined)}{word.text}"
            joined = [w for w in joined if w is not initial]
    return joined


def _begins_beside(initial: PageWord, word: PageWord) -> bool:
    """Whether a word stands right beside an initial, its top at the initial's."""
    size = word.style.size
    if size > 0.6 * initial.style.size or not word.text[0].isalpha():
        return False
    drop = (word.base - _CAP_HEIGHT * size) - (initial.base - _CAP_HEIGHT * initial.style.size)
    return -1.5 * size < word.x0 - initial.x1 < 1.2 * size and abs(drop) < 0.7 * size


def _is_word_itself(initial: PageWord, word: PageWord, words: Sequence[PageWord]) -> bool:
    """Whether an initial is the word A or I, not the first letter of the word beside it."""
    if initial.text not in "AI":
        return False
    known = {other.text.casefold().strip(".,;:") for other in words if other is not word}
    rest = word.text.casefold().strip(".,;:")
    return rest in known and f"{initial.text}{rest}".casefold() not in known


def _join_spaced(words: Sequence[PageWord]) -> list[PageWord]:
    joined: list[PageWord] = []
    run: list[PageWord] = []
    for word in words:
        if run and not _goes_on(run[-1], word):
            joined.extend(_as_words(run))
            run = []
        run.append(word)
    return joined + _as_words(run)


def _goes_on(last: PageWord, word: PageWord) -> bool:
    if not (len(last.text) == len(word.text) == 1 and last.text.isalpha() and word.text.isalpha()):
        return False
    near = 0 < word.x0 - last.x1 < 1.8 * word.style.size
    return near and last.style.size == word.style.size and abs(word.base - last.base) < 0.1 * word.style.size


def _as_words(run: list[PageWord]) -> list[PageWord]:
    """Spaced letters as words, which wider gaps part; the letters where they are too few, or an alphabet."""
    if len(run) < _FEWEST or all(a.text < b.text for a, b in pairwise(run)):
        return run
    widest = 1.4 * statistics.median(b.x0 - a.x1 for a, b in pairwise(run))
    words = [run[0]]
    for last, word in pairwise(run):
        if word.x0 - last.x1 > widest:
            words.append(word)
        else:
            words[-1].text += word.text
            words[-1].x1 = word.x1
    return words
