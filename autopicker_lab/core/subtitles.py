"""Segments as subtitles: SubRip, WebVTT, and tab-separated rows.

A cue has at most two lines of 42 columns, broken at phrases, is shown for 5/6 to 7 seconds, and longer than its words
last where they are too many to be read meanwhile and silence follows. None overlaps another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from autopicker_lab.core.phrases import COLUMNS_A_SECOND, LONGEST_S, SHORTEST_S, Piece, cut, lines_of, runs, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from autopicker_lab.core.segments import Segment

_LEAST_S = 0.2  # of a cue between others that leave it no room
_LIKE_TAGS = re.compile(r"<(?=[/a-zA-Z])|\{(?=\\)")  # players take them for the style of what follows


@dataclass(frozen=True)
class Cue:
    """Lines that are shown together, from `start` to `end` in seconds."""

    start: float
    end: float
    lines: tuple[tuple[Piece, ...], ...]
    speaker: str = ""

    @property
    def needs_s(self) -> float:
        """Seconds that it takes to be read."""
        width = sum(token.columns + token.blank for line in self.lines for token in line)
        return min(max(width / COLUMNS_A_SECOND, SHORTEST_S), LONGEST_S)


def cues_of(segments: Sequence[Segment], duration: float) -> list[Cue]:
    """The cues of a recording of `duration` seconds, in order; those of each speaker go their own way."""
    cues = []
    spoken = sorted((s for s in segments if s.text.strip()), key=lambda s: (s.speaker, s.start))
    for speaker, own in groupby(spoken, key=lambda segment: segment.speaker):
        tokens = _in_order(token for segment in own for token in tokens_of(segment))
        cues += [_cue(part, speaker) for run in runs(tokens) for part in cut(run)]
    cues.sort(key=lambda cue: cue.start)
    return _timed(cues, max([duration, *(segment.end for segment in spoken)]))


def _in_order(tokens: Iterable[Piece]) -> Iterator[Piece]:
    """Tokens that begin no earlier than those before them, also where segments overlap."""
    at = 0.0
    for token in tokens:
        at = max(at, token.start)
        yield token if at == token.start else replace(token, start=at, end=max(at, token.end))


def _cue(tokens: Sequence[Piece], speaker: str) -> Cue:
    lines = tuple(tuple(line) for line in lines_of(tokens))
    return Cue(tokens[0].start, max(token.end for token in tokens), lines, speaker)


def _timed(cues: Sequence[Cue], limit: float) -> list[Cue]:
    """Cues of a length, none over another: earlier where the end or the next leaves no room, later where need be."""
    starts = [cue.start for cue in cues]
    latest = limit
    for i in reversed(range(len(cues))):
        latest = starts[i] = max(min(starts[i], latest - _LEAST_S), 0.0)
    found: list[Cue] = []
    free = 0.0
    for i, cue in enumerate(cues):
        start = max(starts[i], free)
        follows = starts[i + 1] if i + 1 < len(cues) else max(limit, start + _LEAST_S)
        if i + 1 < len(cues) and cue.end > cues[i + 1].start:  # two speak at once
            middle = (cues[i + 1].start + cues[i + 1].end) / 2
            follows = max(follows, min(start + cue.needs_s, middle))
        wanted = min(max(cue.end, start + cue.needs_s), start + LONGEST_S)
        free = _whole(max(min(wanted, follows), start + _LEAST_S))
        found.append(replace(cue, start=_whole(start), end=free))
    return found


def _whole(seconds: float) -> float:
    """Seconds to the millisecond, in which the formats count."""
    return round(seconds * 1000) / 1000


def srt(cues: Iterable[Cue]) -> str:
    """SubRip."""
    return "\n".join(
        f"{i}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_srt_text(cue)}\n" for i, cue in enumerate(cues, 1)
    )


def _srt_text(cue: Cue) -> str:
    text = "\n".join("".join(_after_blank(token, i) for i, token in enumerate(line)) for line in cue.lines)
    return _LIKE_TAGS.sub(lambda mark: f"{mark[0]}\u2060", text.replace("-->", "→"))


def _after_blank(token: Piece, place: int) -> str:
    return f" {token.text}" if token.blank and place else token.text


def vtt(cues: Iterable[Cue], *, words: bool = False) -> str:
    """WebVTT; with `words`, the time of each word stands before it where it is known."""
    return "WEBVTT\n\n" + "\n".join(
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_vtt_text(cue, words)}\n" for cue in cues
    )


def _vtt_text(cue: Cue, words: bool) -> str:
    lines, at = [], cue.start
    for line in cue.lines:
        text = ""
        for i, token in enumerate(line):
            said = escape(token.text, quote=False)
            if words and token.timed:
                said = f"<c>{said}</c>"  # without an element, style sheets cannot tell what is past
                if at + 0.001 <= token.start < cue.end:
                    at = token.start
                    said = f"<{_clock(at, '.')}>{said}"
            text += f" {said}" if token.blank and i else said
        lines.append(text)
    voice = f"<v {escape(cue.speaker)}>" if cue.speaker else ""
    return voice + "\n".join(lines)


def tsv(segments: Iterable[Segment]) -> str:
    """Rows of start and end in milliseconds and text, with a header, as Whisper writes them."""
    rows = (f"{round(s.start * 1000)}\t{round(s.end * 1000)}\t{' '.join(s.text.split())}\n" for s in segments)
    return "start\tend\ttext\n" + "".join(rows)


def _clock(seconds: float, mark: str) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{mark}{total % 1000:03}"
