"""Text of Segments cut at phrases: into tokens with their times, cues that two lines hold, and lines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from autopicker_lab.core.segments import Segment

LINE = 42  # columns of a line; an ideograph takes two
SHORTEST_S, LONGEST_S = 5 / 6, 7.0  # that a cue is shown, as the style guides of broadcasters have it
COLUMNS_A_SECOND = 20.0  # that are read with ease
_PAUSE_S, _SILENCE_S = 0.4, 1.0  # a good place to break; no cue goes over the other
_SENTENCE, _CLAUSE = ".?!…。！？؟।", ",;:、，；：،–—"
_SMALL = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")
_BINDING_WORDS = """
a an the and or but nor so that which who because if when while as than to of in on at by for from with into
my your his her its our their no der die das den dem des ein eine einen einem einer und oder aber dass weil wenn als
zu von im am mit für auf aus bei nach le la les un une du de et ou mais que qui à au aux en dans pour par sur avec
el los las una y o pero del al con por para il lo gli uno di e ma che da nel per os um uma do dos em na het een van op
"""
_BINDING = frozenset(_BINDING_WORDS.split())
"""Words that belong to what follows: articles, prepositions, conjunctions of some languages."""


@dataclass(frozen=True)
class Piece:
    """What no line break divides: a word, or an ideograph.

    Attributes:
        blank: whether a blank stands before it.
        timed: whether the recogniser gave its times; else they go by its place in the segment.
        last: whether its segment ends with it.
    """

    text: str
    start: float
    end: float
    columns: int
    blank: bool
    timed: bool
    last: bool


def columns(text: str) -> int:
    """Columns of a text in letters of one width: two for wide ones, one for all others."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def tokens_of(segment: Segment) -> list[Piece]:
    """The tokens of a segment; control characters are left out."""
    text = "".join(c if unicodedata.category(c) != "Cc" else " " for c in segment.text)
    words = text.split()
    timed, times = _times(segment, "".join(words))
    pieces = [(piece, i == 0) for word in words for i, piece in enumerate(pieces_of(word))]
    found, at = [], 0
    for i, (piece, blank) in enumerate(pieces, 1):
        start, end = times[at][0], times[at + len(piece) - 1][1]
        found.append(Piece(piece, start, end, columns(piece), blank, timed, i == len(pieces)))
        at += len(piece)
    return found


def letter_times(segment: Segment, text: str) -> list[tuple[float, float]]:
    """Start and end of each letter of a segment's `text`, which is without its blanks, in seconds."""
    return _times(segment, text)[1]


def _times(segment: Segment, text: str) -> tuple[bool, list[tuple[float, float]]]:
    """Start and end of each letter: by the words of a segment where they are its text, else by its place."""
    said = [("".join(word.text.split()), word.start, word.end) for word in segment.words]
    timed = bool(said) and "".join(word for word, _, _ in said) == text
    spans = said if timed else [(text, segment.start, max(segment.end, segment.start))]
    return timed, [
        (start + (end - start) * i / len(part), start + (end - start) * (i + 1) / len(part))
        for part, start, end in spans
        for i in range(len(part))
    ]


def pieces_of(word: str) -> Iterator[str]:
    """A word as it stands, but between ideographs, and where it is longer than a line."""
    piece, filled = "", 0
    for char in word:
        wide = columns(char)
        if piece and (_may_break(piece[-1], char) or (filled + wide > LINE and unicodedata.category(char)[0] != "M")):
            yield piece
            piece, filled = "", 0
        piece += char
        filled += wide
    yield piece


def _may_break(before: str, after: str) -> bool:
    if unicodedata.category(after) in ("Pe", "Pf", "Po", "Lm", "Mn", "Mc", "Me", "Cf") or after in _SMALL:
        return False
    return unicodedata.category(before) not in ("Ps", "Pi") and (_is_ideograph(before) or _is_ideograph(after))


