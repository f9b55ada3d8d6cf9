"""Pieces of a Transcript: Segment, Word, and what the recogniser says of them. Times are seconds of the recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """What the recogniser says of a segment's half minute: its own tokens, their mean log probability, and so on."""

    tokens: tuple[int, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


@dataclass(frozen=True)
class Word:
    """A spoken word, with its times in seconds and the probability that it is right."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech.

    Attributes:
        confidence: mean probability of its words, or of all in its half minute, 0 to 1.
        language: ISO 639-1 code of what is said in it.
        speaker: the channel that it was heard on, where the channels of a call are heard each for itself.
        doubt: why it may not have been said (a loop, a phrase that Whisper makes up in silence); "" where nothing is.
        decoding: what else the recogniser knows of it.
    """

    start: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...] = ()
    language: str | None = None
    speaker: str = ""
    doubt: str = ""
    decoding: Decoding | None = None
