"""One recording on its way to a Transcript: decoded, cut into windows of speech, and heard, one after another."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, Segment, SourceFile, SpeechOptions, Transcript
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.transcription.channels import Lanes
from autopicker_lab.transcription.decoding import DecodedSound
from autopicker_lab.transcription.doubts import is_loop, is_phantom
from autopicker_lab.transcription.languages import LANGUAGES
from autopicker_lab.transcription.recogniser import Listened, Recogniser, evenly
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.spoken import SpokenLanguages
from autopicker_lab.transcription.voice import Window, Windower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

STOPPED = "stopped before the end"
NO_SPEECH = "no speech was found in this recording"
_TOGETHER = 4  # windows that are searched together, behind the first: eight take the same time
_SEVERAL_S = 1.0  # of voice in another language that is worth a word
_SHOWN = 3  # of what is told by example


class Hearing:
    """What is known of a recording while it is heard.

    Args:
        options: with `language` as Whisper's code.
        progress: see WhisperTranscriber.transcribe.
    """

    def __init__(self, file: SourceFile, options: SpeechOptions, progress: Progress | None):
        self._name = file.name
        self._file = file
        self._options = options
        self._progress = progress
        self._languages = SpokenLanguages()
        self._sound: DecodedSound | None = None
        self._found: list[Segment] = []
        self._done_s = 0.0
        self._stopped = False

    def segments(self, model: Callable[[], AbstractContextManager[Any]]) -> Iterator[Segment]:
        """The segments, as they are recognised; `model` lends the model of faster-whisper for a window or a search."""
        waiting: list[Listened] = []
        for number, group in enumerate(_grouped(self._windows())):
            for window, frames in evenly(group):
                with model() as whisper:
                    if self._stopped:  # while others had the model
                        return
                    recogniser = self._recogniser(whisper)
                    waiting.append(recogniser.listen(window, frames))
            if number or recogniser.sure:
                yield from self._written(waiting, model)
                waiting = []
        yield from self._written(waiting, model)

    def _written(self, group: list[Listened], model: Callable[[], AbstractContextManager[Any]]) -> Iterator[Segment]:
        """The segments of windows that were listened to."""
        with model() as whisper:
            self._recogniser(whisper).search_together(group)
        for one in group:
            with model() as whisper:
                if self._stopped:
                    return
                heard = self._recogniser(whisper).write(one)
            yield from self._take(one.encoded.window, heard)

    def _recogniser(self, whisper: Any) -> Recogniser:
        return Recogniser(whisper, self._options, self._languages, lambda: self._stopped)

    def _take(self, window: Window, heard: list[Segment]) -> Iterator[Segment]:
        if not self._stopped:
            self._done_s = max(self._done_s, window.end / RATE)
            self._found += heard
            yield from heard

    def _windows(self) -> Iterator[Window]:
        import numpy as np

        lanes = Lanes()
        windowers: dict[str, Windower] = {}
        with DecodedSound(self._file) as sound:
            self._sound = sound
            for block in sound.blocks():
                if self._stopped:
                    return
                sides = lanes.of(block)
                for name in [name for name in windowers if name not in sides]:  # the channels are other ones now
                    yield from windowers.pop(name).feed(np.zeros(0, np.float32), last=True)
                for name, samples in sides.items():
                    if name not in windowers:
                        windowers[name] = Windower(name, block.start, self._options.vad is not False)
                    yield from windowers[name].feed(samples)
        for windower in windowers.values():
            yield from windower.feed(np.zeros(0, np.float32), last=True)

    def report(self) -> bool:
        """Tell the progress; False where it asks to stop, which ends the work after the search that is under way."""
        sound = self._sound
        length = 0.0 if sound is None else sound.length if sound.declared is None else sound.declared
        if not report_progress(self._progress, round(min(self._done_s, length)), math.ceil(length)):
            self._stopped = True
        return not self._stopped

    def transcript(self, model: str, seconds_taken: float) -> Transcript:
        """All that was heard, in order of time."""
        segments = sorted(self._found, key=lambda segment: (segment.start, segment.end))
        made_up = [s for s in segments if s.doubt and (is_phantom(s.text) or is_loop(s.text, s.end - s.start))]
        warnings = self._warnings(segments, made_up)
        if len(made_up) == len(segments):  # closings and loops alone, and hardly a voice
            segments = []
        spoken = self._languages.seconds
        language = max(spoken, key=lambda code: spoken[code]) if spoken and segments else None
        return Transcript(
            name=self._name,
            text=" ".join(segment.text for segment in segments),
            language=self._options.language or language,
            duration=round(self._sound.length, 3) if self._sound else 0.0,
            segments=tuple(segments),
            model=model,
            seconds_taken=seconds_taken,
            warnings=warnings,
        )

    def _warnings(self, segments: list[Segment], made_up: list[Segment]) -> tuple[str, ...]:
        said = list(self._sound.notes) if self._sound else []
        if len(made_up) == len(segments) and not self._stopped:
            said.append(NO_SPEECH)
        if made_up and len(made_up) == len(segments):
            said.append(f"left out, since Whisper makes it up where nobody speaks: {_examples(made_up)}")
        elif doubtful := [segment for segment in segments if segment.doubt]:
            said += [f"{why}: {_examples([s for s in doubtful if s.doubt == why])}" for why in _reasons(doubtful)]
        said += self._about_languages() if len(made_up) < len(segments) else []
        return (*said, STOPPED) if self._stopped else tuple(said)

    def _about_languages(self) -> list[str]:
        spoken = {code: s for code, s in self._languages.seconds.items() if s >= _SEVERAL_S}
        if self._options.language is not None:
            return []
        if len(spoken) > 1:
            names = ", ".join(LANGUAGES[code] for code in sorted(spoken, key=lambda code: -spoken[code]))
            return [f"more than one language was heard: {names}"]
        main = self._languages.main
        if main is None or self._languages.sure:
            return []
        probability = self._languages.probability
        return [f"the language is in doubt: {LANGUAGES.get(main, main)} with a probability of {probability:.2f}"]


def _grouped(windows: Iterator[Window]) -> Iterator[list[Window]]:
    """The first window alone, that something is soon heard, then several at a time."""
    size = 1
    while group := list(islice(windows, size)):
        yield group
        size = _TOGETHER


def _reasons(segments: list[Segment]) -> list[str]:
    return list(dict.fromkeys(segment.doubt for segment in segments))


def _examples(segments: list[Segment]) -> str:
    shown = "; ".join(f"'{s.text[:60]}' at {s.start:.1f} s" for s in segments[:_SHOWN])
    return shown + (f" and {len(segments) - _SHOWN} more" if len(segments) > _SHOWN else "")


def check_options(options: SpeechOptions) -> None:
    """Refuse options that Whisper has no use for.

    Raises:
        InvalidRequestError: the task is unknown, the beam or the temperature out of bounds.
    """
    if options.task not in ("transcribe", "translate"):
        raise InvalidRequestError(f"unknown task '{options.task}'", "use transcribe or translate", param="task")
    if options.beam is not None and not 1 <= options.beam <= 20:
        raise InvalidRequestError(f"a beam of {options.beam} is not possible", "give 1 to 20", param="beam")
    if options.temperature is not None and not 0 <= options.temperature <= 1:
        detail = f"a temperature of {options.temperature} is not possible"
        raise InvalidRequestError(detail, "give 0 to 1", param="temperature")
