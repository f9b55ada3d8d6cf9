"""The transcription panel: a recording beside its words, which light up, seek on a click, and can be edited."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.transcription.formats import written
from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Panel, PanelModel, Save, require
from autopicker_lab.widgets.parts.job import STOPPED

if TYPE_CHECKING:
    from autopicker_lab.core import SourceFile, Transcript
    from autopicker_lab.transcription.formats import Format
    from autopicker_lab.workbench import Workbench

LANGUAGES = ("detect", "en", "de", "fr", "es", "it", "nl", "pt", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")
_MAX_BYTES = 64 * 2**20  # of a recording that is sent to the browser


@dataclass
class TranscriptionModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        language: an ISO 639-1 code, or "detect".
        translate: whether to translate into English.
        file: the last recording.
        transcript: of that file; a run that was stopped keeps what it has transcribed.
    """

    lab: Workbench
    intake: Intake = field(default_factory=lambda: Intake(categories=("audio",)))
    language: str = LANGUAGES[0]
    translate: bool = False
    file: SourceFile | None = None
    transcript: Transcript | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._on_job)
        self._transcribed: SourceFile | None = None
        self._corrected = False
        self.intake.listeners.append(self._on_intake)

    def start(self) -> None:
        """Transcribe the file, in the background (`job.wait()`)."""
        if self.file is None:
            self.message = "give a recording first"
            self.notify()
            return
        if self._corrected:
            self._corrected = False
            self.message = "this replaces your corrections: save them first, or press Transcribe once more"
            self.notify()
            return
        self.message = ""
        self.job.start(self._transcribe, f"hearing {self.file.name}")

    def edit(self, index: int, text: str) -> None:
        """Replace the text of a segment."""
        if self.transcript is not None and 0 <= index < len(self.transcript.segments):
            self.transcript = self.transcript.with_segment_text(index, text)
            self._corrected, self.message = True, ""
            self.notify()

    def require_transcript(self) -> Transcript:
        """Return the transcript; InvalidRequestError while there is none."""
        return require(self.transcript, "there is no transcript yet", "give a recording first")

    def written(self, form: Format, *, words: bool = False) -> str:
        """The transcript as a file has it, corrections included; see transcription.formats."""
        task = "translate" if self.translate else "transcribe"
        return written(self.require_transcript(), form, words=words, task=task)

    def _on_intake(self) -> None:
        if self.intake.files and self.intake.files[-1] is not self.file and not self.intake.message:
            self.file, self.transcript, self._corrected = self.intake.files[-1], None, False
            if self.job.running:
                self.job.stop()  # _on_job starts the new one
            else:
                self.start()
        elif self.intake.message and self.job.failed:  # the failure was of the recording before
            self.job.words, self.job.failed = "", False
        self.notify()

    def _on_job(self) -> None:
        self.notify()
        if not self.job.running and self._transcribed is not self.file:
            self.start()

    def _transcribe(self) -> str:
        assert self.file is not None  # see start
        self._transcribed = file = self.file
        transcript = self.lab.transcribe(
            file,
            language=None if self.language == LANGUAGES[0] else self.language,
            task="translate" if self.translate else "transcribe",
            words=True,
            progress=lambda done, total: self.job.report(done / total if total else 0.0),
        )
        if self.file is file:
            self.transcript = transcript
        if self.job.stopping:
            return STOPPED
        factor = transcript.real_time_factor
        pace = "" if factor is None else f", at {1 / factor:.0f} times the speed of speech" if factor else ""
        warnings = "".join(f". {words}" for words in transcript.warnings)
        language = transcript.language or "no speech"
        return f"{file.name}: {transcript.duration:.1f} s of {language}{pace}{warnings}"


class Player(anywidget.AnyWidget):
    """The player of a recording and its segments; an edit comes back as {"edit": index, "text": ...}."""

    _esm = Path(__file__).parent / "static" / "player.js"
    audio = traitlets.Bytes(b"").tag(sync=True)
    media = traitlets.Unicode("").tag(sync=True)
    segments: traitlets.List[Any] = traitlets.List().tag(sync=True)


class TranscriptionPanel(Panel):
    """The panel in a notebook: `TranscriptionPanel(lab, "talk.mp3")` as the last line of a cell."""

    def __init__(self, lab: Workbench, path: str | Path = ""):
        import ipywidgets as w

        self.model = model = TranscriptionModel(lab)
        self.intake = IntakeBox(model.intake, path)
        self.bar = JobBar(model.job)
        self.language = w.Dropdown(options=LANGUAGES, description="language")
        self.translate = w.Checkbox(False, description="into English", indent=False)
        self.again = w.Button(description="Transcribe", button_style="primary", disabled=True)
        self.note = w.HTML()
        self.player = w.VBox()
        contents = {
            "Copy text": ("", lambda: model.require_transcript().text),
            "SRT": ("transcript.srt", lambda: model.written("srt")),
            "VTT": ("transcript.vtt", lambda: model.written("vtt")),
            "VTT, words": ("transcript.words.vtt", lambda: model.written("vtt", words=True)),
            "Text": ("transcript.txt", lambda: model.written("text")),
            "TSV": ("transcript.tsv", lambda: model.written("tsv")),
            "JSON": ("transcript.json", lambda: model.require_transcript().to_dict()),
            "Verbose JSON": ("transcript.verbose.json", lambda: model.written("verbose_json")),
        }
        self.save = [Save(label, name, content) for label, (name, content) in contents.items()]
        self._playing: tuple[Any, ...] = ()
        self.on(self.language, lambda value: setattr(model, "language", value))
        self.on(self.translate, lambda value: setattr(model, "translate", value))
        self.again.on_click(lambda _: model.start())
        model.listeners.append(self._draw)
        row = w.HBox([self.language, self.translate, self.again])
        self.view = w.VBox([self.intake.view, row, self.bar.view, self.note, self.player, w.HBox(self.save)])
        if str(path):
            model.intake.add_path(str(path))
        model.notify()

    def _draw(self) -> None:
        model = self.model
        self.bar.draw()
        self.again.disabled = model.job.running or model.file is None
        self.note.value = f"⚠ {escape(model.message)}" if model.message else ""
        for button in self.save:
            button.disabled = model.transcript is None
        self._play()

    def _play(self) -> None:
        """Make a new player for another recording or run; the current one has its corrections already."""
        file, transcript = self.model.file, self.model.transcript
        drawn = (file, None if transcript is None else transcript.seconds_taken)
        if drawn == self._playing:
            return
        self._playing = drawn
        if file is None:
            self.player.children = ()
            return
        segments: list[Any] = [asdict(segment) for segment in transcript.segments] if transcript else []
        sound = file.data if file.size <= _MAX_BYTES else b""
        # the bytes are sent as the player is made: a Jupyter server drops large updates, but not that
        player = Player(audio=sound, media=file.media_type, segments=segments)
        player.on_msg(lambda _, message, __: self._on_edit(drawn, player, message["edit"], message["text"]))
        self.player.children = (player,)

    def _on_edit(self, drawn: tuple[Any, ...], player: Player, index: int, text: str) -> None:
        """Take a correction, unless the transcript has been replaced."""
        if drawn == self._playing:
            self.model.edit(index, text)
            player.segments = [asdict(segment) for segment in self.model.require_transcript().segments]
