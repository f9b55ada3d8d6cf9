"""Speech as text: Transcript, Segment, Word. Times are seconds from the start of the recording."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import BLUE, axes, frame, html_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Word:
    """A word; `probability` is the recogniser's, 0 to 1."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech; `confidence` is the mean probability of its words, or of all in its half minute, 0 to 1."""

    start: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording, with the times.

    Attributes:
        language: ISO 639-1 code, detected or given; None where there was no speech to tell it from.
        duration: seconds of the recording.
        seconds_taken: wall time of the transcription; None where it was not measured.
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
        """One JSON object: name, text, language, duration, and segments with their words where those are known."""
        segments: list[dict[str, Any]] = []
        for segment in self.segments:
            row: dict[str, Any] = {"start": segment.start, "end": segment.end, "text": segment.text}
            if segment.words:
                row["words"] = [{"start": w.start, "end": w.end, "word": w.text} for w in segment.words]
            segments.append(row)
        return {
            "name": self.name,
            "text": self.text,
            "language": self.language,
            "duration": self.duration,
            "segments": segments,
        }

    def to_srt(self) -> str:
        """SubRip subtitles."""
        return "\n".join(
            f"{i}\n{_clock(s.start, ',')} --> {_clock(s.end, ',')}\n{s.text.strip()}\n"
            for i, s in enumerate(_with_words(self.segments), 1)
        )

    def to_vtt(self) -> str:
        """WebVTT subtitles."""
        cues = (
            f"{_clock(s.start, '.')} --> {_clock(s.end, '.')}\n{escape(s.text.strip(), quote=False)}\n"
            for s in _with_words(self.segments)
        )
        return "WEBVTT\n\n" + "\n".join(cues)

    def with_segment_text(self, index: int, text: str) -> Transcript:
        """The Transcript with other words in one segment, whose word times are no longer known."""
        if not 0 <= index < len(self.segments):
            raise IndexError(f"there is no segment {index}")
        segments = list(self.segments)
        segments[index] = replace(segments[index], text=" ".join(text.split()), words=())
        text = " ".join(segment.text for segment in _with_words(segments))
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


def _with_words(segments: Iterable[Segment]) -> list[Segment]:
    """Segments with words: a correction may have taken all of one."""
    return [segment for segment in segments if segment.text.strip()]


def _clock(seconds: float, mark: str) -> str:
    """A subtitle's time, hh:mm:ss and milliseconds after `mark`."""
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{mark}{total % 1000:03}"
