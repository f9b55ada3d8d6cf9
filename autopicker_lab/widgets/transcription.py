"""Hear a recording beside its words: they light up, a click seeks, doubtful ones are shaded, all can be edited."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.widgets.parts import Intake, IntakeBox, Job, JobBar, Panel, PanelModel, Save, present
from autopicker_lab.widgets.parts.job import STOPPED

if TYPE_CHECKING:
    from autopicker_lab.core import SourceFile, Transcript
    from autopicker_lab.workbench import Workbench

LANGUAGES = ("detect", "en", "de", "fr", "es", "it", "nl", "pt", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")
_PLAYED = 64 * 2**20  # bytes of a recording that the browser is given


@dataclass
class TranscriptionModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        language: an ISO 639-1 code, or "detect".
        translate: into English.
        file, transcript: of the last recording; a run that was stopped keeps what it had heard.
    """

    lab: Workbench
    intake: Intake = field(default_factory=lambda: Intake(categories=("audio",)))
    language: str = LANGUAGES[0]
    translate: bool = False
    file: SourceFile | None = None
    transcript: Transcript | None = None

    def __post_init__(self) -> None:
        self.job = Job(self._went_on)
        self._heard: SourceFile | None = None
        self._corrected = False
        self.intake.listeners.append(self._came)

    def start(self) -> None:
        """Transcribe the file, in the background (`job.wait()`)."""
        if self.file is None:
            self.message = "give a recording first"
            self.tell()
            return
        if self._corrected:
            self._corrected = False
            self.message = "this replaces your corrections: save them first, or press Transcribe once more"
            self.tell()
            return
        self.message = ""
        self.job.start(self._hear, f"hearing {self.file.name}")

    def edit(self, index: int, text: str) -> None:
        """Correct a segment."""
        if self.transcript is not None and 0 <= index < len(self.transcript.segments):
            self.transcript = self.transcript.corrected(index, text)
            self._corrected, self.message = True, ""
            self.tell()

    def found(self) -> Transcript:
        """The transcript; InvalidRequestError while there is none."""
        return present(self.transcript, "there is no transcript yet", "give a recording first")

    def _came(self) -> None:
        if self.intake.files and self.intake.files[-1] is not self.file and not self.intake.message:
            self.file, self.transcript, self._corrected = self.intake.files[-1], None, False
            if self.job.running:
                self.job.stop()  # _went_on begins with the new one
            else:
                self.start()
        elif self.intake.message and self.job.failed:  # of a recording before this one
            self.job.words, self.job.failed = "", False
        self.tell()

    def _went_on(self) -> None:
        self.tell()
        if not self.job.running and self._heard is not self.file:
            self.start()

    def _hear(self) -> str:
        assert self.file is not None  # see start
        self._heard = file = self.file
        found = self.lab.transcribe(
            file,
            language=None if self.language == LANGUAGES[0] else self.language,
            task="translate" if self.translate else "transcribe",
            word_timestamps=True,
            progress=self.job.report,
        )
        if self.file is file:
            self.transcript = found
        if self.job.stopping:
            return STOPPED
        factor = found.real_time_factor
        pace = "" if factor is None else f", at {1 / factor:.0f} times the speed of speech" if factor else ""
        warnings = "".join(f". {words}" for words in found.warnings)
        return f"{file.name}: {found.duration:.1f} s of {found.language or 'no speech'}{pace}{warnings}"


class Player(anywidget.AnyWidget):
    """A recording and its segments; what is edited comes back as a message {"edit": index, "text": ...}."""

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
        made = {
            "Copy text": ("", lambda: model.found().text),
            "SRT": ("transcript.srt", lambda: model.found().to_srt()),
            "VTT": ("transcript.vtt", lambda: model.found().to_vtt()),
            "JSON": ("transcript.json", lambda: model.found().to_dict()),
        }
        self.save = [Save(label, name, content) for label, (name, content) in made.items()]
        self._playing: tuple[Any, ...] = ()
        self.on(self.language, lambda value: setattr(model, "language", value))
        self.on(self.translate, lambda value: setattr(model, "translate", value))
        self.again.on_click(lambda _: model.start())
        model.listeners.append(self._draw)
        row = w.HBox([self.language, self.translate, self.again])
        self.view = w.VBox([self.intake.view, row, self.bar.view, self.note, self.player, w.HBox(self.save)])
        if str(path):
            model.intake.name(str(path))
        model.tell()

    def _draw(self) -> None:
        model = self.model
        self.bar.draw()
        self.again.disabled = model.job.running or model.file is None
        self.note.value = f"⚠ {escape(model.message)}" if model.message else ""
        for button in self.save:
            button.disabled = model.transcript is None
        self._play()

    def _play(self) -> None:
        """A new player for another recording or run; corrections are in the one that is there already."""
        file, transcript = self.model.file, self.model.transcript
        shown = (file, None if transcript is None else transcript.seconds_taken)
        if shown == self._playing:
            return
        self._playing = shown
        if file is None:
            self.player.children = ()
            return
        segments: list[Any] = [asdict(segment) for segment in transcript.segments] if transcript else []
        sound = file.data if file.size <= _PLAYED else b""
        # its bytes travel with its making: a Jupyter server drops large updates, but not that
        player = Player(audio=sound, media=file.media_type, segments=segments)
        player.on_msg(lambda _, message, __: self._corrected(shown, player, message["edit"], message["text"]))
        self.player.children = (player,)

    def _corrected(self, shown: tuple[Any, ...], player: Player, index: int, text: str) -> None:
        """Take a correction, unless it is of a transcript that is gone."""
        if shown == self._playing:
            self.model.edit(index, text)
            player.segments = [asdict(segment) for segment in self.model.found().segments]
