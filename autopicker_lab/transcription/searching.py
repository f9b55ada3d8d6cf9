"""The search for a window's text by faster-whisper: for one window, or for several together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.transcription.placing import FAILED, REPETITIVE, SILENT, Heard
from autopicker_lab.transcription.sound import RATE
from autopicker_lab.transcription.time_marks import phrases_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.core import SpeechOptions
    from autopicker_lab.transcription.voice import Window

_TOKENS, _TOKENS_A_SECOND, _MOST_TOKENS, _GIVEN_TOKENS = 40, 24, 220, 100
_FRAME_S = 0.01


@dataclass(frozen=True)
class Encoded:
    """A window with its log-mel features, and what the encoder made of them."""

    window: Window
    features: Any
    output: Any


class Search:
    """Looks for the words of encoded windows with a model of faster-whisper.

    Args:
        options: prompt, hotwords, task and words are used here.
        stopped: whether what is found will be thrown away.
    """

    def __init__(self, model: Any, options: SpeechOptions, stopped: Callable[[], bool]):
        self._model = model
        self._options = options
        self._stopped = stopped

    def one(self, encoded: Encoded, language: str, beam: int, temperature: float | None = None) -> Heard:
        """What a window says; where a text ends before its window does, the engine goes on in half a minute."""
        tokenizer = self._tokenizer(language)
        options = self._engine_options(tokenizer, beam, temperature or 0.0, _tokens(encoded))
        found = self._model.generate_segments(encoded.features, tokenizer, options, False, encoded.output)
        return Heard(tuple(takewhile(lambda _: not self._stopped(), found)) if not self._stopped() else ())

    def together(self, encoded: Sequence[Encoded], languages: Sequence[str], beam: int) -> list[Heard]:
        """What windows say whose encodings are of one shape.

        The decoder reads its weights once a token for all of them, which is what its time goes into.
        """
        model = self._model
        tokenizers = [self._tokenizer(language) for language in languages]
        options = self._engine_options(tokenizers[0], beam, 0.0, max(map(_tokens, encoded)))
        given = options.initial_prompt or []
        prompts = [model.get_prompt(t, given, hotwords=options.hotwords) for t in tokenizers]
        results = model.model.generate(
            stacked([one.output for one in encoded]),
            prompts,
            beam_size=beam,
            max_length=len(prompts[0]) + options.max_new_tokens,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=options.suppress_blank,
            suppress_tokens=options.suppress_tokens,
            max_initial_timestamp_index=round(options.max_initial_timestamp / model.time_precision),
        )
        return [self._heard(*found, options) for found in zip(encoded, tokenizers, results, strict=True)]

    def _heard(self, encoded: Encoded, tokenizer: Any, result: Any, options: Any) -> Heard:
        from faster_whisper.transcribe import Segment, Word, get_compression_ratio

        tokens = result.sequences_ids[0]
        # CTranslate2 gives the mean over the tokens, Whisper counts the end of the text as one more
        clearness = result.scores[0] * len(tokens) / (len(tokens) + 1)
        if not tokens or (result.no_speech_prob > SILENT and clearness < FAILED):
            return Heard(())
        frames = encoded.features.shape[-1] - 1
        phrases, until_s = phrases_of(tokens, tokenizer.timestamp_begin, frames * _FRAME_S)
        parts: list[dict[str, Any]] = [
            {"seek": 0, "start": p.start, "end": p.end, "tokens": list(p.tokens)} for p in phrases
        ]
        if options.word_timestamps and parts:
            marks = options.prepend_punctuations, options.append_punctuations
            self._model.add_word_timestamps([parts], tokenizer, encoded.output, frames, *marks, 0.0)
        ratio = get_compression_ratio(tokenizer.decode(tokens).strip())
        figures = {"avg_logprob": clearness, "compression_ratio": ratio, "no_speech_prob": result.no_speech_prob}
        raw = [
            Segment(
                id=i,
                seek=0,
                start=part["start"],
                end=part["end"],
                text=tokenizer.decode(part["tokens"]),
                tokens=part["tokens"],
                words=[Word(**word) for word in part.get("words", ())],
                temperature=0.0,
                **figures,
            )
            for i, part in enumerate(parts)
        ]
        return Heard(tuple(raw), until_s if until_s is not None and until_s < frames * _FRAME_S else None)

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, self._options.task, language)

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


def _tokens(encoded: Encoded) -> int:
    """The most tokens that the sound of a window may become."""
    return min(_MOST_TOKENS, round(_TOKENS + _TOKENS_A_SECOND * len(encoded.window.samples) / RATE))


def part_of(output: Any, start_s: float, end_s: float) -> Any:
    """What the encoder made of some seconds; it gives fifty vectors a second."""
    array = _array(output)
    return _view(array[:, int(start_s * 50) : max(int(end_s * 50), int(start_s * 50) + 1)], output)


def stacked(outputs: Sequence[Any]) -> Any:
    """What the encoder made of several windows, as one batch."""
    import numpy as np

    return _view(np.concatenate([_array(output) for output in outputs]), outputs[0])


def _array(output: Any) -> Any:
    import numpy as np
    from ctranslate2 import Device

    return np.array(output if output.device == "cpu" else output.to_device(Device.cpu))


def _view(array: Any, like: Any) -> Any:
    import numpy as np
    from ctranslate2 import Device, StorageView

    view = StorageView.from_array(np.ascontiguousarray(array))
    return view if like.device == "cpu" else view.to_device(Device.cuda)
