"""Speech to text: recordings into Transcripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from autopicker_lab.core import SpeechOptions
from autopicker_lab.transcription.hearing import STOPPED
from autopicker_lab.transcription.whisper import WhisperTranscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import Segment, SourceFile, Transcript
    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.transcription.live import LiveTranscript

__all__ = ["STOPPED", "LiveTranscriber", "Transcriber", "WhisperTranscriber"]


class Transcriber(Protocol):
    """A speech recogniser: WhisperTranscriber, or one of your own. `model` names what it recognises with.

    It is called from several threads at once.
    """

    model: str

    def transcribe(
        self,
        file: SourceFile,
        options: SpeechOptions = SpeechOptions(),
        *,
        progress: Progress | None = None,
        heard: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The Transcript of a recording; see WhisperTranscriber.transcribe for the arguments."""
        ...

    def release(self) -> None:
        """Give the model's memory back; the next use loads it again."""
        ...


@runtime_checkable
class LiveTranscriber(Protocol):
    """A recogniser that also hears speech while it is said."""

    def live(self, options: SpeechOptions = SpeechOptions()) -> LiveTranscript:
        """What is fed with sound; see LiveTranscript."""
        ...
