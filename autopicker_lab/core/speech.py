"""Speech as text: SpeechOptions, Transcript. Times are seconds from the start of the recording."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, frame, html_table
from autopicker_lab.core.subtitles import cues_of, srt, tsv, vtt

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.core.segments import Segment, Word


@dataclass(frozen=True)
class SpeechOptions:
    """How a recording is heard; what is None is chosen for the recording.

    Attributes:
        language: ISO 639-1 code, its English name or a locale (`de`, `German`, `de-AT`).
        task: "transcribe", or "translate" into English.
        words: whether segments carry their words with start and end.
        vad: whether stretches without a voice are passed over.
        beam: candidates that the search follows, 1 to 20.
        prompt: text that could have gone before, for names and style.
        hotwords: words that are likely to be said.
        temperature: of the sampling, 0 to 1; it is otherwise raised where decoding fails.
    """

    language: str | None = None
    task: str = "transcribe"
    words: bool = False
    vad: bool | None = None
    beam: int | None = None
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Attributes:
        language: ISO 639-1 code, detected or given; None where there was no speech to tell it from.
        duration: of the recording, seconds.
        seconds_taken: wall time of the transcription; `real_time_factor` is its ratio to the duration.
    """

    name: str
    text: str
    language: str | None
    duration: float
    segments: tuple[Segment, ...] = ()
    model: str = ""
    seconds_taken: float | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def real_time_factor(self) -> float | None:
        """RTF: seconds of work for each second of sound; None for an empty recording."""
        return self.seconds_taken / self.duration if self.seconds_taken is not None and self.duration else None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object as the HTTP API answers it; times in seconds."""
        segments: list[dict[str, Any]] = []
        for segment in self.segments:
            row: dict[str, Any] = {"start": segment.start, "end": segment.end, "text": segment.text}
            if segment.words:
                row["words"] = [_word(word) for word in segment.words]
            marks = {"speaker": segment.speaker, "doubt": segment.doubt}
            segments.append(row | {name: value for name, value in marks.items() if value})
        return {
            "name": self.name,
            "text": self.text,
            "language": self.language,
            "duration": self.duration,
            "segments": segments,
            "warnings": list(self.warnings),
        }

    def to_srt(self) -> str:
        """SubRip subtitles."""
        return srt(cues_of(self.segments, self.duration))

    def to_vtt(self, *, words: bool = False) -> str:
        """WebVTT subtitles; with `words`, each word that has times of its own with its start."""
        return vtt(cues_of(self.segments, self.duration), words=words)

    def to_tsv(self) -> str:
        """A row a segment: start and end in milliseconds, and text."""
        return tsv(self.segments)

    def with_segments(self, segments: Sequence[Segment]) -> Transcript:
        """The Transcript with these segments in place of its own, and their text."""
        text = " ".join(segment.text for segment in segments if segment.text.strip())
        return replace(self, segments=tuple(segments), text=text)

    def to_frame(self) -> pd.DataFrame:
        """One row a segment: start, end, confidence, text."""
        return frame(
            {"start": s.start, "end": s.end, "confidence": s.confidence, "text": s.text} for s in self.segments
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Confidence of each segment over time."""
        target = axes(ax, (7.0, 2.0))
        starts = [s.start for s in self.segments]
        widths = [s.end - s.start for s in self.segments]
        heights = [s.confidence for s in self.segments]
        target.bar(starts, heights, width=widths, align="edge", color=BLUE, edgecolor="white")
        target.set(xlabel="seconds", ylabel="confidence", ylim=(0, 1))
        target.set_title(self.name, loc="left")
        return target

    def _repr_html_(self) -> str:
        rows = [(f"{s.start:.1f}-{s.end:.1f} s", f"{s.confidence:.2f}", s.text) for s in self.segments]
        language = self.language or "no speech"
        return html_table(
            ["time", "confidence", "text"], rows, f"{self.name}: {language}, {self.duration:.1f} s, {self.model}"
        )


def _word(word: Word) -> dict[str, Any]:
    return {"start": word.start, "end": word.end, "word": word.text.strip(), "probability": round(word.probability, 3)}
