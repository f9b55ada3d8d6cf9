"""Recordings to Transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from autopicker_lab.transcription.whisper import STOPPED, Progress, WhisperTranscriber

if TYPE_CHECKING:
    from autopicker_lab.core import SourceFile, Transcript

__all__ = ["STOPPED", "Progress", "Transcriber", "WhisperTranscriber"]


class Transcriber(Protocol):
    """Anything that hears: WhisperTranscriber, or your own."""

    model: str

    def transcribe(
        self,
        file: SourceFile,
        *,
        language: str | None = None,
        task: str = "transcribe",
        word_timestamps: bool = False,
        progress: Progress | None = None,
    ) -> Transcript: ...

    def release(self) -> None: ...
