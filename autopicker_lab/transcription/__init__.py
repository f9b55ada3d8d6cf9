"""Recordings to Transcripts."""

from __future__ import annotations

from typing import Protocol

from autopicker_lab.core import SourceFile, Transcript
from autopicker_lab.transcription.whisper import STOPPED, Progress, WhisperTranscriber

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
