"""Vertical writing of Chinese and Japanese: characters below one another become words that run down the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.words import VERTICAL, PageWord, column_word, is_cjk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST_STEP = 1.9  # in type sizes, from one character to the next below it
_SHORTEST_COLUMN = 4  # characters


def join_columns(words: Sequence[PageWord]) -> list[PageWord]:
    """The words, in pdfium's order and not yet turned, those of vertical writing joined and at the angle `VERTICAL`.

    Characters that were set one by one below one another make a column, and so does a number that was set upright in
    one.
    """
    if "".join([word.text for word in words]).isascii():
        return list(words)
    if not any(is_cjk(word.text[0]) and (word.style.angle == VERTICAL or len(word.text) == 1) for word in words):
        return list(words)
    joined: list[PageWord] = []
    stack: list[PageWord] = []
    for word in words:
        if stack and not _stands_below(stack[-1], word):
            joined.extend(_columns(stack))
            stack = []
        stack.append(word)
    return _with_numbers([*joined, *_columns(stack)])


def _stands_below(above: PageWord, word: PageWord) -> bool:
    if not (above.style.angle == word.style.angle == 0 and len(above.text) == len(word.text) == 1):
        return False
    size = max(above.style.size, word.style.size)
    aside = abs(above.x0 + above.x1 - word.x0 - word.x1) / 2
    return aside < 0.3 * size and 0.8 * size < above.base - word.base < _LONGEST_STEP * size


def _columns(stack: list[PageWord]) -> list[PageWord]:
    if len(stack) < _SHORTEST_COLUMN or sum(is_cjk(word.text) for word in stack) < 0.6 * len(stack):
        return stack
    return [column_word(stack)]


def _with_numbers(words: list[PageWord]) -> list[PageWord]:
    """The words, with short ones that stand within a column turned like it, and what follows closely below joined."""
    columns = [word for word in words if word.style.angle == VERTICAL and is_cjk(word.text[0])]
    if sum(len(word.text) for word in columns) < 0.3 * sum(len(word.text) for word in words):
        return words
    joined: list[PageWord] = []
    for level in words:
        last = joined[-1] if joined else None
        turned = level.style.angle == 0 and len(level.text) <= 4 and _in_column(level, columns)
        word = column_word([level]) if turned else level
        if last is not None and last.style.angle == word.style.angle == VERTICAL and _follows(last, word):
            last.text += word.text
            last.x0 = word.x0
        else:
            joined.append(word)
    return joined


def _in_column(word: PageWord, columns: Iterable[PageWord]) -> bool:
    middle, size = (word.x0 + word.x1) / 2, word.style.size
    return any(
        abs(middle - (column.base + 0.38 * column.style.size)) < 0.3 * size
        and column.x0 - 2.5 * size < word.base < column.x1 + 2.5 * size
        for column in columns
    )


def _follows(above: PageWord, word: PageWord) -> bool:
    size = above.style.size
    if not (is_cjk(above.text[-1]) or is_cjk(word.text[0])):
        return False
    return abs(above.base - word.base) < 0.4 * size and -0.3 * size < above.x0 - word.x1 < 0.4 * size