def _is_ideograph(char: str) -> bool:
    hangul = "\u1100" <= char <= "\u11ff" or "\u3130" <= char <= "\u318f" or "\uac00" <= char <= "\ud7ff"
    return unicodedata.east_asian_width(char) in "WF" and unicodedata.category(char) == "Lo" and not hangul


def runs(tokens: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Tokens without a silence between them."""
    run: list[Piece] = []
    for token in tokens:
        if run and token.start - run[-1].end >= _SILENCE_S:
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def cut(run: Sequence[Piece]) -> list[list[Piece]]:
    """A run in cues of two lines each: the cheapest way by the costs below (dynamic programming over its breaks)."""
    width = [0, *accumulate(token.columns + token.blank for token in run)]
    inner = [0.0, *accumulate(_inside(token) for token in run)]
    breaks = [0.0, *(_break(a, b) for a, b in pairwise(run)), 0.0]
    best, came = [0.0] + [float("inf")] * len(run), [0] * (len(run) + 1)
    for i in range(len(run)):
        first = _filled(run, width, i)
        second = _filled(run, width, first)
        for j in range(i + 1, second + 1):
            until = run[j].start if j < len(run) else run[j - 1].end + SHORTEST_S
            price = best[i] + breaks[j] + inner[j - 1] - inner[i]
            price += _price(width[j] - width[i], max(until - run[i].start, 0.05), run[j - 1].end - run[i].start)
            if price < best[j]:
                best[j], came[j] = price, i
    ends = [len(run)]
    while came[ends[-1]]:
        ends.append(came[ends[-1]])
    return [list(run[a:b]) for a, b in pairwise([0, *reversed(ends)])]


def _filled(run: Sequence[Piece], width: Sequence[int], start: int) -> int:
    """Where the line ends that begins with the token `start` and takes as many as it holds."""
    end = min(start + 1, len(run))
    while end < len(run) and width[end + 1] - width[start] - run[start].blank <= LINE:
        end += 1
    return end


def _price(width: int, shown_s: float, said_s: float) -> float:
    """Of a cue: one for each, more the fuller it is, where it is shown too shortly to be read, or stands too long."""
    fill = (width / (2 * LINE)) ** 2
    hurry = min(max(width / shown_s / COLUMNS_A_SECOND - 1, 0.0), 2.0)
    return 1 + fill + 2 * hurry + 3 * max(1 - shown_s / SHORTEST_S, 0.0) + 3 * max(said_s - LONGEST_S, 0.0)


def _inside(token: Piece) -> float:
    """Of going over the end of a segment or sentence within a cue."""
    return 1.5 if token.last else 0.8 if token.text[-1] in _SENTENCE else 0.0


def _break(before: Piece, after: Piece) -> float:
    """Of a break between two tokens: nothing between sentences, most behind a word that belongs to the next."""
    end = before.text.rstrip("\"'»”’)]」』")[-1:]
    if end and end in _SENTENCE:
        return 0.0
    if before.last or (end and end in _CLAUSE) or after.start - before.end >= _PAUSE_S:
        return 0.4
    if before.text.casefold() in _BINDING:
        return 2.5
    return 0.8 if after.text.casefold() in _BINDING else 1.5


def lines_of(cue: Sequence[Piece]) -> list[list[Piece]]:
    """A cue as one line where it holds it, else as two of like length, broken at a phrase."""
    width = [0, *accumulate(token.columns + token.blank for token in cue)]
    if _filled(cue, width, 0) == len(cue):
        return [list(cue)]

    def price(k: int) -> tuple[bool, float]:
        above, below = width[k] - cue[0].blank, width[-1] - width[k] - cue[k].blank
        uneven = abs(above - below) / LINE + (0.2 if above > below else 0.0)
        return above > LINE or below > LINE, _break(cue[k - 1], cue[k]) + 1.5 * uneven

    k = min(range(1, len(cue)), key=price)
    return [list(cue[:k]), list(cue[k:])]
