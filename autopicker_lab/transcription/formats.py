"""A Transcript in the formats that people save: text, JSON, OpenAI's verbose JSON, SubRip, WebVTT, rows."""

from __future__ import annotations

import json
import math
import zlib
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from autopicker_lab.core import Segment, Transcript

Format: TypeAlias = Literal["text", "json", "verbose_json", "srt", "vtt", "tsv"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {"text": ".txt", "json": ".json", "verbose_json": ".json"}
"""Endings of files whose format has another name than they."""


def written(transcript: Transcript, form: Format, *, words: bool = False, task: str = "transcribe") -> str:
    """A Transcript as the text of a file.

    Args:
        words: VTT has the start of each word.
        task: what verbose JSON says of it.
    """
    match form:
        case "text":
            return transcript.text + "\n"
        case "srt":
            return transcript.to_srt()
        case "vtt":
            return transcript.to_vtt(words=words)
        case "tsv":
            return transcript.to_tsv()
        case _:
            found = transcript.to_dict() if form == "json" else verbose(transcript, task)
            return json.dumps(found, ensure_ascii=False) + "\n"


def verbose(transcript: Transcript, task: str = "transcribe") -> dict[str, Any]:
    """OpenAI's verbose JSON, every field of it, and what is doubtful; words where they are known."""
    body: dict[str, Any] = {
        "task": task,
        "language": transcript.language or "",
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": [_verbose_segment(i, segment) for i, segment in enumerate(transcript.segments)],
    }
    if words := [word for segment in transcript.segments for word in segment.words]:
        body["words"] = [{"word": w.text.strip(), "start": w.start, "end": w.end} for w in words]
    return body


def _verbose_segment(number: int, segment: Segment) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": number,
        "seek": round(segment.start * 100),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        **_figures(segment),
    }
    marks = {"speaker": segment.speaker, "doubt": segment.doubt}
    return row | {name: value for name, value in marks.items() if value}


def _figures(segment: Segment) -> dict[str, Any]:
    """What the recogniser said of a segment; of one that a person wrote, what can be told of its text."""
    known = segment.decoding
    if known is None:
        said = segment.text.encode()
        return {
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": math.log(max(segment.confidence, 1e-10)),
            "compression_ratio": len(said) / len(zlib.compress(said)),
            "no_speech_prob": 0.0,
        }
    return {
        "tokens": list(known.tokens),
        "temperature": known.temperature,
        "avg_logprob": known.avg_logprob,
        "compression_ratio": known.compression_ratio,
        "no_speech_prob": known.no_speech_prob,
    }
