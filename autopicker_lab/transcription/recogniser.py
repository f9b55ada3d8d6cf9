"""A window of speech into Segments, by faster-whisper: language, search, and what is done where it fails."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Decoding, Segment, SpeechOptions, Word
from autopicker_lab.transcription.doubts import is_loop, is_phantom, too_fast
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from autopicker_lab.transcription.spoken import SpokenLanguages
    from autopicker_lab.transcription.voice import Window

_HALF_MINUTE = 3000  # frames of 10 ms that Whisper was trained on
_ROOM, _LEAST = 200, 1000  # frames behind a window's sound; of the shortest that is encoded
_CLEAR, _FAILED = -0.4, -1.0  # mean log probability: above one beam suffices, below the text is not to be believed
_REPETITIVE = 2.4  # compression of a text that goes in circles
_SILENT = 0.6  # probability of no speech
_TOKENS, _TOKENS_A_SECOND, _MOST_TOKENS, _GIVEN_TOKENS = 40, 24, 220, 100
_UNWRITTEN_S, _WRITTEN = 0.8, 0.3  # voice of that length must be covered by segments to that share
_TURN_S, _TURN_PAUSE_S = 1.2, 0.6  # the shortest turn in another language, and the pause before it
_PHANTOM_VOICE, _PHANTOM_CLEAR = 0.7, -0.6  # closings are believed where a voice is that likely, and words that clear


@dataclass(frozen=True)
class _Heard:
    """A window as it was decoded in one way."""

    raw: tuple[Any, ...]

    @property
    def text(self) -> str:
        return "".join(raw.text for raw in self.raw)

    @property
    def clearness(self) -> float:
        """Mean log probability of its tokens; of nothing the lowest."""
        counts = [max(len(raw.tokens), 1) for raw in self.raw]
        return sum(r.avg_logprob * n for r, n in zip(self.raw, counts, strict=True)) / sum(counts) if counts else -9.0

    def failed(self, voiced_s: float) -> bool:
        """Whether it goes in circles, is not sure of itself, or says more than there was time for."""
        circles = any(raw.compression_ratio > _REPETITIVE for raw in self.raw)
        return circles or self.clearness < _FAILED or too_fast(self.text, voiced_s)


class Recogniser:
    """Hears one recording, window by window, with a model of faster-whisper.

    Args:
        options: `language` as Whisper's code.
        languages: what is known of the recording's languages; told of each window.
        stopped: whether what is found will be thrown away.
    """

    def __init__(self, model: Any, options: SpeechOptions, languages: SpokenLanguages, stopped: Callable[[], bool]):
        self._stopped = stopped
        self._model = model
        self._options = options
        self._languages = languages
        self._known = options.language or (None if model.model.is_multilingual else "en")

    def hear(self, window: Window, *, listened: bool = False, may_wait: bool = False) -> list[Segment] | None:
        """The segments of a window, within its voice, in order.

        Args:
            listened: its language was told to those of the recording before.
            may_wait: give None where more windows should be listened to before the language is told.
        """
        features, encoded = self._encode(window)
        if self._known is not None:
            return self._written(window, features, encoded, self._known)
        probabilities = self._probabilities(encoded)
        if not listened:
            self._languages.listen(probabilities, window.voiced_s)
            if may_wait and not self._languages.sure:
                return None
        turns = self._turns(window, encoded, probabilities)
        if len(turns) == 1:
            return self._written(window, features, encoded, turns[0][1])
        return [s for part, language in turns for s in self._written(part, *self._encode(part), language)]

    def _encode(self, window: Window, whole: bool = False) -> tuple[Any, Any]:
        """Its features, and what the encoder makes of them: of a short window only as much as there is sound in it."""
        import numpy as np
        from faster_whisper.audio import pad_or_trim

        peak = float(abs(window.samples).max(initial=0.0))
        loud = window.samples * np.float32(min(0.5 / peak, 1e4)) if 0 < peak < 0.05 else window.samples
        features = self._model.feature_extractor(loud)
        frames = min(max(features.shape[-1] + _ROOM, _LEAST), _HALF_MINUTE)
        return features, self._model.encode(pad_or_trim(features, _HALF_MINUTE if whole else frames))

    def _probabilities(self, encoded: Any) -> dict[str, float]:
        return {token[2:-2]: float(value) for token, value in self._model.model.detect_language(encoded)[0]}

    def _turns(self, window: Window, encoded: Any, probabilities: dict[str, float]) -> list[tuple[Window, str]]:
        """Parts of a window, each in one language: what the encoder made of each turn is asked on its own."""
        overall = self._languages.of(probabilities, window.voiced_s)
        turns = _joined(window.voice)
        if len(turns) == 1:
            return [(window, overall)]
        found: list[tuple[int, str]] = []
        for first, last in turns:
            language = overall
            if (last - first) / RATE >= _TURN_S:
                part = _part_of(encoded, (first - window.start) / RATE, (last - window.start) / RATE)
                language = self._languages.of(self._probabilities(part), (last - first) / RATE)
            if not found or found[-1][1] != language:
                found.append((first, language))
        if len(found) == 1:
            return [(window, found[0][1])]
        cuts = [window.start, *(first - round(0.2 * RATE) for first, _ in found[1:]), window.end]
        return [(window.part(cuts[i], cuts[i + 1]), language) for i, (_, language) in enumerate(found)]

    def _written(self, window: Window, features: Any, encoded: Any, language: str, again: bool = True) -> list[Segment]:
        """The segments of a window in one language; voice that nothing was written for is heard once more alone."""
        heard = self._decoded(window, features, encoded, language)
        segments = list(self._segments(window, heard, language))
        self._languages.count(language, window.voiced_s)
        if not again or self._stopped():
            return segments
        for first, last in _unwritten(window, segments):
            part = window.part(first - RATE // 4, last + RATE // 4)
            segments += self._written(part, *self._encode(part, whole=True), language, again=False)
        return sorted(segments, key=lambda segment: segment.start)

    def _decoded(self, window: Window, features: Any, encoded: Any, language: str) -> _Heard:
        """The first way of decoding that succeeds, or the clearest of all.

        Greedy search where its words are clear, else a beam of five; where the text fails, the whole half minute is
        encoded as in training, and at last it is sampled once.
        """
        given = self._options
        if given.temperature is not None:
            return self._attempt(window, features, encoded, language, given.beam or 1, given.temperature)
        first = self._attempt(window, features, encoded, language, given.beam or 1, 0.0)
        failed = first.failed(window.voiced_s)
        if self._stopped() or (not failed and (given.beam is not None or first.clearness >= _CLEAR)):
            return first
        tried = [first]
        if failed:
            _, encoded = self._encode(window, whole=True)
        tried.append(self._attempt(window, features, encoded, language, given.beam or 5, 0.0))
        if all(way.failed(window.voiced_s) for way in tried) and not self._stopped():
            tried.append(self._attempt(window, features, encoded, language, 1, 0.4))
        return max(tried, key=lambda way: (not way.failed(window.voiced_s), way.clearness))

    def _attempt(
        self, window: Window, features: Any, encoded: Any, language: str, beam: int, temperature: float
    ) -> _Heard:
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, self._options.task, language)
        tokens = min(_MOST_TOKENS, round(_TOKENS + _TOKENS_A_SECOND * len(window.samples) / RATE))
        options = self._engine_options(tokenizer, beam, temperature, tokens)
        return _Heard(tuple(model.generate_segments(features, tokenizer, options, False, encoded)))

    def _engine_options(self, tokenizer: Any, beam: int, temperature: float, tokens: int) -> Any:
        from faster_whisper.transcribe import TranscriptionOptions, get_suppressed_tokens

        prompt, hotwords = self._options.prompt, self._options.hotwords
        return TranscriptionOptions(
            beam_size=beam,
            best_of=3,
            patience=1,
            length_penalty=1,
            repetition_penalty=1,
            no_repeat_ngram_size=0,
            log_prob_threshold=_FAILED,
            no_speech_threshold=_SILENT,
            compression_ratio_threshold=_REPETITIVE,
            condition_on_previous_text=False,
            prompt_reset_on_temperature=0.5,
            temperatures=[temperature],
            initial_prompt=tokenizer.encode(f" {prompt.strip()}")[-_GIVEN_TOKENS:] if prompt else None,
            prefix=None,
            suppress_blank=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            without_timestamps=False,
            max_initial_timestamp=1.0,
            word_timestamps=self._options.words,
            prepend_punctuations="\"'“¿([{-",
            append_punctuations="\"'.。,，!！?？:：”)]}、",
            multilingual=False,
            max_new_tokens=tokens,
            clip_timestamps="0",
            hallucination_silence_threshold=None,
            hotwords=tokenizer.decode(tokenizer.encode(hotwords)[:_GIVEN_TOKENS]) if hotwords else None,
        )

    def _segments(self, window: Window, heard: _Heard, language: str) -> Iterator[Segment]:
        """Its segments at the times of the recording, brought within the voice that they stand for."""
        failed = heard.failed(window.voiced_s)
        before = window.start / RATE
        for raw in heard.raw:
            start, end = _within_voice(window, window.start / RATE + raw.start, window.start / RATE + raw.end)
            start = max(start, before)
            if end <= start:
                start, end = before, min(before + max(raw.end - raw.start, 0.1), window.end / RATE)
            if end <= start or not raw.text.strip():
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
    if is_phantom(segment.text) and (unclear or decoding.no_speech_prob > _SILENT):
        return "a phrase that Whisper makes up where nobody speaks"
    if failed and decoding.compression_ratio > _REPETITIVE:
        return "words repeated over and over"
    return "hardly understood" if failed and decoding.avg_logprob < _FAILED else ""


def _within_voice(window: Window, start: float, end: float) -> tuple[float, float]:
    """Times of a segment, drawn in to the voice that it covers, a fifth of a second around it."""
    covered = [(a / RATE, b / RATE) for a, b in window.voice if b / RATE > start and a / RATE < end]
    if covered:
        start, end = max(start, covered[0][0] - 0.2), min(end, covered[-1][1] + 0.2)
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


def _unwritten(window: Window, segments: list[Segment]) -> list[tuple[int, int]]:
    """Stretches of voice that hardly any segment stands for."""
    missing = []
    for first, last in _joined(window.voice):
        covered = sum(max(min(s.end * RATE, last) - max(s.start * RATE, first), 0.0) for s in segments)
        if last - first >= _UNWRITTEN_S * RATE and covered < _WRITTEN * (last - first):
            missing.append((first, last))
    return [] if len(missing) == len(window.voice) == 1 and not segments else missing


def _joined(voice: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Stretches of voice, those with a short pause between them as one."""
    turns = [voice[0]]
    for first, last in voice[1:]:
        if first - turns[-1][1] < _TURN_PAUSE_S * RATE:
            turns[-1] = turns[-1][0], last
        else:
            turns.append((first, last))
    return turns


def _part_of(encoded: Any, start_s: float, end_s: float) -> Any:
    """What the encoder made of some seconds; it gives fifty vectors a second."""
    import numpy as np
    from ctranslate2 import Device, StorageView

    here = encoded if encoded.device == "cpu" else encoded.to_device(Device.cpu)
    part = np.array(here)[:, int(start_s * 50) : max(int(end_s * 50), int(start_s * 50) + 1)]
    view = StorageView.from_array(np.ascontiguousarray(part))
    return view if encoded.device == "cpu" else view.to_device(Device.cuda)
