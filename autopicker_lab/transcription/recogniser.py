"""A window of speech into Segments, by faster-whisper: language, search, and what is done where it fails."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.transcription.placing import FAILED, REPETITIVE, SILENT, Heard, halves, placed, turns_of, unwritten
from autopicker_lab.transcription.sound import RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import Segment, SpeechOptions
    from autopicker_lab.transcription.spoken import SpokenLanguages
    from autopicker_lab.transcription.voice import Window

_HALF_MINUTE = 3000  # frames of 10 ms that Whisper was trained on
_CLEAR = -0.4  # mean log probability from which one beam suffices
_TURN_S = 1.2  # the shortest turn in another language
_ROOM, _LEAST = 200, 1000  # frames behind a window's sound; of the shortest that is encoded
_TOKENS, _TOKENS_A_SECOND, _MOST_TOKENS, _GIVEN_TOKENS = 40, 24, 220, 100
_LIKELY, _LEAST_TURN = 0.3, 400  # a turn's language is not doubted from there on; frames that it is encoded in


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

    def _encode(self, window: Window, whole: bool = False, least: int = _LEAST) -> tuple[Any, Any]:
        """Its features, and what the encoder makes of them: of a short window only as much as there is sound in it."""
        import numpy as np
        from faster_whisper.audio import pad_or_trim

        peak = float(abs(window.samples).max(initial=0.0))
        loud = window.samples * np.float32(min(0.5 / peak, 1e4)) if 0 < peak < 0.05 else window.samples
        features = self._model.feature_extractor(loud)
        frames = min(max(features.shape[-1] + _ROOM, least), _HALF_MINUTE)
        return features, self._model.encode(pad_or_trim(features, _HALF_MINUTE if whole else frames))

    def _probabilities(self, encoded: Any) -> dict[str, float]:
        return {token[2:-2]: float(value) for token, value in self._model.model.detect_language(encoded)[0]}

    def _turns(self, window: Window, encoded: Any, probabilities: dict[str, float]) -> list[tuple[Window, str]]:
        """Parts of a window, each in one language: what the encoder made of each turn is asked on its own."""
        overall = self._languages.of(probabilities, window.voiced_s)
        turns = turns_of(window.voice)
        if len(turns) == 1:
            return [(window, overall)]
        found: list[tuple[int, str]] = []
        for first, last in turns:
            language = self._turn_language(window, encoded, overall, first, last)
            if not found or found[-1][1] != language:
                found.append((first, language))
        if len(found) == 1:
            return [(window, found[0][1])]
        cuts = [window.start, *(first - round(0.2 * RATE) for first, _ in found[1:]), window.end]
        return [(window.part(cuts[i], cuts[i + 1]), language) for i, (_, language) in enumerate(found)]

    def _turn_language(self, window: Window, encoded: Any, overall: str, first: int, last: int) -> str:
        """The language from one sample to another, of a window that is in `overall` on the whole.

        What the encoder made of the whole is asked first, which is cheap; where it doubts, the turn is encoded alone.
        """
        seconds = (last - first) / RATE
        if seconds < _TURN_S or self._stopped():
            return overall
        part = _part_of(encoded, (first - window.start) / RATE, (last - window.start) / RATE)
        if self._probabilities(part).get(overall, 0.0) >= _LIKELY:
            return overall
        _, alone = self._encode(window.part(first - RATE // 4, last + RATE // 4), least=_LEAST_TURN)
        return self._languages.of(self._probabilities(alone), seconds)

    def _written(self, window: Window, features: Any, encoded: Any, language: str, again: int = 2) -> list[Segment]:
        """The segments of a window in one language.

        One that goes in circles is heard in halves, where a pause allows it, and voice that nothing was written for
        once more alone; `again` is how often such parts may be taken apart themselves.
        """
        first = self._attempt(window, features, encoded, language, self._options.beam or 1, self._options.temperature)
        if again and first.circles and (parts := halves(window)):
            return [s for half in parts for s in self._written(half, *self._encode(half), language, again - 1)]
        heard = self._best(first, window, features, encoded, language)
        segments = placed(window, heard, language)
        self._languages.count(language, window.voiced_s)
        if not again or self._stopped():
            return segments
        for begin, end in unwritten(window, segments):
            part = window.part(begin - RATE // 4, end + RATE // 4)
            segments += self._written(part, *self._encode(part, whole=True), language, 0)
        return sorted(segments, key=lambda segment: segment.start)

    def _best(self, first: Heard, window: Window, features: Any, encoded: Any, language: str) -> Heard:
        """The first way of decoding that succeeds, or the clearest of all.

        Greedy search where its words are clear, else a beam of five; where the text fails, the whole half minute is
        encoded as in training, and at last it is sampled once.
        """
        given = self._options
        failed = first.failed(window.voiced_s)
        enough = given.temperature is not None or (not failed and (given.beam is not None or first.clearness >= _CLEAR))
        if enough or self._stopped():
            return first
        if failed:
            _, encoded = self._encode(window, whole=True)
        tried = [first, self._attempt(window, features, encoded, language, given.beam or 5)]
        if all(way.failed(window.voiced_s) for way in tried) and not self._stopped():
            tried.append(self._attempt(window, features, encoded, language, 1, 0.4))
        return max(tried, key=lambda way: (not way.failed(window.voiced_s), way.clearness))

    def _attempt(
        self, window: Window, features: Any, encoded: Any, language: str, beam: int, temperature: float | None = None
    ) -> Heard:
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, self._options.task, language)
        tokens = min(_MOST_TOKENS, round(_TOKENS + _TOKENS_A_SECOND * len(window.samples) / RATE))
        options = self._engine_options(tokenizer, beam, temperature or 0.0, tokens)
        found = model.generate_segments(features, tokenizer, options, False, encoded)
        return Heard(tuple(takewhile(lambda _: not self._stopped(), found)) if not self._stopped() else ())

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
            log_prob_threshold=FAILED,
            no_speech_threshold=SILENT,
            compression_ratio_threshold=REPETITIVE,
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


def _part_of(encoded: Any, start_s: float, end_s: float) -> Any:
    """What the encoder made of some seconds; it gives fifty vectors a second."""
    import numpy as np
    from ctranslate2 import Device, StorageView

    here = encoded if encoded.device == "cpu" else encoded.to_device(Device.cpu)
    part = np.array(here)[:, int(start_s * 50) : max(int(end_s * 50), int(start_s * 50) + 1)]
    view = StorageView.from_array(np.ascontiguousarray(part))
    return view if encoded.device == "cpu" else view.to_device(Device.cuda)
