"""The transcription panel: a recording, its words under the sound, and what is saved of them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import SpeechOptions
from autopicker_lab.widgets.editor import Editor
from autopicker_lab.widgets.microphone import MicrophoneBox
from autopicker_lab.widgets.parts import IntakeBox, JobBar, Panel, Save
from autopicker_lab.widgets.transcription_model import LANGUAGES, TranscriptionModel

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.workbench import Workbench


class TranscriptionPanel(Panel):
    """The panel in a notebook: `TranscriptionPanel(lab, "talk.mp3")` as the last line of a cell."""

    def __init__(self, lab: Workbench, path: str | Path = ""):
        import ipywidgets as w

        self.model = model = TranscriptionModel(lab)
        self.intake = IntakeBox(model.intake, path)
        self.microphone = MicrophoneBox(lab, model.intake, lambda: SpeechOptions(model.spoken, model.task))
        self.bar = JobBar(model.job)
        self.language = w.Dropdown(options=LANGUAGES, description="language")
        self.translate = w.Checkbox(False, description="into English", indent=False, layout=w.Layout(width="9em"))
        self.again = w.Button(description="Transcribe", button_style="primary", disabled=True)
        self.note = w.HTML()
        self.editor = w.VBox()
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
        self._drawn: tuple[Any, ...] = ()
        self.on(self.language, lambda value: setattr(model, "language", value))
        self.on(self.translate, lambda value: setattr(model, "translate", value))
        self.again.on_click(lambda _: model.start())
        model.listeners.append(self._draw)
        row = w.HBox([self.language, self.translate, self.again])
        saves = w.HBox(self.save, layout=w.Layout(flex_flow="row wrap"))
        parts = [self.intake.view, self.microphone.view, row, self.bar.view, self.note, self.editor, saves]
        self.view = w.VBox(parts)
        if str(path):
            model.intake.add_path(str(path))
        model.notify()

    def _draw(self) -> None:
        model = self.model
        self.bar.draw()
        self.again.disabled = model.job.running or model.file is None
        self.note.value = f"<span role='status'>⚠ {escape(model.message)}</span>" if model.message else ""
        for button in self.save:
            button.disabled = model.transcript is None
        self._edit()

    def _edit(self) -> None:
        """Make a new editor for another recording or run; of the one that is there only what has changed."""
        model = self.model
        file, transcript = model.file, model.transcript
        drawn = (file if model.peaks else None, None if transcript is None else transcript.seconds_taken)
        if drawn == self._drawn:
            for editor in self.editor.children:
                editor.draw()
            return
        self._drawn = drawn
        self.editor.children = (Editor(model, file, model.peaks),) if file is not None and model.peaks else ()
