"""What was decoded of a window, and its segments at the times of the recording, with what is doubtful in them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Decoding, Segment, Word
from autopicker_lab.transcription.doubts import is_loop, is_phantom, plain, too_fast
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.transcription.voice import Window

FAILED = -1.0  # mean log probability below which a text is not to be believed
REPETITIVE = 2.4  # compression of a text that goes in circles
SILENT = 0.6  # probability of no speech
_UNWRITTEN_S, _WRITTEN = 0.8, 0.3  # voice of that length must be covered by segments to that share
_TURN_PAUSE_S = 0.6  # the shortest pause between two turns
_PHANTOM_VOICE, _PHANTOM_CLEAR = 0.7, -0.6  # closings are believed where a voice is that likely, and words that clear
_AROUND_S = 0.2  # of silence that a segment keeps around its voice


@dataclass(frozen=True)
class Heard:
    """A window as it was decoded in one way; `until_s` is where its text ended, if that was before the window did."""

    raw: tuple[Any, ...]
    until_s: float | None = None

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(raw.text for raw in self.raw)

    @property
    def clearness(self) -> float:
        """Mean log probability of its tokens; of nothing the lowest."""
        counts = [max(len(raw.tokens), 1) for raw in self.raw]
        return sum(r.avg_logprob * n for r, n in zip(self.raw, counts, strict=True)) / sum(counts) if counts else -9.0

    @property
    def circles(self) -> bool:
        """Whether it repeats itself."""
        return any(raw.compression_ratio > REPETITIVE for raw in self.raw)

    def failed(self, voiced_s: float) -> bool:
        """Whether it goes in circles, is not sure of itself, or says more than there was time for."""
        return self.circles or self.clearness < FAILED or too_fast(self.text, voiced_s)


def placed(window: Window, heard: Heard, language: str) -> list[Segment]:
    """The segments of a window at the times of the recording, brought within the voice that they stand for."""
    return list(_placed(window, heard, language))


def _placed(window: Window, heard: Heard, language: str) -> Iterator[Segment]:
    failed = heard.failed(window.voiced_s)
    before = window.start / RATE
    for raw in heard.raw:
        start, end = _within_voice(window, window.start / RATE + raw.start, window.start / RATE + raw.end)
        start = max(start, before)
        if end <= start:
            start, end = before, min(before + max(raw.end - raw.start, 0.1), window.end / RATE)
        if end <= start or not plain(raw.text):  # dots and notes alone are no words
            continue
        before = end
        segment = _segment(raw, start, end, window, language)
        yield replace(segment, doubt=_doubt(segment, window, failed))


def _doubt(segment: Segment, window: Window, failed: bool) -> str:
    decoding = segment.decoding
    assert decoding is not None  # see _segment
    unclear = window.probability < _PHANTOM_VOICE or decoding.avg_logprob < _PHANTOM_CLEAR
    if is_loop(segment.text, segment.end - segment.start):
        return "words repeated faster than anybody speaks"
    if is_phantom(segment.text) and (unclear or decoding.no_speech_prob > SILENT):
        return "a phrase that Whisper makes up where nobody speaks"
    if failed and decoding.compression_ratio > REPETITIVE:
        return "words repeated over and over"
    return "hardly understood" if failed and decoding.avg_logprob < FAILED else ""


def _within_voice(window: Window, start: float, end: float) -> tuple[float, float]:
    """Times of a segment, drawn in to the voice that it covers."""
    covered = [(a / RATE, b / RATE) for a, b in window.voice if b / RATE > start and a / RATE < end]
    if covered:
        start, end = max(start, covered[0][0] - _AROUND_S), min(end, covered[-1][1] + _AROUND_S)
    return round(max(start, window.start / RATE), 3), round(min(end, window.end / RATE), 3)


def _segment(raw: Any, start: float, end: float, window: Window, language: str) -> Segment:
    offset = window.start / RATE
    words = []
    at = start
    for word in raw.words or ():
        begin = min(max(float(word.start) + offset, at), end)
        at = min(max(float(word.end) + offset, begin), end)
        words.append(Word(round(begin, 3), round(at, 3), word.word, float(word.probability)))
    # without words Whisper knows one figure for each half minute
    confidence = statistics.fmean(word.probability for word in words) if words else math.exp(raw.avg_logprob)
    figures = raw.temperature, raw.avg_logprob, raw.compression_ratio, raw.no_speech_prob
    decoding = Decoding(tuple(raw.tokens), *map(float, figures))
    return Segment(start, end, raw.text.strip(), confidence, tuple(words), language, window.lane, decoding=decoding)


def unwritten(window: Window, segments: list[Segment]) -> list[tuple[int, int]]:
    """Stretches of voice that hardly any segment stands for; those that follow one another as one."""
    missing: list[tuple[int, int]] = []
    joins = False
    for first, last in turns_of(window.voice):
        covered = sum(max(min(s.end * RATE, last) - max(s.start * RATE, first), 0.0) for s in segments)
        misses = last - first >= _UNWRITTEN_S * RATE and covered < _WRITTEN * (last - first)
        if misses:
            missing.append((missing.pop()[0] if joins else first, last))
        joins = misses and bool(segments)  # all of it together was tried
    return [] if len(missing) == len(window.voice) == 1 and not segments else missing


def halves(window: Window) -> tuple[Window, Window] | None:
    """A window in two, at the longest pause of its middle half; None where it has none."""
    length = len(window.samples)
    pauses = [(b[0] - a[1], (a[1] + b[0]) // 2) for a, b in pairwise(window.voice)]
    middle = [(p, at) for p, at in pauses if length < 4 * (at - window.start) < 3 * length]
    if not middle:
        return None
    cut = max(middle)[1]
    return window.part(window.start, cut), window.part(cut, window.end)


def turns_of(voice: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Stretches of voice, those with a short pause between them as one."""
    turns = [voice[0]]
    for first, last in voice[1:]:
        if first - turns[-1][1] < _TURN_PAUSE_S * RATE:
            turns[-1] = turns[-1][0], last
        else:
            turns.append((first, last))
    return turns
