"""Lines of text with links and type, and paragraphs out of lines with divided words joined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.words import is_cjk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.layout import TextRow
    from autopicker_lab.extraction.pdf.words import PageWord

_LEADERS = re.compile(r"([^\s.]{1,8})\s*(?:\.\s?){4,}\s*")


@dataclass(slots=True)
class StyledLine:
    """A row as a line of Markdown, with what its type looks like."""

    row: TextRow
    text: str
    bold: bool
    mono: bool
    has_leaders: bool  # ends in leader dots and a page number, as in a table of contents


def styled_line(row: TextRow) -> StyledLine:
    """The line of a row; it is bold or monospaced where over 80 % of its characters are."""
    words = row.words
    length = sum(len(w.text) for w in words) or 1
    bold = sum(len(w.text) for w in words if w.style.bold) > 0.8 * length
    mono = sum(len(w.text) for w in words if w.style.mono) > 0.8 * length
    text = _markdown_text(words)
    leaders = None if mono or "...." not in text.replace(" ", "") else _LEADERS.match(text[::-1])
    if leaders:  # searched from the end, where they can stand only once
        return StyledLine(row, f"{text[: -leaders.end()]} ... {leaders[1][::-1]}", bold, mono, True)
    return StyledLine(row, text, bold, mono, False)


def _markdown_text(words: Sequence[PageWord]) -> str:
    """Words with a space between them, those under a link as a Markdown link."""
    if not any(word.link for word in words):
        return " ".join(word.text for word in words)
    pieces: list[str] = []
    index = 0
    while index < len(words):
        link = words[index].link
        end = index + 1
        while end < len(words) and words[end].link == link:
            end += 1
        text = " ".join(word.text for word in words[index:end])
        pieces.append(f"[{text}]({link})" if link and text not in link else text)
        index = end
    return " ".join(pieces)


def join_lines(lines: Sequence[StyledLine], vocabulary: frozenset[str]) -> str:
    """Lines as one text; words that were divided at a line's end are joined."""
    text = lines[0].text
    for line in lines[1:]:
        text = join_texts(text, line.text, vocabulary)
    return text


def join_texts(text: str, following: str, vocabulary: frozenset[str]) -> str:
    """A text and what follows it as one, a word that was divided between them joined."""
    if text.endswith("-") and len(text) > 2 and text[-2].isalpha() and following[:1].isalpha():
        return _join_hyphenated(text, following, vocabulary)
    if is_cjk(text[-1:]) and is_cjk(following[:1]):
        return text + following
    return f"{text} {following}"


def _join_hyphenated(text: str, following: str, vocabulary: frozenset[str]) -> str:
    """Join a divided word: the hyphen goes unless the document writes the word with it, or a name follows."""
    first_half = text.rsplit(None, 1)[-1]
    second_half = following.split(None, 1)[0]
    without_hyphen = f"{first_half[:-1]}{second_half}".casefold().strip(".,;:!?()[]\"'“”")
    with_hyphen = f"{first_half}{second_half}".casefold().strip(".,;:!?()[]\"'“”")
    keep_hyphen = with_hyphen in vocabulary and without_hyphen not in vocabulary
    if keep_hyphen or not second_half[:1].islower() or first_half.count("-") > 1:
        return text + following
    return text[:-1] + following
