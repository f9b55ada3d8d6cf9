"""One reading of a line out of two: letters of the engine that is surer of them, spaces of the one that sees them."""

from __future__ import annotations

import itertools
import math
import re
import statistics
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr import rapid, rapid_engine
from autopicker_lab.extraction.ocr.ends import grown
from autopicker_lab.extraction.ocr.lines import OcrLine, joined_box, mean_confidence, same_place
from autopicker_lab.extraction.ocr.scripts import is_legible
from autopicker_lab.extraction.ocr.spacing import hides_a_space, spaces_of, widest_gap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import PixelBox

SURE_WORD = 0.93  # Tesseract's confidence in a word from which it is seldom wrong: in 1 of 100 lines of drawn pictures
_SPACE_SEEN = 0.5  # its confidence in the words around a space that is believed
MOST_AGAIN = 0.6  # share of the lines that are read again one by one; of more, the places are doubtful as well
_FEW_WORDS = 0.4  # share of the words of a line: each is read by itself
_GUESSED = 0.7  # Tesseract's confidence below which it guesses
_CLEARLY = 0.95  # RapidOCR's confidence from which it is believed against a doubtful reading
_NARROW, _WIDE = 0.4, 0.8  # gaps between words: no space is added to less, and none is taken from more
_HALF = 0.6  # the same as the first, where Tesseract is in doubt
_AS_WIDE, _MUCH_WIDER = 0.75, 1.8  # of a gap that is a space without Tesseract: gaps between words, between letters
_WIDER = 1.2  # than gaps within words, where no space of the line is known
_THIN = "_-\u2013\u2014~"
_IN_NAME = re.compile(r"\w_|_\w")
_IN_NUMBER = re.compile(r".?\d[.,:]|\d[.,:]\d|^[.,:]\d")


def is_sure_of(line: OcrLine) -> bool:
    """Whether Tesseract's reading of a line can stand: it is sure of each word, and there are English letters alone."""
    return line.weakest >= SURE_WORD and not any(c.isalpha() and not c.isascii() for c in line.text)


