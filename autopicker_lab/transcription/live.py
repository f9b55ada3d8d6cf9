"""Speech while it is said: words that settle, and the tail that may still change.

What is heard since the last cut is recognised again and again as it grows; words on which two readings in a row agree
are settled, and so are all where the speaker pauses (LocalAgreement-2: Macháček et al. 2023, Turning Whisper into a
real-time transcription system). What is settled is never taken back.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ExtractionLimitError
from autopicker_lab.transcription.doubts import is_letter_loop, is_loop, is_phantom, loop_in, plain
from autopicker_lab.transcription.recogniser import Recogniser
from autopicker_lab.transcription.sound import MAX_SECONDS, RATE
from autopicker_lab.transcription.spoken import SpokenLanguages
from autopicker_lab.transcription.voice import FRAME, VoiceDetector, Window, raised, stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import numpy.typing as npt

    from autopicker_lab.core import Segment, SpeechOptions, Word
    from autopicker_lab.transcription.stream import SoundStream

    Samples = npt.NDArray[np.float32]

STEP_S = 0.6  # of new sound that is worth another reading
_FULL_S = 5.0  # of new sound from which it is read though more is waiting
_PAUSE_FRAMES = 22  # without a voice (0.7 s), after which what was said is settled
_PAD = 10  # frames kept before a voice
_LONG_S, _LONGEST_S = 9.0, 20.0  # of sound since the last cut: one is looked for, one is made
_LANGUAGE_S = 3.0  # of voice from which its language is no longer asked
_NEAR_S = 0.8  # within which a word that comes again is the one that is settled
_CONTEXT = 8  # settled words that a loop may have begun with
_REPEATED = 5  # words at most that a reading may repeat of what is settled


@dataclass(frozen=True)
class LiveUpdate:
    """What is new.

    Attributes:
        settled: words that are certain now, in order, behind all that were settled before.
        tail: words behind them as they seem to be so far; each update has all of them.
        received_s: seconds of sound that this was made of.
        taken_s: seconds that the reading took.
    """

    settled: tuple[Word, ...]
    tail: tuple[Word, ...]
    received_s: float
    taken_s: float = 0.0


class LiveTranscript:
    """One speaker's speech, heard as it comes.

    Args:
        lend: lends the model of faster-whisper for a reading.
        options: `words` and `vad` are of no effect; `beam` is 1 where it is not set.

    Attributes:
        language: Whisper's code, once it is told.
        settled: all words that are settled.
    """

    def __init__(self, lend: Callable[[], AbstractContextManager[Any]], options: SpeechOptions):
        import numpy as np

        self._lend = lend
        self._options = replace(options, words=True, beam=options.beam or 1)
        self._languages = SpokenLanguages()
        self._detector = VoiceDetector()
        self._samples = np.zeros(0, np.float32)
        self._probabilities = np.zeros(0, np.float32)
        self._base = 0  # the sample at which both begin
        self._read_to = 0  # the sample to which the last reading went
        self._before: list[Word] = []  # the words of the last reading that are not settled
        self.language = options.language
        self.settled: list[Word] = []

    @property
    def received_s(self) -> float:
        """Seconds of sound that came."""
        return (self._base + len(self._samples)) / RATE

    @property
    def unread(self) -> bool:
        """Whether there is voice that has not settled."""
        return bool(stretches(self._probabilities))

    def feed(self, samples: Samples) -> None:
        """Take sound of one channel at 16 kHz, from -1 to 1."""
        import numpy as np

        self._samples = np.concatenate([self._samples, samples])
        self._probabilities = np.concatenate([self._probabilities, self._detector.feed(raised(samples))])
        voice = stretches(self._probabilities)
        self._drop((voice[0][0] if voice else len(self._probabilities)) - _PAD)

    def due(self, waiting: bool) -> bool:
        """Whether it is time for a reading; `waiting`: more sound has come already."""
        new = self._base + len(self._samples) - self._read_to
        return self.unread and new >= (_FULL_S if waiting else STEP_S) * RATE

    def read(self, last: bool = False) -> LiveUpdate:
        """Read what came since the last cut; where it is the `last`, or the speaker paused, all of it settles."""
        begun_at = time.perf_counter()
        settled, tail = self._read(last)
        return LiveUpdate(tuple(settled), tuple(tail), self.received_s, time.perf_counter() - begun_at)

    def _read(self, last: bool) -> tuple[list[Word], list[Word]]:
        voice = stretches(self._probabilities)
        self._read_to = self._base + len(self._samples)
        if not voice:
            return self._settle([], [])
        pausing = len(self._probabilities) - voice[-1][1] >= _PAUSE_FRAMES
        words = self._unsettled(self._words(voice, ended=last or pausing))
        if last or pausing:
            self._drop(voice[-1][1] + _PAD)
            return self._settle(words, [])
        agreed = max(min(_agreed(self._before, words), _before_loop(self.settled, words)), self._overdue(words))
        found = self._settle(words[:agreed], words[agreed:])
        self._cut(words)
        return found

    def _overdue(self, words: list[Word]) -> int:
        """How many words must settle since their sound is about to be forgotten, though no two readings agree."""
        if len(self._samples) <= _LONGEST_S * RATE or any(w.end * RATE > self._base for w in self.settled[-1:]):
            return 0
        return sum(word.end * RATE <= self._base + len(self._samples) / 2 for word in words)

    def _settle(self, settled: list[Word], tail: list[Word]) -> tuple[list[Word], list[Word]]:
        self.settled += settled
        self._before = tail
        return settled, tail

    def _words(self, voice: Sequence[tuple[int, int]], ended: bool) -> list[Word]:
        """The words of a reading; where the speech has `ended`, all is done to have each."""
        import numpy as np

        places = tuple((self._base + a * FRAME, self._base + b * FRAME) for a, b in voice)
        probability = float(np.concatenate([self._probabilities[a:b] for a, b in voice]).mean())
        window = Window("", self._base, self._samples, places, probability)
        with self._lend() as whisper:
            options = replace(self._options, language=self.language)
            recogniser = Recogniser(whisper, options, self._languages, lambda: False)
            segments = recogniser.hear(window) if ended else recogniser.draft(window)
        if self.language is None and window.voiced_s >= _LANGUAGE_S:
            self.language = self._languages.main
        return [word for segment in segments if _is_believed(segment) for word in _said(segment)]

    def _unsettled(self, words: list[Word]) -> list[Word]:
        """The words of a reading behind those that are settled.

        Times are not exact: the settled ones are looked for near their time, and only where they are not there at all,
        what is later than they counts.
        """
        if not self.settled:
            return words
        end = self.settled[-1].end
        known = [plain(word.text) for word in self.settled[-_REPEATED:]]
        near = [at + 1 for at, word in enumerate(words) if abs(word.end - end) <= _NEAR_S]
        agreeing = {at: _same_end(known, [plain(word.text) for word in words[:at]]) for at in near}
        if any(agreeing.values()):
            return words[max(near, key=lambda at: (agreeing[at], -abs(words[at - 1].end - end))) :]
        return [word for word in words if (word.start + word.end) / 2 > end - 0.1]

    def _cut(self, words: list[Word]) -> None:
        """Forget sound whose words are settled, best at the end of a sentence or at a pause."""
        seconds = len(self._samples) / RATE
        if seconds < _LONG_S:
            return
        begin = self._base / RATE
        here = [word for word in self.settled if word.start >= begin]
        following = [*here[1:], *words[:1]] if words else here[1:]
        ends = [
            ((b.start - a.end) + (0.5 if a.text.strip()[-1:] in ".?!。？！" else 0.0), (a.end + b.start) / 2)
            for a, b in zip(here, following, strict=False)
            if a.end - begin > seconds / 4
        ]
        good = [cut for cut in ends if cut[0] > 0.1 or seconds > _LONGEST_S]
        if good:
            self._drop(round((max(good)[1] - begin) * RATE / FRAME))
        elif seconds > _LONGEST_S:
            self._drop(round(seconds / 2 * RATE / FRAME))  # nothing was settled for long: noise

    def _drop(self, frames: int) -> None:
        if frames <= 0:
            return
        frames = min(frames, len(self._probabilities))
        self._base += frames * FRAME
        self._samples = self._samples[frames * FRAME :].copy()
        self._probabilities = self._probabilities[frames:].copy()


def _agreed(before: Sequence[Word], now: Sequence[Word]) -> int:
    """How many words at the beginning two readings have in common."""
    count = 0
    for a, b in zip(before, now, strict=False):
        if plain(a.text) != plain(b.text):
            break
        count += 1
    return count


def _same_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words at the end are the same."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _before_loop(settled: Sequence[Word], words: Sequence[Word]) -> int:
    """How many words may settle: of a loop at the end one round, and the rest not before what follows it is heard."""
    before = [word.text for word in settled[-_CONTEXT:]]
    found = loop_in([*before, *(word.text for word in words)])
    if found is None or found[1] < len(before) + len(words):
        return len(words)
    return max(found[0] + found[2] - len(before), 0)


def _said(segment: Segment) -> list[Word]:
    """The words of a segment; of a loop that is doubted one round."""
    words = [word for word in segment.words if word.text.strip() and not is_letter_loop(word.text)]
    found = loop_in([word.text for word in words]) if segment.doubt else None
    return words if found is None else words[: found[0] + found[2]] + words[found[1] :]


def _is_believed(segment: Segment) -> bool:
    made_up = segment.doubt and is_phantom(segment.text)
    return not made_up and not is_loop(segment.text, segment.end - segment.start)


def text_of(words: Iterable[Word]) -> str:
    """Words as one text; Whisper's begin with the blank before them, where their script has one."""
    return "".join(word.text for word in words).strip()


def hear_live(live: LiveTranscript, stream: SoundStream, tell: Callable[[LiveUpdate], None]) -> None:
    """Hear a stream to its end, or until it is aborted; what is new is told as it is found.

    Where no sound comes for a while, what was said so far settles, as at a pause.

    Raises:
        CorruptFileError: the stream cannot be decoded.
        ExtractionLimitError: it is longer than eight hours, or decoding it takes too much time or memory.
    """

    def idle() -> None:
        if live.unread:
            tell(live.read(last=True))

    with closing(stream.pieces(idle)) as pieces:
        for samples in pieces:
            live.feed(samples)
            if live.received_s > MAX_SECONDS:
                raise ExtractionLimitError(f"speech of more than {MAX_SECONDS // 3600} hours", "start anew")
            if live.due(bool(stream.waiting)):
                tell(live.read())
    if not stream.aborted:
        tell(live.read(last=True))
