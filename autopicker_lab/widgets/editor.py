"""The editor of a transcript: words under their sound, which are heard, corrected, split and merged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.core import AutopickerError
from autopicker_lab.transcription.picture import PEAKS_A_SECOND, playable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import Segment, SourceFile
    from autopicker_lab.widgets.transcription_model import DoubtfulWord, TranscriptionModel

_STATIC = Path(__file__).parent / "static"
_MAX_BYTES = 64 * 2**20  # of a recording that is sent to the browser as it is
_SHOWN = 40  # doubtful words that are shown


class Editor(anywidget.AnyWidget):
    """The editor of one recording; what a person does in it becomes calls of the model.

    What changes is sent piece by piece: a Jupyter server drops large updates, but not what comes as a widget is made.
    """

    _esm = "".join((_STATIC / name).read_text("utf-8") for name in ("waveform.js", "editor_keys.js", "editor.js"))
    _css = _STATIC / "editor.css"
    audio = traitlets.Bytes(b"").tag(sync=True)
    media = traitlets.Unicode("").tag(sync=True)
    peaks = traitlets.Bytes(b"").tag(sync=True)
    rate = traitlets.Int(PEAKS_A_SECOND).tag(sync=True)
    segments: traitlets.List[Any] = traitlets.List().tag(sync=True, to_json=lambda _, editor: editor.rows())
    doubtful: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, model: TranscriptionModel, file: SourceFile, peaks: bytes):
        self._model = model
        self._file = file
        self._drawn: tuple[Segment, ...] = model.transcript.segments if model.transcript else ()
        sound = file.data if file.size <= _MAX_BYTES else b""
        super().__init__(audio=sound, media=file.media_type, peaks=peaks, doubtful=_doubts(model.doubtful))
        self.on_msg(self._on_message)

    def rows(self) -> list[dict[str, Any]]:
        """All segments as the browser has them."""
        return [_row(segment) for segment in self._drawn]

    def draw(self) -> None:
        """Send what has changed in the transcript."""
        new = self._model.transcript.segments if self._model.transcript else ()
        old = self._drawn
        if new == old:
            return
        first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a is not b), min(len(old), len(new)))
        room = min(len(old), len(new)) - first
        same = next((i for i in range(room) if old[-1 - i] is not new[-1 - i]), room)
        self._drawn = new
        rows = [_row(segment) for segment in new[first : len(new) - same]]
        self.send({"first": first, "removed": len(old) - first - same, "rows": rows})
        self.doubtful = _doubts(self._model.doubtful)

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        model, index = self._model, message.get("index", -1)
        match message["act"]:
            case "correct":
                model.correct(index, message["text"])
            case "split":
                model.split(index, message["at"])
            case "merge":
                model.merge(index)
            case "retime":
                model.retime(index, message.get("start"), message.get("end"))
            case "confirm":
                model.confirm(index)
            case "remove":
                model.remove(index)
            case "undo":
                model.undo()
            case "redo":
                model.redo()
            case "unplayable":
                self._make_playable()

    def _make_playable(self) -> None:
        """Send sound that any browser plays, in place of what this one does not know or what was too large."""
        try:
            sound = playable(self._file)
        except AutopickerError:  # the transcription says what is wrong with it
            sound = b""
        self.send({"sound": len(sound)}, [sound] if len(sound) <= _MAX_BYTES else [])


def _row(segment: Segment) -> dict[str, Any]:
    words = [[word.start, word.end, word.text, round(word.probability, 3)] for word in segment.words]
    row = {"start": segment.start, "end": segment.end, "text": segment.text, "sure": round(segment.confidence, 3)}
    return row | {"words": words, "doubt": segment.doubt, "speaker": segment.speaker}


def _doubts(words: Sequence[DoubtfulWord]) -> dict[str, Any]:
    rows = [[word.segment, word.word, word.text[:60], round(word.probability, 3)] for word in words[:_SHOWN]]
    return {"count": len(words), "words": rows}
