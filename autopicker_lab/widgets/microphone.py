"""A microphone in a notebook: speech is written while it is said, and what was recorded goes to the panel's files."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.core import InvalidRequestError, SpeechOptions
from autopicker_lab.extraction import open_source
from autopicker_lab.transcription import LiveTranscriber
from autopicker_lab.transcription.live import LiveUpdate, hear_live, text_of
from autopicker_lab.transcription.stream import SoundStream
from autopicker_lab.widgets.parts import Intake, PanelModel, describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.transcription.live import LiveTranscript
    from autopicker_lab.workbench import Workbench

_STATIC = Path(__file__).parent / "static"
_RECORDER = Path(__file__).parent.parent / "client" / "recorder.mjs"  # as the service's page records
_MOST_BYTES = 2**28  # of a recording: eighteen hours of what browsers record


@dataclass
class MicrophoneModel(PanelModel):
    """The state of a microphone, without widgets.

    Attributes:
        intake: where a recording goes once it is ended.
        options: how it is heard.
        settled: text that is certain.
        tail: what follows it, as it seems to be so far.
        listening: whether sound is taken.
    """

    lab: Workbench
    intake: Intake
    options: Callable[[], SpeechOptions] = SpeechOptions
    settled: str = ""
    tail: str = ""
    listening: bool = False
    _stream: SoundStream | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def begin(self, form: str) -> None:
        """Listen to what comes in the container `form`: webm, ogg or mp4."""
        self.act(lambda: self._begin(form))

    def take(self, data: bytes) -> None:
        """Take the next piece of the recording."""
        if self._stream is None or not self.listening:
            return
        self._recorded += data
        self._stream.put(data)
        if len(self._recorded) > _MOST_BYTES:
            self.end()

    def end(self) -> None:
        """Listen no more; what was said is still written, in the background (`wait`)."""
        if self._stream is not None and self.listening:
            self.listening = False
            self._stream.end()
            self.notify()

    def fail(self, why: str) -> None:
        """Say why the browser does not record."""
        self.message = why
        self.end()
        self.notify()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all that was said is written, or for so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _begin(self, form: str) -> None:
        transcriber = self.lab.transcriber
        if not isinstance(transcriber, LiveTranscriber):
            raise InvalidRequestError("the transcriber cannot hear speech while it is said", "give a recording")
        if self._thread is not None and self._thread.is_alive():
            raise InvalidRequestError("what was said before is still being written", "begin again in a moment")
        stream, live = SoundStream(form), transcriber.live(self.options())
        self._recorded = bytearray()
        self._stream, self.settled, self.tail, self.listening = stream, "", "", True
        name = time.strftime(f"microphone-%Y%m%d-%H%M%S.{form}")
        self._thread = threading.Thread(
            target=self._hear, args=(live, stream, name), name="autopicker panel's microphone", daemon=True
        )
        self._thread.start()

    def _hear(self, live: LiveTranscript, stream: SoundStream, name: str) -> None:
        def tell(update: LiveUpdate) -> None:
            self.settled, self.tail = text_of(live.settled), text_of(update.tail)
            self.notify()

        try:
            hear_live(live, stream, tell)
        except Exception as error:  # a panel shows words, never a traceback
            self.message = describe_error(error)
        self.listening = False
        self.notify()
        if self._recorded:
            self.act(lambda: self.intake.add_file(open_source(bytes(self._recorded), name)), self.message)


class _Recorder(anywidget.AnyWidget):
    """The button that records, and what was said so far."""

    _esm = "".join(path.read_text("utf-8") for path in (_RECORDER, _STATIC / "microphone.js"))
    listening = traitlets.Bool(False).tag(sync=True)
    settled = traitlets.Unicode("").tag(sync=True)
    tail = traitlets.Unicode("").tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)


class MicrophoneBox:
    """The view of a microphone; arguments as of MicrophoneModel."""

    def __init__(self, lab: Workbench, intake: Intake, options: Callable[[], SpeechOptions] = SpeechOptions):
        self.model = MicrophoneModel(lab, intake, options)
        self.view = _Recorder()
        self.view.on_msg(self._on_message)
        self.model.listeners.append(self._draw)

    def _draw(self) -> None:
        model = self.model
        with self.view.hold_sync():
            self.view.listening, self.view.message = model.listening, model.message
            self.view.settled, self.view.tail = model.settled, model.tail

    def _on_message(self, _: object, message: dict[str, Any], buffers: list[Any]) -> None:
        match message["act"]:
            case "begin":
                self.model.begin(message["form"])
            case "sound":
                self.model.take(b"".join(bytes(one) for one in buffers))
            case "end":
                self.model.end()
            case "failed":
                self.model.fail(message["why"])
