"""The model of the transcription panel: a recording, what is said in it, and what a person corrected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.core.corrections import confirmed, corrected, merged, retimed, split
from autopicker_lab.transcription.formats import written
from autopicker_lab.transcription.picture import peaks_of
from autopicker_lab.widgets.parts import Intake, Job, PanelModel, require
from autopicker_lab.widgets.parts.job import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.core import Segment, SourceFile, Transcript
    from autopicker_lab.transcription.formats import Format
    from autopicker_lab.workbench import Workbench

LANGUAGES = ("detect", "en", "de", "fr", "es", "it", "nl", "pt", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")
_DOUBTED = 0.6  # probability of a word below which it is worth a look
_KEPT_BACK = 500  # steps that can be taken back


@dataclass(frozen=True)
class DoubtfulWord:
    """A word that may be wrong: its segment, its place among that one's words (-1: all of them), its probability."""

    segment: int
    word: int
    text: str
    probability: float


@dataclass
class TranscriptionModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        language: an ISO 639-1 code, or "detect".
        translate: whether to translate into English.
        file: the last recording.
        peaks: how loud it is, see transcription.picture; empty until it was decoded.
        transcript: of that file, with all corrections; a run that was stopped keeps what it has transcribed.
    """

    lab: Workbench
    intake: Intake = field(default_factory=lambda: Intake(categories=("audio",)))
    language: str = LANGUAGES[0]
    translate: bool = False
    file: SourceFile | None = None
    peaks: bytes = b""
    transcript: Transcript | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._on_job)
        self._transcribed: SourceFile | None = None
        self._warned = False
        self._before: list[Transcript] = []
        self._after: list[Transcript] = []
        self.intake.listeners.append(self._on_intake)

    def start(self) -> None:
        """Transcribe the last file that was given, in the background (`job.wait()`)."""
        if self.file is None:
            self.message = "give a recording first"
            self.notify()
            return
        if self._would_lose("press Transcribe once more"):
            return
        self.message = ""
        if self.intake.files and self.intake.files[-1] is not self.file:  # it waited for corrections to be saved
            self._open(self.intake.files[-1])
            return
        self.job.start(self._transcribe, f"hearing {self.file.name}")

    def correct(self, index: int, text: str) -> None:
        """Replace the text of a segment."""
        self._change(index, 1, lambda one: [corrected(one, text)])

    def split(self, index: int, at: int) -> None:
        """Make two segments of one, before the word nearest to the letter `at` of its text."""
        self._change(index, 1, lambda one: split(one, at))

    def merge(self, index: int) -> None:
        """Make one segment of this and the next."""
        self._change(index, 2, lambda one, other: [merged(one, other)])

    def retime(self, index: int, start: float | None = None, end: float | None = None) -> None:
        """Let a segment begin or end at another second."""
        self._change(
            index, 1, lambda one: [retimed(one, one.start if start is None else start, one.end if end is None else end)]
        )

    def confirm(self, index: int) -> None:
        """Say that a segment is right as it is."""
        self._change(index, 1, lambda one: [confirmed(one)])

    def remove(self, index: int) -> None:
        """Leave a segment out."""
        self._change(index, 1, lambda _: [])

    def undo(self) -> None:
        """Take the last change back."""
        self._step(self._before, self._after)

    def redo(self) -> None:
        """Make a change that was taken back once more."""
        self._step(self._after, self._before)

    @property
    def spoken(self) -> str | None:
        """The language as it is asked for; None: to be told from the recording."""
        return None if self.language == LANGUAGES[0] else self.language

    @property
    def task(self) -> str:
        """What is made of it: a transcript, or a translation into English."""
        return "translate" if self.translate else "transcribe"

    @property
    def doubtful(self) -> list[DoubtfulWord]:
        """Words that may be wrong, the least probable first; of a segment that is doubtful as a whole, that."""
        found = []
        for i, segment in enumerate(self.transcript.segments if self.transcript else ()):
            if segment.doubt or (not segment.words and segment.confidence < _DOUBTED):
                found.append(DoubtfulWord(i, -1, segment.text, min(segment.confidence, 0.0 if segment.doubt else 1.0)))
            else:
                found += [
                    DoubtfulWord(i, j, word.text.strip(), word.probability)
                    for j, word in enumerate(segment.words)
                    if word.probability < _DOUBTED
                ]
        return sorted(found, key=lambda word: word.probability)

    def require_transcript(self) -> Transcript:
        """Return the transcript; InvalidRequestError while there is none."""
        return require(self.transcript, "there is no transcript yet", "give a recording first")

    def written(self, form: Format, *, words: bool = False) -> str:
        """The transcript as a file has it, corrections included; see transcription.formats."""
        return written(self.require_transcript(), form, words=words, task=self.task)

    def _change(self, index: int, count: int, make: Callable[..., Sequence[Segment]]) -> None:
        """Put what is made of some segments in their place."""
        transcript = self.transcript
        if transcript is None or not 0 <= index <= len(transcript.segments) - count:
            return
        old = transcript.segments[index : index + count]

        def change() -> None:
            new = tuple(make(*old))
            if new != old:
                self._before = [*self._before[-_KEPT_BACK:], transcript]
                self._after = []
                segments = (*transcript.segments[:index], *new, *transcript.segments[index + count :])
                self.transcript, self._warned = transcript.with_segments(segments), False

        self.act(change)

    def _step(self, source: list[Transcript], target: list[Transcript]) -> None:
        if source and self.transcript is not None:
            target.append(self.transcript)
            self.transcript, self.message, self._warned = source.pop(), "", False
            self.notify()

    def _forget(self) -> None:
        self._before, self._after = [], []

    def _would_lose(self, action: str) -> bool:
        """Say, once, that corrections would be lost; whether that was said now."""
        if not self._before or self._warned:
            return False
        self._warned = True
        self.message = f"this replaces your corrections: save them first, or {action}"
        self.notify()
        return True

    def _on_intake(self) -> None:
        if self.intake.files and self.intake.files[-1] is not self.file and not self.intake.message:
            if self._would_lose("press Transcribe"):
                return
            self._open(self.intake.files[-1])
        elif self.intake.message and self.job.failed:  # the failure was of the recording before
            self.job.words, self.job.failed = "", False
        self.notify()

    def _open(self, file: SourceFile) -> None:
        self.file, self.peaks, self.transcript = file, b"", None
        self._forget()
        if self.job.running:
            self.job.stop()  # _on_job starts the new one
        else:
            self.start()

    def _on_job(self) -> None:
        self.notify()
        if not self.job.running and self._transcribed is not self.file:
            self.start()

    def _transcribe(self) -> str:
        assert self.file is not None  # see start
        self._transcribed = file = self.file
        peaks = self.peaks or peaks_of(file)
        if self.file is file:
            self.peaks = peaks
        transcript = self.lab.transcribe(
            file,
            language=self.spoken,
            task=self.task,
            words=True,
            progress=lambda done, total: self.job.report(done / total if total else 0.0),
        )
        if self.file is file:
            self.transcript, self._warned = transcript, False
            self._forget()
        if self.job.stopping:
            return STOPPED
        pace = _pace(transcript.real_time_factor)
        warnings = "".join(f". {words}" for words in transcript.warnings)
        language = transcript.language or "no speech"
        return f"{file.name}: {transcript.duration:.1f} s of {language}{pace}{warnings}"


def _pace(factor: float | None) -> str:
    """How fast a recording was heard, of its real-time factor, in words; never "0 times"."""
    if not factor:
        return ""
    times = 1 / factor
    return (
        f", at {times:,.0f} times the speed of speech" if times >= 2 else f", at {times:.2g} times the speed of speech"
    )