def doubtful_lines(image: Image, lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Those of Tesseract's lines that another reading may change."""
    return [line for line in lines if not is_sure_of(line) or _hides_a_space(image, line)]


def _hides_a_space(image: Image, line: OcrLine) -> bool:
    return rapid_engine.has_rapid() and hides_a_space(line.text, image.crop(line.box))


def read_doubtful_again(image: Image, lines: Sequence[OcrLine], doubtful: Sequence[OcrLine]) -> list[OcrLine] | None:
    """Tesseract's lines, the doubtful ones as RapidOCR reads them; None where the picture is to be read as a whole."""
    if not rapid_engine.has_rapid() or len(doubtful) > MOST_AGAIN * len(lines):
        return None
    whole = {id(line): grown(image, line, lines) for line in doubtful}
    confirmed = _confirmed(image, [line for line in doubtful if whole[id(line)] is line])
    open_still = [id(line) for line in doubtful if id(line) not in confirmed]
    places = [whole[line] for line in open_still]
    again = dict(zip(open_still, rapid.read_places(image, places), strict=True))
    merged, stubborn = [], 0
    for line in lines:
        if id(line) not in again:
            merged.append(confirmed.get(id(line), line))
            continue
        other = again[id(line)]
        agree = _letters(other.text) == _letters(line.text)
        if is_legible(other, line.text, foreign=False) and (agree or other.confidence >= _CLEARLY):
            merged.append(with_spaces(other, line.text, line.weakest, line.words))
        elif line.weakest < _GUESSED:
            return None  # letters of several lines, maybe
        else:
            merged.append(_spaced_alike(line, other))
            stubborn += 1
    return merged if stubborn <= len(lines) // 10 else None


def _spaced_alike(line: OcrLine, other: OcrLine) -> OcrLine:
    """Tesseract's letters with the spaces of another reading of as many."""
    letters = _letters(line.text)
    if len(letters) != len(_letters(other.text)):
        return line
    spaced = with_spaces(other, line.text, line.weakest, line.words)
    return _spaced(line, letters, spaces_of(spaced.text))


def _confirmed(image: Image, doubtful: Sequence[OcrLine]) -> dict[int, OcrLine]:
    """By their ids, the lines of which a few words are in doubt that RapidOCR reads alike, without the rest."""
    words = {id(line): _doubtful_words(line) for line in doubtful}
    asked = [
        line
        for line in doubtful
        if words[id(line)] and not _hides_a_space(image, line) and not _may_be_two(image, line, words[id(line)])
    ]
    each = [run for line in asked for run in words[id(line)]]
    again = dict(zip(map(id, each), rapid.read_places(image, each), strict=True))
    alike = (line for line in asked if all(again[id(run)].text == run.text for run in words[id(line)]))
    return {id(line): _as_sure(line, [again[id(run)] for run in words[id(line)]]) for line in alike}


def _may_be_two(image: Image, line: OcrLine, runs: Sequence[OcrLine]) -> bool:
    """Whether a word in doubt shows a gap nearly as wide as those between words: by itself it is read as one again."""
    gaps = [right.box[0] - left.box[2] for left, right in itertools.pairwise(line.words)]
    if not gaps:
        return False
    least = _HALF * statistics.median(gaps)
    return any(widest_gap(image.crop(word.box)) >= max(least, 1) for run in runs for word in run.words)


def _doubtful_words(line: OcrLine) -> list[OcrLine]:
    """The words of a line that are in doubt, those beside each other as one; none where they are many."""
    in_doubt = [not is_sure_of(replace(word, weakest=word.confidence)) for word in line.words]
    if sum(in_doubt) > _FEW_WORDS * len(line.words):
        return []
    runs = itertools.groupby(zip(in_doubt, line.words, strict=True), key=lambda pair: pair[0])
    return [_run([word for _, word in run]) for is_doubtful, run in runs if is_doubtful]


def _run(words: Sequence[OcrLine]) -> OcrLine:
    text = " ".join(word.text for word in words)
    return replace(words[0], text=text, box=joined_box(word.box for word in words), words=tuple(words))


def _as_sure(line: OcrLine, runs: Sequence[OcrLine]) -> OcrLine:
    """A line whose doubtful words were confirmed."""
    surer = {word.box: run.confidence for run in runs for word in run.words}
    known = tuple(replace(word, confidence=max(word.confidence, surer.get(word.box, 0.0))) for word in line.words)
    return replace(line, words=known, confidence=mean_confidence(known))


def read_passed_over(image: Image, places: Sequence[PixelBox]) -> list[OcrLine]:
    """What RapidOCR reads in places that look like text and that no line of Tesseract's touches."""
    if not places or not rapid_engine.has_rapid():
        return []
    empty = [OcrLine("", box, 0.0, box[3]) for box in places]
    return [line for line in rapid.read_places(image, empty) if line.confidence >= _CLEARLY and len(line.text) > 1]


def _letters(text: str) -> str:
    return "".join(text.split())


def is_surer(line: OcrLine, piece: OcrLine) -> bool:
    """Whether Tesseract is sure of a line of which RapidOCR is not."""
    alike = abs(line.width - piece.width) < 0.2 * max(line.width, piece.width)
    return alike and is_sure_of(line) and piece.confidence < _CLEARLY


def is_lost(line: OcrLine, pieces: Sequence[OcrLine]) -> bool:
    """Whether Tesseract is sure of a line that RapidOCR has not seen."""
    return is_sure_of(line) and len(line.text) > 2 and not any(same_place(line, piece) for piece in pieces)


def with_spaces(line: OcrLine, other: str, sure: float, words: Sequence[OcrLine] = ()) -> OcrLine:
    """A line as RapidOCR reads it, which loses spaces and finds some within words, with those of Tesseract.

    Args:
        other: Tesseract's reading.
        sure: its confidence in the least sure word; of a doubtful reading spaces are added, none is taken away; beside
            one, or none, those are added, too, that are as wide as the others of the line.
        words: its words, where they are known: each is as sure as it is by itself.
    """
    if line.text.split() == other.split():
        return line  # a gap within a word, as blurred letters have, is none between words where neither sees one
    letters = _letters(line.text)
    gaps = line.gaps if len(line.gaps) == len(letters) else ()
    spaces = spaces_of(line.text)
    is_sure = bool(other) and sure >= SURE_WORD
    least = _AS_WIDE if sure < _SPACE_SEEN or not other else 1.0
    wide = set() if is_sure else _wide_gaps(letters, gaps, spaces, least)
    usual = 0.0 if spaces or is_sure else _widest_within(gaps, len(spaces_of(other)))
    for here, is_space, here_sure in _seen_spaces(letters, other, sure, words):
        gap = gaps[here] if gaps else math.inf if is_space else 0.0
        if is_space and gap >= max(_least_gap(letters, here, here_sure >= SURE_WORD), usual):
            spaces.add(here)
        elif not is_space and here_sure >= SURE_WORD:
            wide.discard(here)
            if gap < _WIDE:
                spaces.discard(here)
    return _spaced(line, letters, spaces | wide)


def _seen_spaces(letters: str, other: str, sure: float, words: Sequence[OcrLine]) -> Iterator[tuple[int, bool, float]]:
    """Where Tesseract's reading agrees on two letters in a row: the second, whether it sees a space, and how surely."""
    theirs, seen = _letters(other), spaces_of(other)
    sures = [word.confidence for word in words for _ in word.text]
    if len(sures) != len(theirs):
        sures = [sure] * len(theirs)
    for block in SequenceMatcher(None, letters, theirs, autojunk=False).get_matching_blocks():
        for step in range(1, block.size):
            here, there = block.a + step, block.b + step
            here_sure = min(sures[there - 1 : there + 1])
            is_in_number = there in seen and _is_in_number(letters, here)
            if here_sure >= _SPACE_SEEN and not is_in_number:
                yield here, there in seen, here_sure


def _least_gap(letters: str, at: int, is_sure: bool) -> float:
    """How wide a gap must be for a space that Tesseract sees there, more within a name with underscores."""
    within = _IN_NAME.fullmatch(letters[at - 1 : at + 1])
    return (_NARROW if is_sure else _HALF) + (_low_strokes(letters, at) if within else 0)


def _widest_within(gaps: Sequence[float], spaces: int) -> float:
    """More than the widest gap within the words of a line that has so many spaces, were they its widest gaps."""
    within = sorted(gaps)[: len(gaps) - spaces]
    return _WIDER * within[-1] if within else 0.0


def _wide_gaps(letters: str, gaps: Sequence[float], spaces: set[int], least: float) -> set[int]:
    """Where the picture shows a gap as between words, not seen already beside the letter that it was counted to."""
    if not spaces or not gaps:
        return set()
    least = max(least, _MUCH_WIDER * sorted(gaps)[len(gaps) // 2])
    taken = {at + step for at in spaces if gaps[at] < _AS_WIDE for step in (-1, 1)}
    return {
        at
        for at in set(range(1, len(gaps))) - spaces - taken
        if gaps[at] >= least + _low_strokes(letters, at) and not _is_in_number(letters, at)
    }


def _low_strokes(letters: str, at: int) -> int:
    """The thin strokes around a gap, each about as wide as a space, which may have been taken for a part of it."""
    before, after = letters[:at], letters[at:]
    return len(before) - len(before.rstrip(_THIN)) + len(after) - len(after.lstrip(_THIN))


def _is_in_number(letters: str, at: int) -> bool:
    return bool(_IN_NUMBER.fullmatch(letters[max(at - 2, 0) : at + 1]))


def _spaced(line: OcrLine, letters: str, spaces: set[int]) -> OcrLine:
    return replace(line, text="".join(f" {c}" if i in spaces else c for i, c in enumerate(letters)))
